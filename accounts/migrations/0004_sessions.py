"""Devices that are signed in, and answers kept for repeated requests."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_notifications")]
    operations = []
