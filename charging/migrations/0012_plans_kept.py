"""Plans that stations keep, and cost centres."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("charging", "0011_reservations")]
    operations = []
