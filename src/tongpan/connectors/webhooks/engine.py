"""Which events are offered, and what follows from the answer of a receiver. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEST_EVENT = "webhook.test"
RETRY_SECONDS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long after the attempt before each attempt is made; after the last one a delivery has failed."""
JITTER = 0.1
"""A retry comes up to this share later, so that what failed together does not come back together."""
PAUSE_SECONDS = 5
LONGEST_PAUSE = timedelta(days=1)
_THROTTLING = (429, 502, 504)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Offer:
    """An event that can be subscribed to. name: as the event log has it."""

    name: str
    about: str | Promise


OFFERED = (
    Offer("order.accepted", _("A new order came in")),
    Offer("order.changed", _("An order changed or moved on")),
    Offer("order.routed", _("An order was routed, or found no node")),
    Offer("stock.changed", _("The stock of a SKU changed")),
    Offer("stock.published", _("The stock shown on a channel's listing changed")),
    Offer("stock.cover_broken", _("A core SKU fell below its minimum cover on a channel")),
    Offer("fulfillment.offered", _("A node was asked to take an order on")),
    Offer("fulfillment.rejected", _("A node rejected an order, or did not answer in time")),
    Offer("fulfillment.ready", _("A pickup is ready for its buyer")),
    Offer("fulfillment.pickup_reminder", _("The buyer of a pickup should be reminded")),
    Offer("fulfillment.collected", _("A pickup was handed over")),
    Offer("fulfillment.expired", _("A pickup was not fetched in time")),
    Offer("fulfillment.on_hold", _("Goods wait for the slot that their buyer chose")),
    Offer("fulfillment.released", _("The slot is near: goods are the work of their node now")),
    Offer("fulfillment.cancelled", _("A parcel ended before it left")),
    Offer("fulfillment.dispatched", _("Goods left a node")),
    Offer("fulfillment.delivered", _("Goods arrived at the buyer")),
    Offer("shipment.tracked", _("A carrier told where a parcel is")),
    Offer("return.received", _("A return came in")),
    Offer("stock.alert_opened", _("Stock at a node fell below its safety line")),
    Offer("replenishment.changed", _("A replenishment was proposed or moved on")),
    Offer("transfer.changed", _("A transfer between nodes was made or moved on")),
    Offer("aftersale.requested", _("Someone asked for a return, a refund, an exchange or goods sent again")),
    Offer("aftersale.approved", _("A request after the sale was approved")),
    Offer("aftersale.refused", _("A request after the sale was refused")),
    Offer("aftersale.withdrawn", _("A request after the sale was withdrawn")),
    Offer("aftersale.in_transit", _("Goods are on their way back")),
    Offer("aftersale.received", _("Goods that come back have arrived")),
    Offer("aftersale.inspected", _("Goods that came back were inspected")),
    Offer("aftersale.closed", _("A case of after-sale was closed")),
    Offer("refund.proposed", _("A refund was proposed")),
    Offer("refund.approved", _("A refund was approved")),
    Offer("refund.paid", _("A refund was paid back")),
    Offer("refund.failed", _("A refund failed")),
    Offer("appointment.booked", _("Somebody booked an appointment")),
    Offer("appointment.moved", _("An appointment was moved")),
    Offer("appointment.cancelled", _("An appointment was cancelled")),
    Offer("appointment.attended", _("A customer came to an appointment")),
    Offer("appointment.missed", _("A customer did not come to an appointment")),
    Offer("appointment.reminder", _("A customer should be reminded of an appointment")),
    Offer("service.requested", _("Somebody asked for an installation or a repair")),
    Offer("service.assigned", _("An installation or a repair was given to a node")),
    Offer("service.accepted", _("A node accepted an installation or a repair")),
    Offer("service.rejected", _("A node rejected an installation or a repair")),
    Offer("service.scheduled", _("An installation or a repair has its time")),
    Offer("service.done", _("An installation or a repair was done")),
    Offer("service.cancelled", _("An installation or a repair was cancelled")),
    Offer("subscription.created", _("Somebody subscribed")),
    Offer("subscription.changed", _("A subscription was changed")),
    Offer("subscription.paused", _("A subscription was paused")),
    Offer("subscription.resumed", _("A subscription was resumed")),
    Offer("subscription.skipped", _("A run of a subscription was left out")),
    Offer("subscription.cancelled", _("A subscription ended")),
    Offer("subscription.reminder", _("A subscriber should be told that a run comes soon")),
    Offer("subscription.ordered", _("A run of a subscription is an order that waits for payment")),
    Offer("subscription.paid", _("A run of a subscription was paid")),
    Offer("subscription.short", _("Goods or a price are missing for a run of a subscription")),
    Offer("subscription.unpaid", _("A run of a subscription was not paid in time")),
    Offer("subscription.failed", _("A run of a subscription was given up")),
    Offer("correction.booked", _("The books of a shop were corrected")),
    Offer("price.changed", _("A price of a price list was set or ended")),
    Offer("price.request_changed", _("A change of prices was asked for, decided or taken back")),
    Offer("price.deviation_opened", _("A listing asks another price than the price book")),
    Offer("price.war_opened", _("Several sellers undercut each other on a SKU")),
    Offer("violation.opened", _("A violation case was opened")),
    Offer("violation.step", _("A violation case took a step")),
    Offer("diversion.found", _("A dealer or shop reached a level of the diversion score")),
    Offer("metric.target_missed", _("A metric missed its target")),
)
NAMES = tuple(offer.name for offer in OFFERED)


