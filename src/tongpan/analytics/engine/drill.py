"""The query that lists the documents behind a number."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tongpan.analytics.engine import ir
from tongpan.analytics.engine.blocks import Named, Slot, documents
from tongpan.analytics.engine.request import Request, measure_for
from tongpan.core.errors import Refusal


def drill_query(request: Request, part: Literal["value", "base"], limit: int) -> tuple[ir.Query, ir.Query, str]:
    """(query of the ids, highest first and at most ``limit``; query of their number; kind of document).

    Raises Refusal("metric.drill") when the metric has no base, and as ``plan`` does.
    """
    chosen = request.chosen[0]
    # What a share is a share of is a row of it: its own filter narrows the documents.
    request = replace(request, by=())
    measures = chosen.metric.numerator if part == "value" else chosen.metric.denominator
    if not measures:
        raise Refusal("metric.drill", f"Metric {chosen.metric.key} has no base to list.")
    measure = measure_for(chosen, measures, request)
    named = Named()
    name = documents(Slot("v", measure, chosen), request, named)
    key = ir.Column("d", "document_id")
    source = ir.From(name, "d", is_lake=False)
    listing = ir.Select((("document_id", key),), source, order_by=(ir.Sort(key, descending=True),), limit=limit)
    counting = ir.Select((("documents", ir.CountRows()),), source)
    relations = tuple(named.relations)
    return ir.Query(relations, listing), ir.Query(relations, counting), measure.fact.document
