from django.db import migrations


def create_head(apps, schema_editor):
    apps.get_model("charging", "FeedHead").objects.get_or_create(pk=1, defaults={"value": 0})


class Migration(migrations.Migration):
    """The one row that hands out cursors exists from the start, so that nobody has to create it in a race."""

    dependencies = [("charging", "0001_initial")]
    operations = [migrations.RunPython(create_head, migrations.RunPython.noop, elidable=False)]