def event_id(transaction: int, log_id: int, recorded_at: datetime) -> str:
    """The id of an event of the log, the same for every subscriber and at every replay."""
    text = f"{transaction}.{log_id}.{recorded_at.astimezone(UTC).isoformat()}"
    return "evt_" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def message_id(token: str, event: str) -> str:
    """The id of ``event`` (an event id) for the subscription that has ``token``: equal at every retry and replay."""
    return "msg_" + hashlib.blake2b(f"{token}.{event}".encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt. next_at: of a retry. pause_until: nothing is sent to the receiver before it."""

    state: Literal["delivered", "waiting", "failed"]
    next_at: datetime | None = None
    pause_until: datetime | None = None
    disables: bool = False


def verdict(status: int | None, attempt: int, retry_after: str, now: datetime, chance: float) -> Verdict:
    """What follows when attempt number ``attempt`` was answered with ``status`` (None: with nothing).

    2xx: delivered. 410: the receiver wants no more. 429, 502, 504: it is overloaded, and all that is for it waits,
    as long as its Retry-After says or until the next attempt. Everything else, redirects included, is tried again.
    chance: a random number from 0 to 1 that spreads retries.
    """
    if status is not None and 200 <= status < 300:
        return Verdict("delivered")
    if status == _GONE:
        return Verdict("failed", disables=True)
    pause: datetime | None = None
    if status is None:
        pause = now + timedelta(seconds=PAUSE_SECONDS)
    elif status in _THROTTLING:
        pause = asked_until(retry_after, now) or now + timedelta(seconds=max(PAUSE_SECONDS, _delay(attempt, 0)))
    if attempt >= len(RETRY_SECONDS):
        return Verdict("failed", pause_until=pause)
    next_at = now + timedelta(seconds=_delay(attempt, chance))
    return Verdict("waiting", max(next_at, pause) if pause else next_at, pause)


def _delay(attempt: int, chance: float) -> float:
    wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
    return wait * (1 + JITTER * chance)


def asked_until(retry_after: str, now: datetime) -> datetime | None:
    """Until when a Retry-After (seconds or a date) asks to wait, at most a day; None when it says nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return now + min(timedelta(seconds=int(text)), LONGEST_PAUSE)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at, now), now + LONGEST_PAUSE)


def unknown_events(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that are not offered, in order of name."""
    return sorted(set(names) - set(NAMES))
