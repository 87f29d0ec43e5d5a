from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("charging", "0007_schedules")]

    operations: list[migrations.operations.base.Operation] = []
