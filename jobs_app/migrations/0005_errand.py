import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0004_api"),
    ]

    operations = [
        migrations.CreateModel(
            name="Errand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=32)),
                ("question", models.JSONField(default=dict)),
                ("digest", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("taken", "Under way"),
                            ("answered", "Answered"),
                            ("failed", "Failed"),
                        ],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("answer", models.JSONField(default=dict)),
                ("asked", models.DateTimeField(auto_now_add=True)),
                ("until", models.DateTimeField()),
                ("answered", models.DateTimeField(blank=True, null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="jobs_app.attempt",
                    ),
                ),
                (
                    "scheduler",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="errands",
                        to="jobs_app.scheduler",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["until"], name="errand_until")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("asked", "taken"))),
                        fields=("scheduler", "digest"),
                        name="errand_shared",
                    )
                ],
            },
        ),
    ]
