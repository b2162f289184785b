"""`manage.py jobs ...`: a module for each family of subcommands."""
