from django.db import migrations, models


class Migration(migrations.Migration):
    """Where a station is: on the globe, and on the plan of its site."""

    dependencies = [("charging", "0003_set_up_progress")]

    operations = [
        migrations.AddField("chargingstation", name, models.FloatField(blank=True, null=True))
        for name in ("latitude", "longitude", "plan_x_percent", "plan_y_percent")
    ]
