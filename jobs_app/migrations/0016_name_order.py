from django.db import migrations

# Names and apps in the order of the letters' numbers, whatever language a PostgreSQL was made for: pages are
# put together from several answers, and Python compares like that.
OURS = 'CREATE INDEX job_name ON jobs_app_job ((SUBSTR("name", 1, 100) COLLATE "C"), "id")'
APP = 'ALTER TABLE jobs_app_job ALTER COLUMN app TYPE varchar(255) COLLATE "C"'


def order_by_letters(_, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP INDEX IF EXISTS job_name")
        editor.execute(OURS)
        editor.execute(APP)


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0015_table")]

    operations = [migrations.RunPython(order_by_letters, migrations.RunPython.noop)]
