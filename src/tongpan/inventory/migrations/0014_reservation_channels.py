"""Remember which channel a promise was made on: only the nodes that serve it may send its goods."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_sku_regions"),
        ("inventory", "0013_aftersale"),
    ]

    operations = [
        migrations.AddField(
            model_name="reservation",
            name="channel_id",
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("state", "held")), fields=["sku", "channel_id"], name="reservation_held"
            ),
        ),
    ]
