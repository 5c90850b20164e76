"""What the order hub itself does with orders that came in or changed, and with promises that ended."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.inventory.events import RESERVATION_EXPIRED
from tongpan.orders.actions.closing import close_unpaid
from tongpan.orders.actions.contacts import index_contacts
from tongpan.orders.actions.offering import release_refunded
from tongpan.orders.actions.preorders import settle_preorders
from tongpan.orders.events import ACCEPTED, CHANGED, REFUND

ACTOR = "checkout"


def _index_contacts(batch: Sequence[Event]) -> None:
    index_contacts({int(event.key) for event in batch})


def _settle_preorders(batch: Sequence[Event]) -> None:
    settle_preorders({int(event.key) for event in batch}, now=utc_now())


def _close_unpaid(batch: Sequence[Event]) -> None:
    close_unpaid({int(event.key) for event in batch}, actor=ACTOR, now=utc_now())


def _release_refunded(batch: Sequence[Event]) -> None:
    release_refunded({int(event.payload["order"]) for event in batch}, now=utc_now())


CONTACTS = Reader("order-contacts", (ACCEPTED, CHANGED), _index_contacts, batch=2000)
CHECKOUTS = Reader("expired-checkouts", (RESERVATION_EXPIRED,), _close_unpaid, batch=2000)
PREORDERS = Reader("preorders", (CHANGED,), _settle_preorders, batch=2000)
OFFERS = Reader("refunded-offers", (f"{REFUND}paid",), _release_refunded, batch=2000)
READERS = (CONTACTS, CHECKOUTS, PREORDERS, OFFERS)
