from django.db import migrations, models


class Migration(migrations.Migration):
    """The running sessions of an organization, those of a month and those whose bill is held, beside a million others."""

    dependencies = [("charging", "0009_corrections")]

    operations = [
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["organization", "state"], name="transaction_org_state"),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["organization", "ended"], name="transaction_org_ended"),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["final", "organization", "-ended"], name="transaction_held"),
        ),
    ]
