"""Tokens, shares that say what for, and the indexes of the jobs table.

The table of a job's groups stays as it is: it gets a model of its own and a column.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import jobs_app.models.job


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("jobs_app", "0003_scheduler_access"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="JobShare",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="auth.group"
                            ),
                        ),
                        (
                            "job",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="shares",
                                to="jobs_app.job",
                            ),
                        ),
                    ],
                    options={"db_table": "jobs_app_job_groups", "unique_together": {("job", "group")}},
                ),
                migrations.AlterField(
                    model_name="job",
                    name="groups",
                    field=models.ManyToManyField(
                        blank=True, related_name="roost_jobs", through="jobs_app.JobShare", to="auth.group"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="jobshare",
            name="may",
            field=models.CharField(
                choices=[("read", "see it"), ("act", "see it and act on it")], default="read", max_length=4
            ),
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("prefix", models.CharField(max_length=16, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=100)),
                ("app", models.CharField(blank=True, default="", max_length=255)),
                ("scopes", models.JSONField(default=list)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("expires", models.DateTimeField(blank=True, null=True)),
                ("revoked", models.DateTimeField(blank=True, null=True)),
                ("last_used", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("caller", models.CharField(max_length=64)),
                ("key", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("jobs", models.JSONField(default=list)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Throttle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64, unique=True)),
                ("count", models.PositiveIntegerField(default=0)),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AlterModelOptions(
            name="job",
            options={
                "permissions": [
                    ("jobs_table_actions", "May act on everybody's jobs"),
                    ("run_anything", "May run programs of their own, not only what templates declare"),
                ]
            },
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["user", "_status", "id"], name="job_user_status"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["app", "_status", "id"], name="job_app_status"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["template", "id"], name="job_template"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["scheduler", "id"], name="job_scheduler"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["creation_time"], name="job_created"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["completion_time", "id"], name="job_ended"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(jobs_app.models.job.NameKey("name"), models.F("id"), name="job_name"),
        ),
        migrations.AddIndex(
            model_name="jobshare",
            index=models.Index(fields=["group", "job"], name="share_group"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="api_tokens",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotencykey",
            constraint=models.UniqueConstraint(fields=("caller", "key"), name="idempotency_once"),
        ),
    ]
