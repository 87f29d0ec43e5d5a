from django.db import migrations, models


class Migration(migrations.Migration):
    """Sessions by their start over all organizations, as platform admins list and count them."""

    dependencies = [("charging", "0004_station_places")]

    operations = [
        migrations.AddIndex(
            model_name="transaction", index=models.Index(fields=["-started"], name="transaction_started")
        ),
    ]
