"""What the channel gave back by itself, beside what refunds took."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0013_ledger"),
    ]

    operations = [
        migrations.AddField(
            model_name="refundlimit",
            name="outside_minor",
            field=models.BigIntegerField(db_default=0),
        ),
    ]
