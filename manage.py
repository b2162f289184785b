#!/usr/bin/env python
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        sys.exit(f"{sys.executable} has no Django. Type `make setup` once, then `. .venv/bin/activate`.")

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
