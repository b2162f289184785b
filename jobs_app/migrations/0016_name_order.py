from django.db import migrations

# The index of names, in the order of the letters' numbers: made anew where a PostgreSQL has it in another one.
OURS = 'CREATE INDEX job_name ON jobs_app_job ((SUBSTR("name", 1, 100) COLLATE "C"), "id")'


def order_by_letters(_, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP INDEX IF EXISTS job_name")
        editor.execute(OURS)


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0015_table")]

    operations = [migrations.RunPython(order_by_letters, migrations.RunPython.noop)]
