"""What the shops ask beside what the price book says (PRI-07)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tongpan.core.bulk import fetch_all
from tongpan.pricing.engine import PriceBook, deviation_pct
from tongpan.pricing.queries import price_book

STATES = ("differs", "unknown", "no_price", "in_sync")


@dataclass(frozen=True, slots=True)
class ListingPrice:
    """A listing that is on sale. state: in_sync; differs; unknown (what the shop asks is not known, or in another
    currency); no_price (the book has none). deviation: of the asked price from the book's, in percent."""

    listing_id: int
    shop: str
    channel: str
    item: str
    variant: str
    sku: str
    currency: str
    asked_minor: int | None
    book_minor: int | None
    deviation: Decimal | None
    state: str


def listing_prices(at: datetime, *, shops: Collection[str] | None = None, text: str = "") -> list[ListingPrice]:
    """Every listing on sale of ``shops`` (None: of all) beside the book's list price at ``at``.

    text: in the SKU or the item's number. Seven statements, whatever the number.
    """
    rows = fetch_all(
        """SELECT l.id, h.code, c.code, l.external_item_id, l.external_sku_id, s.code, l.currency, l.price_minor
           FROM catalog_listing l JOIN channels_shop h ON h.id = l.shop_id
           JOIN channels_channel c ON c.id = h.channel_id JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.is_on_sale AND (%(shops)s::text[] IS NULL OR h.code = ANY(%(shops)s))
             AND (%(text)s = '' OR strpos(lower(s.code), %(text)s) > 0
                  OR strpos(lower(l.external_item_id), %(text)s) > 0)
           ORDER BY h.code, l.external_item_id, l.external_sku_id""",
        {"shops": None if shops is None else sorted(shops), "text": text.lower().replace("\x00", "")},
    )
    book = price_book({row[5] for row in rows}, {row[2] for row in rows}, at)
    return [_compared(row, book) for row in rows]


def _compared(row: Sequence[object], book: PriceBook) -> ListingPrice:
    listing_id, shop, channel, item, variant, sku, currency, asked = row
    price = book.price(str(sku), str(channel))
    deviation: Decimal | None = None
    if price is None:
        state = "no_price"
    elif not isinstance(asked, int) or asked <= 0 or price.currency != currency:
        state = "unknown"
    else:
        deviation = deviation_pct(asked, price.amount_minor)
        state = "in_sync" if asked == price.amount_minor else "differs"
    return ListingPrice(
        int(str(listing_id)),
        str(shop),
        str(channel),
        str(item),
        str(variant),
        str(sku),
        str(currency),
        asked if isinstance(asked, int) else None,
        price.amount_minor if price else None,
        deviation,
        state,
    )
