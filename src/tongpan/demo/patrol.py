"""What the demo company saw of prices on the channels, and of goods that left a dealer's territory. Simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from tongpan.core.clock import DEFAULT_ZONE, business_day, zone
from tongpan.demo.company import ACTOR, Description, dealer_spec
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules
from tongpan.pricing.engine import PriceBook
from tongpan.pricing.models import PriceEntry
from tongpan.pricing.patrol.actions import ComplaintDoc, ObservationDoc, observe, register_complaints, watch_prices
from tongpan.pricing.patrol.wording import read_components
from tongpan.pricing.queries import price_book
from tongpan.risk.actions import CodeDoc, SightingDoc, look_for_diversion, record_sightings, register_codes
from tongpan.risk.queries.scores import last_run

GOODS = 4
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_CUTS = (("好物集", 60, 98), ("精选小铺", 59, 97), ("好物集", 40, 96), ("精选小铺", 30, 94), ("好物集", 20, 91))


def patrol(about: Description, now: datetime) -> None:
    """Note prices that were seen, two of them with a complaint and a price war, and goods that turned up elsewhere.

    One dealer asks less than the floor, which opens a case; serials of another one turned up in a province that is not
    its own, which the score of diversion tells. All times are those of the day's beginning: done twice, it is done
    once. Nothing is done while no SKU has a guide price.
    """
    skus = _dearest()
    if len(skus) < GOODS or last_run() is not None:
        return
    at = datetime.combine(business_day(now, DEFAULT_ZONE), time(), zone(DEFAULT_ZONE))
    by: dict[str, Any] = {"actor": ACTOR, "now": now}
    shops = {str(shop["channel"]): str(shop["code"]) for shop in about.raw["online_shops"]}
    cheap, diverting = (str(about.raw["dealers"][n]["code"]) for n in (1, 0))
    first, second, *_ = shops
    book = price_book(skus, [first, second, "dealer"], now)
    observe(_seen(skus, shops, book, cheap, diverting, at), **by)
    watch_prices(now)
    register_complaints(
        [
            ComplaintDoc(second, "SD-1", skus[1], "昨天刚买，别家今天就便宜了。", at - HOUR, other_channel=second),
            ComplaintDoc(first, "SD-2", skus[0], "经销商那边比旗舰店便宜很多。", at - HOUR, other_channel="dealer"),
        ],
        **by,
    )
    _divert(about, skus, diverting, at, by)


def _dearest() -> list[str]:
    """SKUs with the highest guide prices that count now: under the freight of a cheap one, nothing can be told."""
    rows = PriceEntry.objects.filter(price_list__kind="guide", valid__endswith=None).order_by(
        "-amount_minor", "sku__code"
    )
    return list(rows.values_list("sku__code", flat=True)[:GOODS])


def _seen(  # noqa: PLR0917 - what the sightings are made from
    skus: Sequence[str], shops: dict[str, str], book: PriceBook, cheap: str, diverting: str, at: datetime
) -> list[ObservationDoc]:
    first, second, *_ = shops
    guide = {sku: book.guide(sku) or 0 for sku in skus}

    def seen(sku: str, channel: str, seller_class: str, percent: int, hours: int, **more: Any) -> ObservationDoc:
        return ObservationDoc(
            sku,
            channel,
            seller_class,
            max(1, guide[sku] * percent // 100),
            "CNY",
            at - hours * HOUR,
            "巡价员",
            "demo",
            is_simulated=True,
            **more,
        )

    return [
        seen(skus[0], first, "own", 98, 26, shop=shops[first]),
        seen(skus[2], second, "own", 100, 25, shop=shops[second], components=read_components("95折（会员）", "CNY")),
        seen(skus[0], "dealer", "authorised", 74, 8, shop=cheap, components=read_components("9.5折", "CNY")),
        seen(skus[3], "dealer", "authorised", 62, 7, shop=diverting, region="广东省"),
        *(seen(skus[1], second, "unauthorised", pct, hours, seller=who) for who, hours, pct in _CUTS),
        seen(skus[2], second, "competitor", 92, 6, seller="同类品牌旗舰店"),
        seen(skus[0], first, "competitor", 99, 5, seller="同类品牌旗舰店"),
    ]


def _divert(about: Description, skus: Sequence[str], dealer: str, at: datetime, by: dict[str, Any]) -> None:
    row = next(row for row in about.raw["dealers"] if row["code"] == dealer)
    save_nodes([replace(dealer_spec(row), rules=NodeRules(territory=(str(row["province"]),)))], **by)
    register_codes(
        [CodeDoc("serial", f"SN-DEMO-{n}", sku, dealer, at - 40 * DAY) for n, sku in enumerate(skus, 1)], **by
    )
    places = (
        ("广东省", "深圳市"),
        ("广东省", "广州市"),
        ("浙江省", "杭州市"),
        (str(row["province"]), str(row["city"])),
    )
    record_sightings(
        [
            SightingDoc("serial", f"SN-DEMO-{n}", "warranty" if n % 2 else "scan", province, at - n * DAY, city, "demo")
            for n, (province, city) in enumerate(places, 1)
        ],
        **by,
    )
    look_for_diversion(**by)
