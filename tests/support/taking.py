"""The importer without a database: reads, stages and assembles a file, and shows what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.engine.documents import Assembler, Prepared, ShopContext, StagedRow
from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.spec import Mapping
from tongpan.connectors.staging import Staging

SHOP = ShopContext("shop-1", "CNY", "Asia/Shanghai", "wh")


@dataclass
class Taken:
    """What the importer made of a file before any action: documents and rejected rows."""

    documents: list[Prepared] = field(default_factory=list)
    rejected: list[tuple[StagedRow, list[Problem]]] = field(default_factory=list)
    rows: int = 0

    @property
    def docs(self):
        return [prepared.doc for prepared in self.documents]

    @property
    def reasons(self) -> dict[int, str]:
        """line → reason of every rejected row."""
        return {
            row.line: "; ".join(f"{p.column}: {p.reason}" if p.column else p.reason for p in problems)
            for row, problems in self.rejected
        }


def take_file(
    path: Path, folder: Path, mapping: Mapping | None = None, shop: ShopContext = SHOP, encoding: str = ""
) -> Taken:
    """What becomes of the file of orders ``path`` in ``shop``; ``folder`` is for staging."""
    opened = open_path(path, mapping, encoding=encoding)
    taken = Taken()
    with Staging(opened.mapping, opened.sources, folder) as staging:
        staging.load()
        tables = opened.mapping.tables
        giving = [n for n in opened.sources if tables[n].document or tables[n].lines or tables[n].payments]
        taken.rows = sum(staging.rows[name] for name in giving)
        layouts = {name: staging.layout(name) for name in giving}
        assembler = Assembler(opened.mapping, layouts, lambda code: shop if code == shop.code else None, shop.code)
        for group in staging.groups():
            assembled = assembler.assemble(group)
            taken.documents += assembled.documents
            taken.rejected += assembled.rejected
    return taken
