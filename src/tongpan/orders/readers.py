"""What the order hub itself does with orders that came in or changed."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.eventlog import Event, Reader
from tongpan.orders.actions.contacts import index_contacts
from tongpan.orders.events import ACCEPTED, CHANGED


def _index_contacts(batch: Sequence[Event]) -> None:
    index_contacts({int(event.key) for event in batch})


CONTACTS = Reader("order-contacts", (ACCEPTED, CHANGED), _index_contacts, batch=2000)
READERS = (CONTACTS,)
