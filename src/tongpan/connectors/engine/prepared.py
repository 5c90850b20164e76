"""What stands between a file and the actions: rows as they were staged, and the documents that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tongpan.connectors.engine.rows import Problem
from tongpan.inventory.engine import AdjustmentDoc
from tongpan.orders.engine import CorrectionDoc, OrderDoc, ReturnDoc


class StagedRow(NamedTuple):
    """One source row: its table, its line in the file, what is wrong with its form ("" if sound), its cells.

    extra: cells that no column of the mapping takes, by header, where ``cells`` hold only those of the mapping.
    """

    table: str
    line: int
    defect: str
    cells: Sequence[str | None]
    extra: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ShopContext:
    """What assembling needs of a shop. stock_node: where its adjustments are booked, "" when it has no node."""

    code: str
    currency: str
    zone: str
    stock_node: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table's columns stand in its staged rows, after the file's own header was read; the file's name.

    names: what each cell of a staged row is called, whether or not the mapping takes it.
    """

    positions: Mapping[str, int]
    headers: Mapping[str, str]
    file_name: str = ""
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """One document ready for its action, with the rows it came from and what they amount to.

    amount, goods and charges are minor units of ``currency``; charge_rows counts rows that hold a charge. part: what
    is to be kept of its rows once it is in, where files of a format come one at a time.
    """

    cls: str
    doc: OrderDoc | ReturnDoc | CorrectionDoc | AdjustmentDoc | None
    rows: Sequence[StagedRow]
    currency: str
    amount: int = 0
    goods: int = 0
    charges: int = 0
    charge_rows: int = 0
    lines: int = 0
    goods_lines: int = 0
    part: object = None


@dataclass(slots=True)
class Assembled:
    """What became of the rows of one key. Every row is in exactly one of both lists."""

    documents: list[Prepared] = field(default_factory=list)
    rejected: list[tuple[StagedRow, list[Problem]]] = field(default_factory=list)
