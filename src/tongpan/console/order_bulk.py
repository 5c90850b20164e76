"""Actions over many orders: prepared from a selection or a filter, confirmed with a number, answered order by order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tongpan.access.actions import audit
from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.bulk_actions import BulkAction, Outcome, action_called
from tongpan.console.keyset import placeless
from tongpan.console.lists import Column, sort_of
from tongpan.console.models import BulkRun
from tongpan.console.order_columns import COLUMNS
from tongpan.console.order_filters import OrderFilters
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.orders.models import Status
from tongpan.orders.queries import OrderFilter, ids_of_orders, orders_named, statuses_of

_CHUNK = 200
_SAMPLE = 8
_SHOWN = 500
_EXPORTS = {"export-csv": "csv", "export-xlsx": "xlsx"}


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in dict.fromkeys(texts) if text.isascii() and text.isdecimal() and len(text) < 19]


@require_POST
@page("orders.view")
def prepare(request: Request) -> HttpResponse:
    """From the list: freeze which orders are meant and ask for confirmation. Exports go to the export at once.

    ``all``: every order of the filter in ``query``; else those of the ``id`` fields.
    """
    query = QueryDict(request.POST.get("query", ""))
    is_all, chosen = "all" in request.POST, _ids(request.POST.getlist("id"))
    key = request.POST.get("action", "")
    back = f"{reverse('console:orders')}?{placeless(query).urlencode()}"
    if key in _EXPORTS:
        return _to_export(query, [] if is_all else chosen, _EXPORTS[key])
    action = action_called(key)
    if action is None:
        return HttpResponse(status=400)
    if not can(request.user, action.permission):
        return render(request, "console/no_permission.html", {"permission": action.permission}, status=403)
    # Chosen rows are meant even when they have left the filter since they were shown.
    wanted = OrderFilters(request, query).wanted() if is_all else OrderFilter(ids=chosen)
    sort = sort_of(query, COLUMNS, "-placed")
    order_ids = ids_of_orders(wanted, sort, action.most + 1) if is_all or chosen else []
    if not order_ids:
        messages.error(request, _("No order was chosen."))
        return redirect(back)
    if len(order_ids) > action.most:
        messages.error(request, _("At most %(most)d orders at once: narrow the filter first.") % {"most": action.most})
        return redirect(back)
    if len(order_ids) < action.least:
        messages.error(request, _("Select at least %(least)d orders for that.") % {"least": action.least})
        return redirect(back)
    run = BulkRun.objects.create(
        owner=request.user,
        action=action.key,
        query=placeless(query).urlencode(),
        params={"is_all": is_all},
        order_ids=order_ids,
        prepared_at=utc_now(),
    )
    return redirect("console:order_bulk_run", run.pk)


def _to_export(query: QueryDict, chosen: list[int], kind: str) -> HttpResponse:
    kept = placeless(query)
    kept.setlist("id", [str(order_id) for order_id in chosen])
    kept["format"] = kind
    return redirect(f"{reverse('console:order_export')}?{kept.urlencode()}")


@page("orders.view")
def bulk_run(request: Request, run_id: int) -> HttpResponse:
    """The question before a run, and the answer after it. A POST is the confirmation; a second one changes nothing."""
    run = BulkRun.objects.filter(pk=run_id, owner=request.user).first()
    action = action_called(run.action) if run else None
    if run is None or action is None:
        raise Http404
    if not can(request.user, action.permission):
        return render(request, "console/no_permission.html", {"permission": action.permission}, status=403)
    form = action.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _run(run, action, form.cleaned_data, f"user:{request.user.get_username()}", utc_now())
        return redirect("console:order_bulk_run", run.pk)
    context: dict[str, Any] = {
        "section": "orders",
        "run": run,
        "action": action,
        "form": form,
        "count": len(run.order_ids),
        "back": f"{reverse('console:orders')}?{run.query}",
    }
    if run.finished_at is None:
        labels = dict(Status.choices)
        context |= {
            "sample": orders_named(run.order_ids[:_SAMPLE]),
            "more": max(0, len(run.order_ids) - _SAMPLE),
            "by_status": [(labels[status], n) for status, n in statuses_of(run.order_ids).items()],
        }
        return render(request, "console/orders/bulk_ask.html", context)
    context |= _answer(run)
    return render(request, "console/orders/bulk_done.html", context)


def _run(run: BulkRun, action: BulkAction, given: dict[str, Any], actor: str, now: datetime) -> None:
    """Run what is left of ``run``, in transactions of a few hundred orders that keep their outcomes with them.

    One entry of the audit trail tells of the whole. An interrupted run goes on where it stopped.
    """
    while run_in_transaction(lambda: _step(run.pk, action, given, actor, now)):
        pass


def _step(run_id: int, action: BulkAction, given: dict[str, Any], actor: str, now: datetime) -> bool:
    """The next few hundred orders of a run; whether there may be more to do."""
    run = BulkRun.objects.select_for_update().get(pk=run_id)
    if run.finished_at is not None:
        return False
    todo = run.order_ids[len(run.outcomes) : len(run.outcomes) + _CHUNK]
    if run.started_at is None:
        run.started_at, run.params = now, run.params | {name: str(value) for name, value in given.items()}
    if todo:
        said = _said(action, todo, given, actor, now)
        gone = Outcome(False, _("It is not there any more"))
        told = [(order_id, said.get(order_id, gone)) for order_id in todo]
        run.outcomes += [[order_id, outcome.is_done, outcome.sentence] for order_id, outcome in told]
    else:
        run.finished_at = utc_now()
        done = sum(1 for _order_id, is_done, _sentence in run.outcomes if is_done)
        facts = {"asked": len(run.order_ids), "done": done, "query": run.query} | run.params
        audit(actor, f"orders.bulk.{action.key}", "bulk_run", str(run.pk), facts, now=now)
    run.save()
    return run.finished_at is None


def _said(
    action: BulkAction, todo: list[int], given: dict[str, Any], actor: str, now: datetime
) -> Mapping[int, Outcome]:
    """What the action says of each order; a refusal of them all is what it says of each."""
    try:
        with transaction.atomic():
            return action.run(todo, given, actor, now)
    except Refusal as refusal:
        return dict.fromkeys(todo, Outcome(False, localized(refusal.sentence)))


def _answer(run: BulkRun) -> dict[str, Any]:
    refused = [one for one in run.outcomes if not one[1]]
    done = [one for one in run.outcomes if one[1]]
    shown = (refused + done)[:_SHOWN]
    orders = {order.pk: order for order in orders_named([one[0] for one in shown])}
    return {
        "done": len(done),
        "refused": len(refused),
        "rows": [(orders.get(one[0]), one[1], one[2]) for one in shown],
        "hidden": max(0, len(run.outcomes) - _SHOWN),
        "refused_query": urlencode([("id", one[0]) for one in refused[:_SHOWN]]),
    }


OUTCOME_COLUMNS = (
    Column("number", gettext_lazy("Order"), lambda row: row[0]),
    Column("done", gettext_lazy("Done"), lambda row: int(row[1])),
    Column("outcome", gettext_lazy("Outcome"), lambda row: row[2]),
)


@page("data.export")
def bulk_export(request: Request, run_id: int) -> HttpResponseBase:
    """What happened to each order of a run of one's own."""
    run = BulkRun.objects.filter(pk=run_id, owner=request.user).first()
    if run is None:
        raise Http404
    numbers = {order.pk: order.external_id for order in orders_named(run.order_ids)}
    rows = [(numbers.get(order_id, str(order_id)), is_done, text) for order_id, is_done, text in run.outcomes]
    return exports.respond("orders-outcome", OUTCOME_COLUMNS, rows, request.GET.get("format", ""))
