"""Fulfilments that wait for the slot of their buyer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0009_service_orders"),
        ("network", "0004_dealers"),
        ("orders", "0014_refunds_outside"),
    ]

    operations = [
        migrations.AddField(
            model_name="fulfillment",
            name="offer_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="fulfillment",
            name="status",
            field=models.CharField(
                choices=[
                    ("allocated", "Allocated"),
                    ("offered", "Offered"),
                    ("accepted", "Accepted"),
                    ("picking", "Being picked"),
                    ("packed", "Packed"),
                    ("ready", "Ready for pickup"),
                    ("on_hold", "Waits for its slot"),
                    ("dispatched", "Dispatched"),
                    ("delivered", "Delivered"),
                    ("cancelled", "Cancelled"),
                    ("rejected", "Rejected"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="fulfillment",
            index=models.Index(
                condition=models.Q(("status", "on_hold")), fields=["offer_from"], name="fulfillment_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfillment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "on_hold"), _negated=True), ("offer_from__isnull", False), _connector="OR"
                ),
                name="on_hold_until",
            ),
        ),
    ]
