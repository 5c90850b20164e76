"""How the goods of an order reach the buyer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
        ("customers", "0001_initial"),
        ("orders", "0009_remarks_found"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="contactless",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="order",
            name="delivery_fee_minor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="delivery_method",
            field=models.CharField(
                choices=[
                    ("ship", "Shipping"),
                    ("pickup", "Pickup in store"),
                    ("instant", "Instant delivery"),
                    ("dealer", "Delivery by a dealer"),
                ],
                db_default="ship",
                max_length=12,
                verbose_name="delivery method",
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="delivery_node",
            field=models.CharField(blank=True, db_default="", max_length=60, verbose_name="node of the buyer's choice"),
        ),
        migrations.AddField(
            model_name="order",
            name="gift_card_sealed",
            field=models.BinaryField(db_default=b""),
        ),
        migrations.AddField(
            model_name="order",
            name="gift_wrap",
            field=models.CharField(blank=True, db_default="", max_length=60, verbose_name="gift wrap"),
        ),
        migrations.AddField(
            model_name="order",
            name="slot_end",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="slot_start",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("delivery_method", "pickup"), _negated=True),
                    models.Q(("delivery_node", ""), _negated=True),
                    _connector="OR",
                ),
                name="pickup_names_a_node",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("slot_end__isnull", True), ("slot_start__isnull", True)),
                    models.Q(
                        ("slot_end__gt", models.F("slot_start")),
                        ("slot_end__isnull", False),
                        ("slot_start__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="slot_has_two_ends",
            ),
        ),
    ]
