"""Reservations, and jobs of firmware and diagnostics."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("charging", "0010_transaction_lists")]
    operations = []
