"""Subscriptions: what comes again to whom, how its runs went, and what a person may do with one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import audit_of, can
from tongpan.channels.queries import shops
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.orders.models import RunState, Subscription, SubscriptionState
from tongpan.orders.subscriptions.actions import STEPS, current_rules, set_rules, take_step
from tongpan.orders.subscriptions.queries import SubscriptionFilter, amount_of, runs_of, select_subscriptions

_SORTS = {"next": ("next_on", "pk"), "made": ("created_at", "pk")}
STATES = (
    ("", _("All")),
    *SubscriptionState.choices,
    ("trouble", _("In need of attention")),
)
TITLES = {
    "subscription.created": _("Made"),
    "subscription.changed": _("Changed"),
    "subscription.paused": _("Paused"),
    "subscription.resumed": _("Resumed"),
    "subscription.skipped": _("Next run left out"),
    "subscription.cancelled": _("Ended"),
}


def rhythm_words(row: Subscription) -> str:
    """ "Every 2 weeks, on Monday" in the user's language."""
    if row.unit == "week":
        days = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
        text = _("Every week, on %(day)s") if row.every == 1 else _("Every %(every)d weeks, on %(day)s")
        return text % {"every": row.every, "day": days[row.day - 1]}
    text = _("Every month, on day %(day)s") if row.every == 1 else _("Every %(every)d months, on day %(day)s")
    return text % {"every": row.every, "day": row.day}


def _newest(row: Any) -> str:
    return str(RunState(row.run_state).label) if row.run_state else ""


COLUMNS = (
    Column("subscription", _("Subscription"), lambda row: row.pk),
    Column("shop", _("Shop"), lambda row: row.shop.name),
    Column("goods", _("Goods"), lambda row: ", ".join(f"{one.sku.code} × {one.qty}" for one in row.lines.all())),
    Column("rhythm", _("Rhythm"), rhythm_words),
    Column("status", _("Status"), lambda row: row.get_state_display()),
    Column("next", _("Next run"), lambda row: row.next_on, sort="next"),
    Column("newest", _("Newest run"), _newest),
    Column("amount", _("Amount"), lambda row: to_decimal(amount_of(row), row.shop.channel.currency), is_number=True),
    Column("currency", _("Currency"), lambda row: row.shop.channel.currency),
    Column("made", _("Made at"), lambda row: row.created_at, sort="made", starts_descending=True),
)
SHOWN = tuple(column for column in COLUMNS if column.key != "currency")


class SubscriptionFilters(FilterForm):
    state = forms.ChoiceField(label=_("Status"), required=False, choices=STATES)
    shop = forms.ChoiceField(label=_("Shop"), required=False)

    def __init__(self, request: Request) -> None:
        self._sees_customers = can(request.user, "customers.view")
        super().__init__(request, {"shop": [("", _("All")), *((str(shop.pk), shop.name) for shop in shops())]})

    def wanted(self) -> SubscriptionFilter:
        given = self.values
        shop_id = int(given["shop"]) if "shop" in given else None
        return SubscriptionFilter(given.get("state", ""), shop_id, given.get("q", ""), self._sees_customers)


class SubscriptionRulesForm(forms.Form):
    price = forms.ChoiceField(
        label=_("A run costs"),
        choices=[("agreed", _("the price that was agreed")), ("list", _("the price of the shop's list on that day"))],
    )
    remind_days = forms.IntegerField(label=_("The subscriber is reminded days before"), min_value=0, max_value=60)
    pay_hours = forms.IntegerField(label=_("Goods are kept for the payment for hours"), min_value=1, max_value=720)
    retry_hours = forms.IntegerField(
        label=_("A run that failed is tried again after hours"), min_value=1, max_value=720
    )
    tries = forms.IntegerField(label=_("and so many times in all"), min_value=1, max_value=20)


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def subscription_list(request: Request) -> HttpResponse:
    """Subscriptions, those that come next first."""
    filters = SubscriptionFilters(request)
    rows = select_subscriptions(filters.wanted())

    def fetch(sort: str, offset: int, limit: int) -> list[tuple[Subscription, str, int, str]]:
        return [
            (row, rhythm_words(row), amount_of(row), _newest(row))
            for row in _sorted(rows, sort)[offset : offset + limit]
        ]

    context = {
        "section": "subscriptions",
        "filters": filters,
        "list": listing(
            request, SHOWN, default_sort="next", fetch=fetch, count=lambda cap: rows.order_by()[:cap].count()
        ),
    }
    return render(request, "console/subscriptions/list.html", context)


@page("data.export")
def subscription_export(request: Request) -> HttpResponseBase:
    """All subscriptions of the filter."""
    rows: Any = _sorted(
        select_subscriptions(SubscriptionFilters(request).wanted()), sort_of(request.GET, COLUMNS, "next")
    )
    return exports.respond("subscriptions", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


@page("orders.view")
def subscription_detail(request: Request, subscription_id: int) -> HttpResponse:
    """One subscription with its runs; POST takes a step."""
    row = select_subscriptions(SubscriptionFilter()).filter(pk=subscription_id).first()
    if row is None:
        raise Http404
    may_edit = can(request.user, "orders.edit")
    if request.method == "POST":
        if not may_edit:
            return render(request, "console/no_permission.html", {"permission": "orders.edit"}, status=403)
        _take(request, subscription_id)
        return redirect("console:subscription", subscription_id)
    history = [
        {"at": entry["at"], "title": TITLES.get(entry["action"], entry["action"]), "actor": entry["actor"]}
        for entry in audit_of("subscription", str(subscription_id))
    ]
    context = {
        "section": "subscriptions",
        "row": row,
        "rhythm": rhythm_words(row),
        "amount": amount_of(row),
        "currency": row.shop.channel.currency,
        "lines": [(line, line.qty * line.unit_minor) for line in row.lines.all()],
        "runs": runs_of(row.pk),
        "history": history,
        "may": {step for step, (states, _after) in STEPS.items() if may_edit and row.state in states},
        "sees_customers": can(request.user, "customers.view"),
        "rules": current_rules(),
    }
    return render(request, "console/subscriptions/detail.html", context)


def _take(request: Request, subscription_id: int) -> None:
    step = request.POST.get("step", "")
    if step not in STEPS:
        return
    try:
        take_step(subscription_id, step, **who(request))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    else:
        messages.success(request, gettext("Done."))


@page("orders.edit")
def subscription_rules(request: Request) -> HttpResponse:
    """What a run costs, when subscribers are reminded, how often a run is tried."""
    form = SubscriptionRulesForm(request.POST or None, initial=asdict(current_rules()))
    if request.method == "POST" and form.is_valid():
        try:
            set_rules(form.cleaned_data, **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The rules count for runs from now on."))
            return redirect("console:subscriptions")
    return render(request, "console/subscriptions/rules.html", {"section": "subscriptions", "form": form})
