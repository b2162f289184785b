from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0019_stage"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="asked",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
