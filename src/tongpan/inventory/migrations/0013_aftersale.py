"""Goods that come back are inspected."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0012_cover_alerts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="movement",
            name="kind",
            field=models.CharField(
                choices=[
                    ("counted", "Counted"),
                    ("adjusted", "Adjusted"),
                    ("reserved", "Reserved"),
                    ("released", "Released"),
                    ("allocated", "Allocated"),
                    ("deallocated", "Deallocated"),
                    ("dispatched", "Dispatched"),
                    ("returned", "Returned"),
                    ("inspected", "Inspected after a return"),
                    ("sent", "Sent to another node"),
                    ("received", "Received from another node"),
                    ("lost", "Lost on the way"),
                ],
                max_length=12,
            ),
        ),
    ]
