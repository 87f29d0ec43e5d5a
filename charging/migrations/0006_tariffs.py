from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("charging", "0005_transaction_started")]

    operations: list[migrations.operations.base.Operation] = []
