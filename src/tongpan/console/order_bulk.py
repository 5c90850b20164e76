"""Actions over many orders: prepared from a selection or a filter, confirmed with a number, answered order by order."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.bulk_actions import action_called
from tongpan.console.bulk_running import start
from tongpan.console.keyset import placeless
from tongpan.console.lists import Column, sort_of
from tongpan.console.models import BulkRun
from tongpan.console.order_columns import COLUMNS
from tongpan.console.order_filters import OrderFilters
from tongpan.core.clock import utc_now
from tongpan.orders.models import Status
from tongpan.orders.queries import OrderFilter, ids_of_orders, orders_named, statuses_of

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
    """The question before a run, how far it is, and the answer after it.

    A POST is the confirmation; a second one lets an interrupted run go on, with what was said the first time.
    """
    run = BulkRun.objects.filter(pk=run_id, owner=request.user).first()
    action = action_called(run.action) if run else None
    if run is None or action is None:
        raise Http404
    if not can(request.user, action.permission):
        return render(request, "console/no_permission.html", {"permission": action.permission}, status=403)
    form = action.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and run.started_at is not None:
        start(run, request.POST, {}, utc_now())
        return redirect("console:order_bulk_run", run.pk)
    if request.method == "POST" and form.is_valid():
        start(run, request.POST, form.cleaned_data, utc_now())
        return redirect("console:order_bulk_run", run.pk)
    context: dict[str, Any] = {
        "section": "orders",
        "run": run,
        "action": action,
        "form": form,
        "count": len(run.order_ids),
        "back": f"{reverse('console:orders')}?{run.query}",
    }
    if run.started_at is not None and run.finished_at is None:
        refused = sum(1 for _order_id, is_done, _sentence in run.outcomes if not is_done)
        context |= {"so_far": len(run.outcomes), "refused": refused}
        return render(request, "console/orders/bulk_progress.html", context)
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
