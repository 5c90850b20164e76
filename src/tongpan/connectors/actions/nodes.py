"""Nodes that come along with orders: the sellers of a marketplace, who ship from their own stock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tongpan.connectors.actions.node_specs import node_spec
from tongpan.connectors.engine.cells import BadCell
from tongpan.connectors.engine.documents import Layout, StagedRow
from tongpan.connectors.engine.fields import Settings
from tongpan.connectors.engine.records import RecordConverter
from tongpan.connectors.spec import Mapping
from tongpan.connectors.spec_records import NodeSpec as NodeSection
from tongpan.core.errors import Refusal
from tongpan.network.actions import save_nodes, set_services
from tongpan.network.engine import NodeSpec
from tongpan.network.models import Service
from tongpan.network.queries import node_ids

MAX_WARNINGS = 20


def save_supplying_nodes(
    section: NodeSection,
    rows: Iterator[StagedRow],
    layout: Layout,
    mapping: Mapping,
    shop_code: str,
    *,
    actor: str,
    now: datetime,
    is_dry_run: bool,
) -> tuple[int, list[str]]:
    """Make the nodes of ``rows`` that are not there yet and let all of them serve the shop, as the mapping says.

    Nodes that are there stay as they are. Returns how many were (in a dry run: would be) made, and a sentence
    for each row that names none.
    """
    settings = Settings(layout.positions, layout.headers, frozenset(mapping.nulls))
    converter = RecordConverter(section, settings)
    specs: dict[str, NodeSpec] = {}
    warnings: list[str] = []
    for row in rows:
        try:
            spec = node_spec(converter.fields(row.cells), mapping.shop.zone)
        except BadCell as bad:
            warnings.append(f"line {row.line}: {bad.column} {bad.value!r} {bad.reason}")
            continue
        specs.setdefault(spec.code, spec)
    known = node_ids(list(specs))
    missing = [spec for code, spec in specs.items() if code not in known]
    if is_dry_run:
        return len(missing), warnings[:MAX_WARNINGS]
    made = _save(missing, warnings, actor, now)
    if section.serves_import_shop:
        serving = dict(Service.objects.filter(shop__code=shop_code).values_list("node__code", "takes_returns"))
        wanted = set(serving) | set(node_ids(list(specs)))
        if wanted != set(serving):
            takes_returns = next((code for code, takes in serving.items() if takes), "")
            set_services(shop_code, sorted(wanted), takes_returns, actor=actor, now=now)
    return made, warnings[:MAX_WARNINGS]


def _save(specs: list[NodeSpec], warnings: list[str], actor: str, now: datetime) -> int:
    """Save all at once; when that is refused, in halves until the culprit is alone."""
    if not specs:
        return 0
    try:
        return len(save_nodes(specs, actor=actor, now=now))
    except Refusal as refusal:
        if len(specs) == 1:
            warnings.append(refusal.sentence)
            return 0
        half = len(specs) // 2
        return _save(specs[:half], warnings, actor, now) + _save(specs[half:], warnings, actor, now)
