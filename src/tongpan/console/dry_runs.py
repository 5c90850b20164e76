"""Dry runs: a policy tried on past orders, before and after, with the orders that would go another way."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.channels.models import Channel
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, listing, whole
from tongpan.console.routing_forms import DryRunForm
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.fulfillment.dryrun.actions import ask_dry_run
from tongpan.fulfillment.dryrun.engine import Ask
from tongpan.fulfillment.dryrun.queries import changes_of, dry_run_by_id, dry_runs
from tongpan.fulfillment.models import DryRun
from tongpan.fulfillment.routing.queries import document_of, versions_of


def _km(tenths: int | None) -> float | None:
    return None if tenths is None else tenths / 10


COLUMNS = (
    Column("order", gettext_lazy("Order"), lambda row: row.order.external_id),
    Column("shop", gettext_lazy("Shop"), lambda row: row.order.shop.name),
    Column("before", gettext_lazy("Nodes before"), lambda row: row.before_nodes or row.before_rule),
    Column("after", gettext_lazy("Nodes after"), lambda row: row.after_nodes or row.after_rule),
    Column("km_before", gettext_lazy("km before"), lambda row: _km(row.before_distance), is_number=True),
    Column("km_after", gettext_lazy("km after"), lambda row: _km(row.after_distance), is_number=True),
    Column("cost_before", gettext_lazy("Cost before"), lambda row: row.before_cost, is_number=True),
    Column("cost_after", gettext_lazy("Cost after"), lambda row: row.after_cost, is_number=True),
)


@page("network.edit")
def dry_run_new(request: Request, code: str) -> HttpResponse:
    """Ask for a dry run of a policy: its draft if it has one, else its published version."""
    try:
        number, document = document_of(code, "draft" if _has_draft(code) else "published")
    except Refusal as refusal:
        raise Http404 from refusal
    today = utc_now().date()
    channels = [(one.code, f"{one.name_zh} · {one.name_en}") for one in Channel.objects.order_by("position", "code")]
    form = DryRunForm(request.POST or None, channels, {"day_from": today - timedelta(days=7), "day_to": today})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        ask = Ask(code, number, document, given["day_from"], given["day_to"], given["stock"], given["channel"])
        try:
            run = ask_dry_run(ask, **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            return redirect("console:dry_run", run.pk)
    context = {"section": "routing", "code": code, "number": number, "form": form}
    return render(request, "console/routing/dry_run_new.html", context)


def _has_draft(code: str) -> bool:
    return any(one.status == "draft" for one in versions_of(code))


@page("network.view")
def dry_run(request: Request, run_id: int) -> HttpResponse:
    """One dry run: its progress, then both sides beside each other; ``with`` puts another run beside it."""
    run = _run(run_id)
    other = None
    if beside := whole(request.GET.get("with", ""), 0):
        other = _run(beside)
    rows: Any = changes_of(run_id)
    context = {
        "section": "routing",
        "run": run,
        "other": other,
        "others": dry_runs().filter(finished_at__isnull=False, error="").exclude(pk=run_id)[:20],
        "figures": _figures(run, other) if run.result else [],
        "nodes": _nodes(run) if run.result else [],
        "gaps": _gaps(run),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/routing/dry_run.html", context)


@page("data.export")
def dry_run_export(request: Request, run_id: int) -> HttpResponseBase:
    """The orders that would go another way, as a file."""
    _run(run_id)
    rows: Any = changes_of(run_id).iterator(chunk_size=2000)
    return exports.respond("dry-run", COLUMNS, rows, request.GET.get("format", ""))


def _run(run_id: int) -> DryRun:
    try:
        return dry_run_by_id(run_id)
    except Refusal as refusal:
        raise Http404 from refusal


def _figures(run: DryRun, other: DryRun | None) -> list[dict[str, Any]]:
    """What is compared: label, unit, before, after, and the same figure of another run."""
    sides = [run.result["before"], run.result["after"], *([other.result["after"]] if other and other.result else [])]
    kinds: list[tuple[Any, str, Any]] = [
        (_("Orders routed"), "count", lambda s: s["routed"]),
        (_("Orders without a node"), "count", lambda s: s["orders"] - s["routed"]),
        (_("Parcels"), "count", lambda s: s["parcels"]),
        (_("Orders in several parcels"), "count", lambda s: s["split"]),
        (_("Kilometres in all"), "km", lambda s: Decimal(s["distance"]) / 10),
        (
            _("Kilometres a parcel"),
            "km",
            lambda s: Decimal(s["distance"]) / 10 / s["parcels"] if s["parcels"] else None,
        ),
        (_("Cost"), "money", lambda s: s["cost"]),
        (_("Parcels without a known cost"), "count", lambda s: s["without_cost"]),
        (_("Refusals of nodes, as they were"), "count", lambda s: s.get("refusals")),
        (_("On time, estimated"), "share", lambda s: s["on_time"] / s["judged"] if s["judged"] else None),
    ]
    return [{"label": label, "kind": kind, "values": [read(side) for side in sides]} for label, kind, read in kinds]


def _gaps(run: DryRun) -> list[dict[str, Any]]:
    """The batch of the run beside its optimum, by distance and by cost; empty for a run that measured none."""
    found = []
    for one in (run.result.get("gap") or {}).get("by", []):
        is_cost = one["by"] == "cost"
        labels = [
            (_("Orders left out"), "count"),
            (_("Parcels"), "count"),
            (_("Cost"), "money") if is_cost else (_("Kilometres in all"), "km"),
        ]
        numbers = zip(labels, one["policy"], one["best"], one["shares"], strict=True)
        rows = []
        for (label, kind), ours, best, share in numbers:
            values = [Decimal(value) / 10 if kind == "km" else value for value in (ours, best)]
            rows.append({"label": label, "kind": kind, "values": values, "share": share})
        found.append({**one, "is_cost": is_cost, "rows": rows, "bound_parcels": one["bound"][1]})
    return found


def _nodes(run: DryRun) -> list[dict[str, Any]]:
    """The load of nodes, those that change most first."""
    most = max((max(one["before"], one["after"]) for one in run.result["nodes"]), default=0)
    rows = [{**one, "delta": one["after"] - one["before"], "most": most} for one in run.result["nodes"]]
    return sorted(rows, key=lambda one: (-abs(one["delta"]), one["node"]))[:50]
