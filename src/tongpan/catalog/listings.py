"""Listings: which article of which shop stands for which SKU."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tongpan.access.actions import Note, audit_many
from tongpan.catalog.contents import guard_sale, save_contents
from tongpan.catalog.events import LISTING_PRICED, LISTINGS_CHANGED
from tongpan.catalog.fit import Content
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ListingSpec:
    """A listing as it shall be; (shop, item, variant) is its natural key.

    external_sku_id: "" when the channel's item has no variants. currency: "" for that of the shop's channel.
    content: what buyers see besides the title; None leaves what is known of it.
    """

    shop_code: str
    external_item_id: str
    external_sku_id: str
    sku_code: str
    title: str = ""
    is_on_sale: bool = True
    price_minor: int | None = None
    currency: str = ""
    content: Content | None = None

    @property
    def key(self) -> Key:
        return (self.shop_code, self.external_item_id, self.external_sku_id)


_SAVE = """
WITH given AS (
  SELECT h.id AS shop_id, g.external_item_id, g.external_sku_id, s.id AS sku_id, g.title, g.is_on_sale, g.price_minor,
         coalesce(nullif(g.currency, ''), c.currency) AS currency
  FROM jsonb_to_recordset(%s::jsonb) AS g(shop_code text, external_item_id text, external_sku_id text, sku_code text,
       title text, is_on_sale bool, price_minor bigint, currency text)
  JOIN channels_shop h ON h.code = g.shop_code JOIN channels_channel c ON c.id = h.channel_id
  JOIN catalog_sku s ON s.code = g.sku_code),
before AS (
  SELECT l.id, l.shop_id, l.external_item_id, l.external_sku_id, l.sku_id, l.is_on_sale, l.price_minor, l.currency
  FROM catalog_listing l JOIN given USING (shop_id, external_item_id, external_sku_id)),
saved AS (
  INSERT INTO catalog_listing AS l
    (shop_id, external_item_id, external_sku_id, sku_id, title, is_on_sale, price_minor, currency)
  SELECT * FROM given ORDER BY shop_id, external_item_id, external_sku_id
  ON CONFLICT (shop_id, external_item_id, external_sku_id) DO UPDATE SET sku_id = excluded.sku_id,
    title = excluded.title, is_on_sale = excluded.is_on_sale, price_minor = excluded.price_minor,
    currency = excluded.currency
  RETURNING l.id, l.shop_id, l.external_item_id, l.external_sku_id, l.sku_id, l.is_on_sale, l.price_minor, l.currency)
SELECT h.code, s.external_item_id, s.external_sku_id, s.id, s.sku_id,
       b.id IS NULL OR (b.sku_id, b.is_on_sale) <> (s.sku_id, s.is_on_sale),
       s.price_minor IS NOT NULL AND (b.price_minor, b.currency) IS DISTINCT FROM (s.price_minor, s.currency)
FROM saved s JOIN channels_shop h ON h.id = s.shop_id LEFT JOIN before b ON b.id = s.id ORDER BY s.id"""


def save_listings(specs: Sequence[ListingSpec], *, actor: str, now: datetime) -> dict[Key, int]:
    """Make each listing as its spec says, new or changed; ids by (shop, item, variant). All or none.

    The number of statements does not grow with the batch. Raises Refusal listing.* (an unknown shop or SKU, no item
    id, a text that is too long, the same listing twice; on sale, but short of the standard or untrue: see
    ``contents.guard_sale``).
    """
    if not specs:
        return {}
    keys = [spec.key for spec in specs]
    if len(set(keys)) != len(keys):
        raise Refusal("listing.twice", "The same listing is named twice in one request.")
    for spec in specs:
        _check(spec)

    def save() -> dict[Key, int]:
        for noun, table, codes in (
            ("shop", "channels_shop", {spec.shop_code for spec in specs}),
            ("SKU", "catalog_sku", {spec.sku_code for spec in specs}),
        ):
            found = fetch_all(f"SELECT code FROM {table} WHERE code = ANY(%s)", [sorted(codes)])
            if unknown := sorted(codes - {code for (code,) in found}):
                raise Refusal("listing.unknown", f"There is no {noun} {', '.join(unknown)}; create it first.")
        rows = fetch_all(_SAVE, [json.dumps([_plain(spec) for spec in specs], ensure_ascii=False)])
        ids = {(row[0], row[1], row[2]): row[3] for row in rows}
        if contents := {ids[spec.key]: spec.content for spec in specs if spec.content is not None}:
            save_contents(contents, now=now)
        guard_sale(list(ids.values()), now=now)
        append(
            [
                NewEvent(LISTINGS_CHANGED, str(listing_id), {"sku": sku_id})
                for *_, listing_id, sku_id, is_news, _ in rows
                if is_news
            ]
        )
        append([NewEvent(LISTING_PRICED, str(row[3]), {}) for row in rows if row[6]])
        notes = [Note("listing.saved", "listing", str(row[3]), {"shop": row[0], "item": row[1]}) for row in rows]
        audit_many(notes, actor=actor, now=now)
        return ids

    return run_in_transaction(save)


def _plain(spec: ListingSpec) -> dict[str, Any]:
    row = asdict(spec)
    del row["content"]
    return row


def _check(spec: ListingSpec) -> None:
    what = f"Listing {spec.external_item_id[:40]!r} of shop {spec.shop_code}"
    if not spec.external_item_id or len(spec.external_item_id) > 120 or len(spec.external_sku_id) > 120:
        raise Refusal("listing.item", f"{what}: the ids on the channel must have 1 to 120 characters.")
    if len(spec.title) > 300 or "\x00" in spec.title + spec.external_item_id + spec.external_sku_id:
        raise Refusal("listing.text", f"{what}: its title must have at most 300 characters of text.")
    if spec.price_minor is not None and not 0 <= spec.price_minor < 10**15:
        raise Refusal("listing.price", f"{what}: its price cannot be {spec.price_minor} minor units.")
    if spec.currency and not (len(spec.currency) == 3 and spec.currency.isascii() and spec.currency.isupper()):
        raise Refusal("listing.currency", f"{what}: {spec.currency!r} is not a currency code of three capitals.")


def price_listings(prices: Mapping[int, int], *, actor: str, now: datetime) -> int:
    """Let listings, by id, ask other prices in minor units of their currency; how many changed.

    Logged as ``catalog.listing_priced`` and in the audit trail. Two statements, whatever the number; locks the listings
    by id, inside the transaction of the caller. Raises Refusal listing.price for one that cannot be.
    """
    if wrong := [price for price in prices.values() if not 0 < price < 10**15]:
        raise Refusal("listing.price", f"A listing cannot ask {wrong[0]} minor units.")
    ids = sorted(prices)
    if not ids:
        return 0
    rows = fetch_all(
        """UPDATE catalog_listing l SET price_minor = g.price
           FROM (SELECT k.id, n.price FROM catalog_listing k
                 JOIN unnest(%s::bigint[], %s::bigint[]) AS n(id, price) ON n.id = k.id
                 WHERE k.price_minor IS DISTINCT FROM n.price ORDER BY k.id FOR NO KEY UPDATE OF k) g
           WHERE l.id = g.id RETURNING l.id, l.price_minor""",
        [ids, [prices[key] for key in ids]],
    )
    append([NewEvent(LISTING_PRICED, str(listing_id), {}) for listing_id, _ in rows])
    notes = [Note("listing.priced", "listing", str(listing_id), {"price_minor": price}) for listing_id, price in rows]
    audit_many(notes, actor=actor, now=now)
    return len(rows)
