"""Floors of prices are kept with the price book."""

from django.db import migrations

TO_PRICING = """
INSERT INTO pricing_pricefloor (sku_id, region, currency, floor_minor)
SELECT sku_id, '', currency, floor_minor FROM orders_pricefloor
"""
BACK = """
INSERT INTO orders_pricefloor (sku_id, currency, floor_minor)
SELECT sku_id, currency, floor_minor FROM pricing_pricefloor WHERE region = ''
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0014_refunds_outside"),
        ("pricing", "0001_book"),
    ]

    operations = [
        migrations.RunSQL(TO_PRICING, BACK),
        migrations.DeleteModel(name="PriceFloor"),
    ]
