import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What a pool tells of changes these rows again and again. A new version of a row beside the former one, on the
# same page, costs PostgreSQL no index anything; so half of each page is left free for it.
ROOM = ("jobs_app_job", "jobs_app_attempt", "jobs_app_sliceblock")


def leave_room(_, editor):
    if editor.connection.vendor == "postgresql":
        for table in ROOM:
            editor.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("jobs_app", "0018_reconciled"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(leave_room, migrations.RunPython.noop),
        migrations.RemoveIndex(
            model_name="job",
            name="job_status",
        ),
        migrations.RemoveIndex(
            model_name="job",
            name="job_user_status",
        ),
        migrations.RemoveIndex(
            model_name="job",
            name="job_app_status",
        ),
        migrations.AddField(
            model_name="job",
            name="stage",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(
                        _status__in=["HLD", "OTH", "PAS", "RUN", "SUB", "VAR"], then=models.Value("ACT")
                    ),
                    default=models.F("_status"),
                ),
                output_field=models.CharField(max_length=3),
            ),
        ),
        migrations.AlterField(
            model_name="history",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="history",
            index=models.Index(
                condition=models.Q(("user__isnull", False)), fields=["user"], name="history_user"
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["stage", "id"], name="job_stage"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["user", "stage", "id"], name="job_user_stage"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["app", "stage", "id"], name="job_app_stage"),
        ),
    ]
