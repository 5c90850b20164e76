"""A channel with one listed good."""

from __future__ import annotations

from datetime import datetime

from tongpan.catalog.models import Listing, Product, Sku
from tongpan.channels.actions import load_presets, save_shops
from tongpan.channels.engine import ShopSpec
from tongpan.channels.models import Shop


def small_shop(now: datetime) -> None:
    """BAG at 100.00 in a shop of Tmall."""
    load_presets(["tmall"])
    save_shops([ShopSpec("T", "tmall", "T")], actor="test", now=now)
    sku = Sku.objects.create(product=Product.objects.create(code="BAGS", name="Bag"), code="BAG", name="Bag")
    Listing.objects.create(
        shop=Shop.objects.get(code="T"), external_item_id="1", sku=sku, price_minor=10_000, currency="CNY"
    )
