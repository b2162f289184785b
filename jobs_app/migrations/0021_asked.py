from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0020_progress"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="asked",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
