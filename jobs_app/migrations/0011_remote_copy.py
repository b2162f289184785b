import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0010_form"),
    ]

    operations = [
        migrations.CreateModel(
            name="RemoteCopy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token", models.CharField(max_length=32, unique=True)),
                ("due", models.DateTimeField(blank=True, null=True)),
                (
                    "scheduler",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="copies",
                        to="jobs_app.scheduler",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["scheduler", "due"], name="copy_due")]},
        ),
    ]
