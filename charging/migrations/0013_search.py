"""What lists are searched by."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("charging", "0012_plans_kept")]
    operations = []
