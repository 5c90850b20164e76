"""Listings held against the price book: alarms for those that deviate, and prices put on those that follow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.catalog.listings import price_listings
from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.events import DEVIATION_OPENED
from tongpan.pricing.queries import price_settings
from tongpan.pricing.sync import ListingPrice, listing_prices

ACTOR = "price-book"


def watch_listings(*, now: datetime) -> tuple[int, int]:
    """Put the book's prices on listings of channels that follow it, then hold all others against it.

    A listing that is off by more than ``alarm_pct`` opens one alert, which closes when both agree that far again;
    how many were opened and closed. The number of statements is constant. Two runs come one after the other.
    """

    def work() -> tuple[int, int]:
        fetch_all("SELECT pg_advisory_xact_lock(hashtext('price-alerts'))")
        settings = price_settings()
        found = listing_prices(now)
        following = {
            code
            for (code,) in fetch_all(
                """SELECT c.code FROM pricing_channel_band b JOIN channels_channel c ON c.id = b.channel_id
                   WHERE b.follows"""
            )
        }
        put = [one for one in found if one.channel in following and one.state == "differs"]
        _put(put, actor=ACTOR, now=now)
        done = {one.listing_id for one in put}
        off = {
            one.listing_id: one
            for one in found
            if one.listing_id not in done and one.deviation is not None and abs(one.deviation) > settings.alarm_pct
        }
        closed = execute(
            "UPDATE pricing_pricealert SET closed_at = %s WHERE closed_at IS NULL AND listing_id <> ALL(%s::bigint[])",
            [now, whole_numbers(sorted(off))],
        )
        opened = fetch_all(
            """INSERT INTO pricing_pricealert (listing_id, asked_minor, book_minor, opened_at)
               SELECT g.listing, g.asked, g.book, %s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
                 AS g(listing, asked, book)
               ON CONFLICT (listing_id) WHERE closed_at IS NULL DO NOTHING
               RETURNING id, listing_id, asked_minor, book_minor""",
            [
                now,
                whole_numbers(sorted(off)),
                [off[key].asked_minor for key in sorted(off)],
                [off[key].book_minor for key in sorted(off)],
            ],
        )
        append(
            [
                NewEvent(DEVIATION_OPENED, str(alert_id), {"listing": listing, "asked": asked, "book": book})
                for alert_id, listing, asked, book in opened
            ]
        )
        return len(opened), closed

    return run_in_transaction(work)


def put_prices(listing_ids: Collection[int], *, actor: str, now: datetime) -> int:
    """Put the book's list prices on those of ``listing_ids`` that differ; how many. Where the shop's connection tells
    prices, they are pushed to the platform from there. Raises Refusal listing.none."""
    wanted = set(listing_ids)
    if not wanted:
        raise Refusal("listing.none", "Choose the listings that get the price of the book.")

    def work() -> int:
        found = [
            one
            for one in listing_prices(now)
            if one.listing_id in wanted and one.book_minor is not None and one.asked_minor != one.book_minor
        ]
        return _put(found, actor=actor, now=now)

    return run_in_transaction(work)


def _put(found: Sequence[ListingPrice], *, actor: str, now: datetime) -> int:
    prices = {one.listing_id: one.book_minor for one in found if one.book_minor is not None}
    return price_listings(prices, actor=actor, now=now)
