"""What the stock pool does when stock moves: published stock, alerts at safety lines and covers, replenishment."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.catalog import events as catalog
from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.inventory import events as stock
from tongpan.inventory.actions import follow_transfers, watch_lines
from tongpan.inventory.actions.covering import watch_covers
from tongpan.inventory.actions.inspecting import sweep_holds
from tongpan.inventory.actions.publishing import Concerned, republish
from tongpan.network import events as network


def _republish(batch: Sequence[Event]) -> None:
    """Which nodes serve a shop decides what counts against the other shops of these nodes, too."""
    skus: set[int] = set()
    channels: set[int] = set()
    listings: set[int] = set()
    everything = False
    for event in batch:
        if event.name == catalog.LISTINGS_CHANGED:
            listings.add(int(event.key))
        elif event.key and event.name not in (network.NODES_CHANGED, network.SERVICES_CHANGED):
            skus.add(int(event.key))
        elif event.payload.get("channel"):
            channels.add(event.payload["channel"])
        else:
            everything = True
    republish(Concerned(listings, skus, channels, everything=everything), now=utc_now())


PUBLISHED_STOCK = Reader(
    "published-stock",
    (
        stock.CHANGED,
        stock.POLICY_CHANGED,
        catalog.KITS_CHANGED,
        catalog.LISTINGS_CHANGED,
        catalog.SKUS_CHANGED,
        network.NODES_CHANGED,
        network.SERVICES_CHANGED,
    ),
    _republish,
    batch=20000,
)


def _watch(batch: Sequence[Event]) -> None:
    moved = {int(event.key) for event in batch if event.name == stock.TRANSFER_CHANGED}
    if moved:
        follow_transfers(moved, now=utc_now())
    # Of the policies only those of nodes draw lines.
    keys = {
        event.key
        for event in batch
        if event.name == stock.CHANGED or (event.name == stock.POLICY_CHANGED and event.payload["node"])
    }
    watch_lines(None if "" in keys else {int(key) for key in keys}, now=utc_now())


SAFETY_LINES = Reader(
    "safety-lines", (stock.CHANGED, stock.POLICY_CHANGED, stock.TRANSFER_CHANGED), _watch, batch=20000
)


def _cover(batch: Sequence[Event]) -> None:
    everything = any(event.name == network.SERVICES_CHANGED or not event.key for event in batch)
    watch_covers(None if everything else {int(event.key) for event in batch}, now=utc_now())


CORE_COVERS = Reader(
    "core-covers",
    (stock.CHANGED, stock.POLICY_CHANGED, catalog.SKUS_CHANGED, network.SERVICES_CHANGED),
    _cover,
    batch=20000,
)


def _hold(batch: Sequence[Event]) -> None:
    sweep_holds({int(event.key) for event in batch if event.payload.get("gained")}, now=utc_now())


QUALITY_HOLDS = Reader("quality-holds", (stock.CHANGED,), _hold, batch=20000)
READERS = (PUBLISHED_STOCK, SAFETY_LINES, CORE_COVERS, QUALITY_HOLDS)
