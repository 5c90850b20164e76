"""A price book, a dealer and its shop beside the small company, and prices that were seen."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.support.company import ACTOR, NOW

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.channels.actions import save_channels, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.core.bulk import execute
from tongpan.network.actions import save_nodes, save_services
from tongpan.network.dealers import DealerSpec, save_dealers
from tongpan.network.engine import NodeRules, NodeSpec, ServiceSpec
from tongpan.pricing.actions import FloorSpec, set_floors
from tongpan.pricing.patrol.actions import ObservationDoc, ObservationOutcome, observe
from tongpan.pricing.patrol.wording import read_components

BY: dict[str, Any] = {"actor": ACTOR, "now": NOW}


def open_price_book(guide_minor: int = 10_000, *, net_minor: int = 8_500) -> None:
    """SKUs A and B at a guide price since long ago, with a floor of 90 % and a least net price; a cost of 60.00."""
    ensure_skus({"A": SkuSpec("Tea"), "B": SkuSpec("Cup")})
    execute(
        """INSERT INTO pricing_pricelist (code, name_zh, name_en, kind, tier, region, currency, priority, valid,
                                          is_active, note, created_by, created_at)
           VALUES ('guide', '指导价', 'Guide', 'guide', '', '', 'CNY', 10, tstzrange(NULL, NULL), true, '', 'li',
                   now())"""
    )
    execute(
        """INSERT INTO pricing_priceentry (price_list_id, sku_id, min_qty, amount_minor, valid, created_at)
           SELECT l.id, s.id, 1, %s, tstzrange(NULL, NULL), now() FROM pricing_pricelist l, catalog_sku s
           WHERE l.code = 'guide' AND s.code IN ('A', 'B')""",
        [guide_minor],
    )
    execute(
        """INSERT INTO pricing_skucost (sku_id, currency, amount_minor, valid, created_by, created_at)
           SELECT id, 'CNY', 6000, tstzrange(NULL, NULL), 'li', now() FROM catalog_sku WHERE code IN ('A', 'B')"""
    )
    floors = [FloorSpec(sku, "CNY", guide_minor * 9 // 10, min_net_minor=net_minor) for sku in ("A", "B")]
    set_floors(floors, **BY)


def open_dealer(code: str = "d1", shop: str = "dl1", territory: tuple[str, ...] = ("浙江省",)) -> None:
    """A dealer with a contract and a shop of its own on channel "dealers"."""
    save_channels([ChannelSpec("dealers", "经销商", "Dealers")], **BY)
    save_shops([ShopSpec(shop, "dealers", f"shop of {code}", "dealer")], **BY)
    save_nodes([NodeSpec(code, "dealer", f"dealer {code}", rules=NodeRules(territory=territory))], **BY)
    save_services([ServiceSpec(shop, [code])], **BY)
    save_dealers([DealerSpec(code, "县级代理", date(2026, 1, 1), None, False, "band", ())], **BY)


def seen(listed_minor: int = 10_000, discounts: str = "", **more: Any) -> ObservationDoc:
    """A price of SKU A that somebody saw at a stranger's on Tmall."""
    facts: dict[str, Any] = {
        "sku": "A",
        "channel": "tmall",
        "seller_class": "unauthorised",
        "seller": "stranger",
        "listed_minor": listed_minor,
        "currency": "CNY",
        "components": read_components(discounts, "CNY"),
        "observed_at": NOW,
        "observer": "wang",
        "source": "api",
    }
    return ObservationDoc(**(facts | more))


def look(*docs: ObservationDoc, **by: Any) -> list[ObservationOutcome]:
    return observe(docs, **(BY | by))
