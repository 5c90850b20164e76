"""What a store has to do today, with the clock of each task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.states import QUEUES
from tongpan.inventory.counts import SheetFilter, due_counts, fetch_sheets
from tongpan.inventory.models import CountSheet, Transfer
from tongpan.inventory.transit import TransferFilter, fetch_transfers
from tongpan.network.models import Node

MOST = 30
DUE_COUNTS = 20
SOON_MINUTES = 30

WORK: tuple[tuple[str, str | Promise, str], ...] = (
    ("offered", _("Offered to you"), "accept_by"),
    ("pick", _("To pick"), "due_at"),
    ("pack", _("To pack"), "due_at"),
    ("dispatch", _("To hand to the carrier"), "due_at"),
    ("collect", _("To be fetched"), "collect_by"),
)
"""The queues of a node in the order in which they are worked off, with the clock of each."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. due: its clock, None for none; tone: "bad" when it has passed, "warn" when it is near."""

    fulfillment: Fulfillment
    due: datetime | None
    tone: str

    @property
    def is_rush(self) -> bool:
        """An instant delivery is done before everything else."""
        return self.fulfillment.order.delivery_method == "instant"


@dataclass(frozen=True, slots=True)
class Queue:
    key: str
    name: str | Promise
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Today:
    """Everything that waits at a node; each list is cut at MOST."""

    queues: list[Queue]
    transfers: list[Transfer]
    counts: list[CountSheet]
    due_counts: int

    @property
    def is_empty(self) -> bool:
        return not (self.queues or self.transfers or self.counts or self.due_counts)


def tone(due: datetime | None, now: datetime) -> str:
    """How urgent something due at ``due`` is at ``now``."""
    if due is None:
        return ""
    if due < now:
        return "bad"
    return "warn" if (due - now).total_seconds() < SOON_MINUTES * 60 else ""


def clock_of(fulfillment: Fulfillment, name: str) -> datetime | None:
    """The clock that runs: of a pickup that is not ready yet, when it must be."""
    if name == "due_at" and fulfillment.ready_by is not None:
        return fulfillment.ready_by
    found: datetime | None = getattr(fulfillment, name)
    return found or fulfillment.promised_at


def work_of(node: Node, key: str, now: datetime, limit: int = MOST) -> list[Task]:
    """What waits in one queue of a node: instant deliveries, then what is due first."""
    clock = next(clock for name, _label, clock in WORK if name == key)
    rows = Fulfillment.objects.filter(node=node, status__in=QUEUES[key])
    rows = rows.select_related("order__shop").prefetch_related("lines__sku")
    tasks = [Task(row, due := clock_of(row, clock), tone(due, now)) for row in rows.order_by("pk")[: limit * 4]]
    far = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(tasks, key=lambda task: (not task.is_rush, task.due or far, task.fulfillment.pk))[:limit]


def today_at(node: Node, now: datetime) -> Today:
    """What waits at ``node`` now."""
    queues = [Queue(key, name, work_of(node, key, now)) for key, name, _clock in WORK]
    moving = fetch_transfers(TransferFilter("in_transit", node.pk), 0, 4 * MOST)
    return Today(
        [queue for queue in queues if queue.tasks],
        [one for one in moving if one.to_node_id == node.pk][:MOST],
        fetch_sheets(SheetFilter("open", node.pk), 0, MOST),
        len(due_counts(node.pk, now, DUE_COUNTS)),
    )
