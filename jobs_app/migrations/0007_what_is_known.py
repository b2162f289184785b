from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0006_workflow_node")]

    operations = [
        migrations.AlterModelOptions(
            name="attempt",
            options={
                "permissions": [
                    ("choose_accounting", "May charge jobs to anybody's accounting group or user")
                ]
            },
        ),
        migrations.AddField("attempt", "unknown_since", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("attempt", "idle", models.TextField(blank=True, default="")),
        migrations.AddField("attempt", "idle_asked", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("batch", "descriptions", models.JSONField(default=list)),
    ]
