from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("charging", "0006_tariffs")]

    operations: list[migrations.operations.base.Operation] = []
