"""Parcels as documents: what is said of them, how events of a carrier are told apart, and their status. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

KINDS = ("collected", "in_transit", "out_for_delivery", "delivered", "exception", "returned", "info")
FINAL = ("delivered", "returned")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_LENGTHS = {"carrier": 40, "tracking_number": 80, "place": 120, "text": 1000, "event_id": 200}


@dataclass(frozen=True, slots=True)
class ShipDoc:
    """A parcel that left. It names its fulfilment by id, or by shop and order number, and node where several ship."""

    carrier: str
    tracking_number: str
    shipped_at: datetime
    fulfillment_id: int = 0
    shop_code: str = ""
    order_number: str = ""
    node_code: str = ""


@dataclass(frozen=True, slots=True)
class TrackingDoc:
    """What a carrier told of a parcel. kind: one of KINDS. event_id: the carrier's own id of it, "" for none."""

    carrier: str
    tracking_number: str
    kind: str
    at: datetime
    place: str = ""
    text: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class ParcelOutcome:
    """What became of one document: accepted, unchanged (it was known), or refused with the reason.

    document_id: the shipment; of parcels that share a number the first.
    """

    state: str
    document_id: int | None = None
    reason: str = ""
    code: str = ""


def refusal(doc: ShipDoc | TrackingDoc, now: datetime) -> ParcelOutcome | None:
    """Why ``doc`` cannot be taken as it is, whatever is stored; None when it can."""
    values = {name: getattr(doc, name, "") for name in _LENGTHS}
    for name, value in values.items():
        if "\x00" in value or len(value) > _LENGTHS[name]:
            return ParcelOutcome("refused", None, f"{name} is longer than {_LENGTHS[name]} characters.", "parcel.text")
    if not doc.carrier.strip() or not doc.tracking_number.strip():
        return ParcelOutcome("refused", None, "A parcel needs its carrier and its tracking number.", "parcel.number")
    at = doc.shipped_at if isinstance(doc, ShipDoc) else doc.at
    if not _EARLIEST <= at <= now + _AHEAD:
        return ParcelOutcome("refused", None, f"{at.isoformat()} lies in the future or before 1990.", "parcel.time")
    if isinstance(doc, TrackingDoc) and doc.kind not in KINDS:
        return ParcelOutcome(
            "refused", None, f"There is no kind {doc.kind!r}; there are {', '.join(KINDS)}.", "parcel.kind"
        )
    return None


def event_key(doc: TrackingDoc) -> bytes:
    """What a repeat of an event is told by: the carrier's own id of it, else all that it says."""
    said = doc.event_id or (doc.kind, doc.at.astimezone(UTC).isoformat(), doc.place, doc.text)
    return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


def status_of(events: Iterable[tuple[str, datetime]]) -> str:
    """The status that (kind, instant) pairs of one parcel prove, in whatever order they came in."""
    told = sorted((at, kind) for kind, at in events if kind != "info")
    ends = [kind for _, kind in told if kind in FINAL]
    return ends[-1] if ends else told[-1][1] if told else "shipped"
