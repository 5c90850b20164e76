"""Reads of stock for people: SKU × node, the levels of a SKU, the movements of a level, stock documents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Count, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tongpan.inventory.models import Bucket, Level, Movement, Pool, StockDocument, StockDocumentLine

SHOWN_LINES = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """The saleable stock of one SKU at one node."""

    on_hand: int
    allocated: int

    @property
    def free(self) -> int:
        return self.on_hand - self.allocated


@dataclass(frozen=True, slots=True)
class StockRow:
    """One SKU over all nodes: what the pool says, and its cells by node id."""

    on_hand: int = 0
    allocated: int = 0
    held: int = 0
    cells: dict[int, Cell] = field(default_factory=dict)

    @property
    def available(self) -> int:
        """What every channel may still sell."""
        return self.on_hand - self.allocated - self.held


def pool_rows(sku_ids: Collection[int]) -> dict[int, StockRow]:
    """What the pool says of each of ``sku_ids``, without cells; one without stock gets an empty row."""
    rows = {sku_id: StockRow() for sku_id in sku_ids}
    pools = Pool.objects.filter(sku_id__in=sku_ids).values_list("sku_id", "on_hand", "allocated", "held")
    return rows | {sku_id: StockRow(on_hand, allocated, held) for sku_id, on_hand, allocated, held in pools}


def stock_rows(sku_ids: Collection[int]) -> dict[int, StockRow]:
    """The stock of each of ``sku_ids`` at every node; one without stock gets an empty row. Two statements."""
    rows = pool_rows(sku_ids)
    levels = Level.objects.filter(sku_id__in=sku_ids, bucket=Bucket.SALEABLE)
    for sku_id, node_id, on_hand, allocated in levels.values_list("sku_id", "node_id", "on_hand", "allocated"):
        rows[sku_id].cells[node_id] = Cell(on_hand, allocated)
    return rows


def levels_of_sku(sku_id: int) -> list[Level]:
    """Every level of one SKU in every bucket, with its node, the fullest first."""
    rows = Level.objects.filter(sku_id=sku_id).select_related("node")
    return list(rows.order_by("bucket", "-on_hand", "node__code"))


@dataclass(frozen=True, slots=True)
class MovementRow:
    """One movement and the units on hand in its bucket once it was booked."""

    movement: Movement
    balance: int


def _movements(sku_id: int, node_id: int | None, bucket: str) -> QuerySet[Movement]:
    rows = Movement.objects.filter(sku_id=sku_id, bucket=bucket)
    return rows if node_id is None else rows.filter(node_id=node_id)


def fetch_movements(sku_id: int, node_id: int | None, bucket: str, offset: int, limit: int) -> list[MovementRow]:
    """Movements of one SKU (at one node, or at all with None), newest first, with their node.

    Balances count back from today's level, so a page costs its own rows and one sum of what is newer.
    """
    selected = _movements(sku_id, node_id, bucket)
    page = list(selected.select_related("node").order_by("-occurred_at", "-id")[offset : offset + limit])
    if not page:
        return []
    levels = Level.objects.filter(sku_id=sku_id, bucket=bucket)
    if node_id is not None:
        levels = levels.filter(node_id=node_id)
    balance = levels.aggregate(units=Sum("on_hand"))["units"] or 0
    if offset:
        first = page[0]
        newer = selected.filter(
            Q(occurred_at__gt=first.occurred_at) | Q(occurred_at=first.occurred_at, id__gt=first.pk)
        )
        balance -= newer.aggregate(units=Sum("on_hand_delta"))["units"] or 0
    rows = []
    for movement in page:
        rows.append(MovementRow(movement, int(balance)))
        balance -= movement.on_hand_delta
    return rows


def count_movements(sku_id: int, node_id: int | None, bucket: str, cap: int) -> int:
    return _movements(sku_id, node_id, bucket).order_by()[:cap].count()


def fetch_stock_documents(node_id: int | None, kind: str, offset: int, limit: int) -> list[StockDocument]:
    """Counts and adjustments, newest first, with node, ``line_count``, ``applied_units`` and ``shown_lines``: the
    first SHOWN_LINES lines with their SKU. Two statements, whatever the size of the documents."""
    lines = StockDocumentLine.objects.filter(line_no__lte=SHOWN_LINES).select_related("sku").order_by("line_no")
    rows = (
        _documents(node_id, kind)
        .select_related("node")
        .annotate(line_count=Count("lines"), applied_units=Coalesce(Sum("lines__applied"), 0))
    )
    rows = rows.prefetch_related(Prefetch("lines", lines, to_attr="shown_lines"))
    return list(rows.order_by("-occurred_at", "-id")[offset : offset + limit])


def count_stock_documents(node_id: int | None, kind: str, cap: int) -> int:
    return _documents(node_id, kind).order_by()[:cap].count()


def _documents(node_id: int | None, kind: str) -> QuerySet[StockDocument]:
    rows = StockDocument.objects.all()
    if node_id is not None:
        rows = rows.filter(node_id=node_id)
    return rows.filter(kind=kind) if kind else rows
