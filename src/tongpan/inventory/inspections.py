"""Reads of quality inspections: the list, one of them, what is off sale, and quality by supplier and node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet, Sum

from tongpan.core.bulk import fetch_all
from tongpan.inventory.models import Inspection, QualityHold


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    """text: part of a SKU code or name, supplier, reference or number. result: "passed", "failed" or ""."""

    text: str = ""
    kind: str = ""
    result: str = ""
    node_id: int | None = None


def select_inspections(wanted: InspectionFilter) -> QuerySet[Inspection]:
    """The inspections that fit, with node, SKU and hold; unordered."""
    rows = Inspection.objects.select_related("node", "sku", "hold", "hold__node")
    if wanted.text:
        rows = rows.filter(
            Q(sku__code__icontains=wanted.text)
            | Q(sku__name__icontains=wanted.text)
            | Q(supplier__icontains=wanted.text)
            | Q(reference__icontains=wanted.text)
            | Q(number__icontains=wanted.text)
        )
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.result:
        rows = rows.filter(passed=wanted.result == "passed")
    return rows if wanted.node_id is None else rows.filter(node=wanted.node_id)


def fetch_inspections(wanted: InspectionFilter, offset: int, limit: int) -> list[Inspection]:
    """A page, the latest first."""
    return list(select_inspections(wanted).order_by("-inspected_at", "-id")[offset : offset + limit])


def count_inspections(wanted: InspectionFilter, cap: int) -> int:
    return select_inspections(wanted).order_by()[:cap].count()


def inspection_by_id(inspection_id: int) -> Inspection | None:
    """One inspection with node, SKU and hold."""
    return select_inspections(InspectionFilter()).filter(pk=inspection_id).first()


def open_holds(limit: int = 200) -> list[QualityHold]:
    """What is not sold now, the longest first, each with SKU, node and ``units`` that wait."""
    rows = (
        QualityHold.objects.filter(decided_at__isnull=True)
        .select_related("sku", "node")
        .prefetch_related("inspections")
    )
    return list(rows.annotate(units=Sum("moves__qty")).order_by("opened_at", "id")[:limit])


def promised_under(hold: QualityHold) -> int:
    """Units of a held SKU that orders at the held place were promised before; they are not taken from them."""
    rows = fetch_all(
        """SELECT coalesce(sum(allocated), 0)::bigint FROM inventory_level
           WHERE sku_id = %(sku)s AND bucket = 'saleable' AND (%(node)s::bigint IS NULL OR node_id = %(node)s)""",
        {"sku": hold.sku_id, "node": hold.node_id},
    )
    return int(rows[0][0])


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of what came from one supplier, or lay at one node. units: looked at; failed: of these."""

    name: str
    lots: int
    failed_lots: int
    units: int
    failed: int

    @property
    def ratio(self) -> float:
        """Share of the units looked at that failed."""
        return self.failed / self.units if self.units else 0.0


def quality_by(what: str, start: datetime, end: datetime, limit: int = 20) -> list[Quality]:
    """Quality by "supplier" or "node" from the inspections in [start, end), the worst first."""
    name = {"supplier": "i.supplier", "node": "n.name"}[what]
    rows = fetch_all(
        f"""SELECT {name}, count(*), count(*) FILTER (WHERE NOT i.passed), sum(i.sample)::bigint, sum(i.failed)::bigint
            FROM inventory_inspection i JOIN network_node n ON n.id = i.node_id
            WHERE i.inspected_at >= %s AND i.inspected_at < %s GROUP BY 1
            ORDER BY sum(i.failed)::numeric / sum(i.sample) DESC, 1 LIMIT %s""",
        [start, end, limit],
    )
    return [Quality(*row) for row in rows]


def history_of(sku_id: int, before: Inspection, limit: int = 10) -> list[Inspection]:
    """Other inspections of the same SKU, the latest first."""
    rows = Inspection.objects.filter(sku=sku_id).exclude(pk=before.pk).select_related("node")
    return list(rows.order_by(F("inspected_at").desc(), "-id")[:limit])
