"""The board of promises: kept, at risk and broken by node, why, how long each step takes, and the orders behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tongpan.analytics.queries import metric
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, with_params
from tongpan.console.saved_views import tabs_of
from tongpan.core.clock import utc_now
from tongpan.fulfillment.keeping.queries import (
    RUNNING,
    Promise,
    Wanted,
    board,
    count_promises,
    promises,
    step_times,
)
from tongpan.network.queries import active_nodes, nodes_of
from tongpan.orders.models import DeliveryMethod

DAYS = 30
STATES = (
    ("late", _("Late")),
    ("at_risk", _("At risk")),
    ("open", _("In time so far")),
    ("broken", _("Broken")),
    ("kept", _("Kept")),
)
REASONS = (
    ("rejected", _("A node gave it back")),
    ("stock", _("Waited for stock")),
    ("held", _("The order is held back")),
    ("not_accepted", _("The node has not answered")),
    ("carrier", _("The carrier")),
    ("late_pick", _("Picked or packed late")),
)
PROMISES = {
    "pickup": _("Ready for pickup"),
    "ship": _("At the buyer's"),
    "instant": _("Instant delivery at the buyer's"),
    "dispatch": _("Left, as the channel promised"),
}
STEPS = {
    "routed": _("Paid to routed"),
    "accepted": _("to accepted"),
    "picked": _("to picked"),
    "packed": _("to packed"),
    "gone": _("to gone or ready"),
    "arrived": _("to delivered or collected"),
    "whole": _("Paid to gone or ready"),
}


class PromiseFilters(FilterForm):
    q = None  # type: ignore[assignment]
    state = forms.ChoiceField(label=_("State"), required=False)
    reason = forms.ChoiceField(label=_("Reason"), required=False, choices=[("", _("All")), *REASONS])
    node = forms.ChoiceField(label=_("Node"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    day_from = forms.DateField(label=_("From day"), required=False)
    day_to = forms.DateField(label=_("To day"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        states = [("", _("All")), ("running", _("Running")), *STATES]
        super().__init__(
            request,
            {
                "state": states,
                "node": [("", _("All")), *((one.code, one.name) for one in active_nodes())],
                "channel": [("", _("All")), *((one.code, local_name(one)) for one in channels())],
            },
        )

    def wanted(self, user_id: int) -> Wanted:
        """Orders placed in the days given, else in the last DAYS days; only nodes at which the person works."""
        given, today = self.values, timezone.localdate()
        first = given.get("day_from") or today - timedelta(days=DAYS - 1)
        last = max(given.get("day_to") or today, first)
        state = given.get("state", "")
        return Wanted(
            _begins(first),
            _begins(last + timedelta(days=1)),
            given.get("node", ""),
            given.get("channel", ""),
            nodes_of(user_id),
            RUNNING if state == "running" else [state] if state else (),
            given.get("reason", ""),
        )


def _methods(wanted: Wanted) -> list[tuple[str, int, Decimal]]:
    """(way to the buyer, orders, share) of the orders of the period, the most frequent first; only for all nodes."""
    if wanted.node or wanted.nodes is not None:
        return []
    filters = {"channel": wanted.channel} if wanted.channel else None
    found = metric(
        "method_share",
        date_from=timezone.localdate(wanted.since),
        date_to=timezone.localdate(wanted.until),
        filters=filters,
        order="-value",
    )
    names = dict(DeliveryMethod.choices)
    return [
        (str(names.get(row.dimensions["method"] or "", "—")), row.numerator or 0, Decimal(str(row.value)))
        for row in found.rows
        if row.value is not None
    ]


def _begins(day: object) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))  # type: ignore[arg-type]


COLUMNS = (
    Column("number", _("Order"), lambda row: row.number),
    Column("node", _("Node"), lambda row: row.node_name),
    Column("promise", _("Promise"), lambda row: str(PROMISES[row.promise])),
    Column("due", _("Due"), lambda row: row.due),
    Column("reached", _("Reached at"), lambda row: row.reached),
    Column("state", _("State"), lambda row: str(dict(STATES)[row.state])),
    Column("reason", _("Reason"), lambda row: str(dict(REASONS).get(row.reason, ""))),
)


@page("orders.view")
def promise_board(request: Request) -> HttpResponse:
    """How promises stand now, of the orders placed in the period."""
    filters, now = PromiseFilters(request), utc_now()
    wanted = filters.wanted(request.user.pk)
    found = board(wanted, now=now)
    steps = step_times(wanted, now=now)
    context = {
        "section": "promises",
        "filters": filters,
        "board": found,
        "cards": [
            (key, str(label), getattr(found.total, key), with_params(request.GET, state=key, page=None))
            for key, label in STATES
        ],
        "nodes": [
            (row, str(PROMISES[row.promise]), with_params(request.GET, node=row.node, page=None)) for row in found.rows
        ],
        "reasons": [
            (str(dict(REASONS)[reason]), number, with_params(request.GET, reason=reason, page=None))
            for reason, number in found.reasons
        ],
        "methods": _methods(wanted),
        "steps": [(str(STEPS[step.step]), step) for step in steps],
        "promises": PROMISES,
        "state_names": dict(STATES),
        "reason_names": dict(REASONS),
        "since": wanted.since.date(),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: promises(wanted, now=now, offset=offset, limit=limit),
            count=lambda cap: count_promises(wanted, cap, now=now),
        ),
        "views": tabs_of(request.user, "promises", request.META["QUERY_STRING"]),
    }
    return render(request, "console/promises/board.html", context)


@page("data.export")
def promise_export(request: Request) -> HttpResponseBase:
    wanted, now = PromiseFilters(request).wanted(request.user.pk), utc_now()

    def rows() -> Iterator[Promise]:
        yield from promises(wanted, now=now)

    return exports.respond("promises", COLUMNS, rows(), request.GET.get("format", ""))
