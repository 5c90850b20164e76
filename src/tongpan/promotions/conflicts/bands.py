"""List prices outside the band of a channel. Exhaustive: every SKU of the draft in every channel and tier."""

from __future__ import annotations

from tongpan.promotions.conflicts.findings import Coverage, Finding, Kind, Search
from tongpan.promotions.conflicts.pricer import Case, example
from tongpan.promotions.conflicts.workshop import Workshop


def search_bands(shop: Workshop) -> tuple[list[Finding], list[Coverage]]:
    """Channels that ask for list prices which the band of a channel, their own or another, does not allow."""
    if shop.limits.band_applies_to != "list":
        return [], []
    found = []
    pairs = 0
    for channel in shop.channels:
        for other in (channel, *(one for one in shop.channels if one != channel)):
            band = shop.market.bands.get(other, {})
            out: list[tuple[int, str, int, int, int]] = []
            for good in shop.goods:
                price, allowed = shop.price(channel, "", good), band.get(good.sku)
                if price is None or allowed is None:
                    continue
                pairs += 1
                low, high = allowed
                if other == channel and price > high:
                    out.append((price - high, good.sku, price, low, high))
                elif price < low:
                    out.append((low - price, good.sku, price, low, high))
            if out:
                found.append(_finding(shop, channel, other, out))
                break
    return found, [Coverage(Kind.BAND, Search.EXHAUSTIVE, pairs)]


def _finding(shop: Workshop, channel: str, other: str, out: list[tuple[int, str, int, int, int]]) -> Finding:
    out.sort(key=lambda one: (-one[0], one[1]))
    _apart, sku, price, low, high = out[0]
    stage = shop.stages(channel)[0]
    case = Case(channel, stage.buyer, stage.scene.at, ((sku, 1),))
    params = {
        "sku": sku,
        "channel": channel,
        "other": other,
        "list_minor": price,
        "low_minor": low,
        "high_minor": high,
        "of": "list",
    }
    skus = tuple(one[1] for one in out[: shop.limits.max_skus])
    channels = (channel,) if channel == other else (channel, other)
    examples = (example(case, shop.pricer.price(case)),) if shop.pricer.sells(case) else ()
    return Finding(Kind.BAND, (), channels, (), skus, len(out), params, examples)
