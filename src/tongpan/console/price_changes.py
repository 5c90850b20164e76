"""Changing prices: many at once, seen before they count; requests, and the decision about them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports, formats
from tongpan.console.access import Request, actor_of, page, who
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.price_words import LOG_WORDS, LOGGED, OUTCOMES, REQUEST_STATES
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import DEFAULT_ZONE
from tongpan.core.errors import Refusal
from tongpan.core.money import to_minor
from tongpan.pricing.actions import (
    PlannedRow,
    PriceChange,
    decide_request,
    preview_changes,
    request_changes,
    withdraw_request,
)
from tongpan.pricing.models import ChangeRequest, PriceList, PriceLog
from tongpan.pricing.pages import list_currencies, rows_of, select_log, select_requests

_MOST_LINES = 2000


class ChangeForm(forms.Form):
    rows = forms.CharField(
        label=_("Prices"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
        max_length=400_000,
        help_text=_(
            "One line for each price, as copied from a spreadsheet: list, SKU, price, from, until, from units. The "
            "list is guide, the code of a channel, or that of a price list. Price - ends a price. Empty from: now."
        ),
    )
    why = forms.CharField(label=_("Reason"), max_length=300, required=False)

    def clean_rows(self) -> list[PriceChange]:
        """The changes of the lines. A line that cannot be read is said by its number."""
        text = self.cleaned_data["rows"].replace("\x00", "")
        dialect = "\t" if "\t" in text else ","
        currencies = list_currencies()
        changes, problems = [], []
        lines = [line for line in csv.reader(io.StringIO(text), delimiter=dialect) if any(map(str.strip, line))]
        if len(lines) > _MOST_LINES:
            raise forms.ValidationError(
                gettext("These are more than %(most)s lines; import a file instead.") % {"most": _MOST_LINES}
            )
        for number, line in enumerate(lines, 1):
            try:
                changes.append(_change([*map(str.strip, line), *[""] * 6][:6], currencies))
            except ValueError as error:
                problems.append(gettext("Line %(number)s: %(problem)s") % {"number": number, "problem": error})
        if problems:
            raise forms.ValidationError(problems[:20])
        return changes


def _change(cells: Sequence[str], currencies: dict[str, str]) -> PriceChange:
    price_list, sku, price, starts, ends, units = cells
    if not price_list or not sku:
        raise ValueError(gettext("name a list and a SKU"))
    try:
        amount = None if price == "-" else to_minor(Decimal(price.replace("¥", "")), currencies.get(price_list, "CNY"))
        min_qty = int(units or 1)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(gettext("%(price)s is no price") % {"price": price or units}) from None
    return PriceChange(price_list, sku, amount, min_qty, _instant(starts), _instant(ends))


def _instant(text: str) -> datetime | None:
    """A day is its beginning in the platform's zone."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(gettext("%(text)s is no day or time, as 2026-11-18 10:00") % {"text": text}) from None
    if at.tzinfo is None:
        at = datetime.combine(at.date(), at.time() or time(), ZoneInfo(DEFAULT_ZONE))
    return at


@page("prices.edit")
def price_change(request: Request) -> HttpResponse:
    """Put in prices and see what would become of every one; then ask for them."""
    form = ChangeForm(request.POST or None, initial={"rows": request.GET.get("rows", "")[:2000]})
    shown = None
    if request.method == "POST" and form.is_valid():
        changes = form.cleaned_data["rows"]
        try:
            if request.POST.get("act") == "request":
                done = request_changes(changes, why=form.cleaned_data["why"], source="console", **who(request))
                messages.success(
                    request,
                    gettext("%(applied)s applied, %(pending)s wait for approval, %(refused)s refused.")
                    % {name: done.count(name) for name in ("applied", "pending", "refused")},
                )
                return redirect("console:price_request", done.id)
            shown = preview_changes(changes, now=who(request)["now"])
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
    context = {
        "section": "prices",
        "form": form,
        "rows": [_worded(row) for row in shown.rows] if shown else [],
        "counts": [(name, label, shown.count(name)) for name, label in OUTCOMES.items() if shown.count(name)]
        if shown
        else [],
        "lists": PriceList.objects.filter(is_active=True),
    }
    return render(request, "console/prices/change.html", context)


def _worded(row: PlannedRow) -> dict[str, Any]:
    return {
        "row": row,
        "outcome": OUTCOMES[row.outcome],
        "sentences": [(one.level, localized(one.sentence)) for one in row.findings],
    }


class RequestFilters(FilterForm):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *REQUEST_STATES.items()])
    sku = forms.CharField(label=_("SKU"), required=False, max_length=120)

    def rows(self) -> QuerySet[ChangeRequest]:
        given = self.values
        return select_requests(text=given.get("q", ""), state=given.get("state", ""), sku=given.get("sku", ""))


REQUEST_COLUMNS = (
    Column("id", _("Request"), lambda row: row.pk),
    Column("at", _("Asked at"), lambda row: row.requested_at),
    Column("by", _("Asked by"), lambda row: row.requested_by),
    Column("why", _("Reason"), lambda row: row.why),
    Column("count", _("Prices"), lambda row: row.count, is_number=True),
    Column("waiting", _("Waiting"), lambda row: row.waiting, is_number=True),
    Column("state", _("State"), lambda row: str(REQUEST_STATES[row.state])),
    Column("decided", _("Decided by"), lambda row: row.decided_by),
)


@page("prices.view")
def price_requests(request: Request) -> HttpResponse:
    """Requests to change prices, the newest first."""
    filters = RequestFilters(request)
    rows = filters.rows()
    context = {
        "section": "price_requests",
        "filters": filters,
        "states": REQUEST_STATES,
        "list": listing(
            request,
            REQUEST_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
        "views": tabs_of(request.user, "price_requests", request.META["QUERY_STRING"]),
        "may_edit": can(request.user, "prices.edit"),
    }
    return render(request, "console/prices/requests.html", context)


@page("data.export")
def price_requests_export(request: Request) -> HttpResponseBase:
    rows = RequestFilters(request).rows()
    return exports.respond("price-requests", REQUEST_COLUMNS, rows, request.GET.get("format", ""))


@page("prices.view")
def price_request(request: Request, number: int) -> HttpResponse:
    """One request: its rows, what the rules say of them, and the decision."""
    one = select_requests().filter(pk=number).first()
    if one is None:
        raise Http404
    is_own = one.requested_by == actor_of(request)
    waits = rows_of(number, "pending").exists()
    rows = rows_of(number, request.GET.get("outcome", ""))
    context = {
        "section": "price_requests",
        "one": one,
        "state": REQUEST_STATES[one.state],
        "list": listing(
            request,
            (),
            default_sort="",
            fetch=lambda _sort, offset, limit: [
                {
                    "row": row,
                    "outcome": OUTCOMES[row.outcome],
                    "sentences": [(found["level"], localized(found["sentence"])) for found in row.findings],
                }
                for row in rows[offset : offset + limit]
            ],
            count=lambda cap: rows[:cap].count(),
        ),
        "is_own": is_own,
        "waits": waits,
        "may_decide": waits and not is_own and can(request.user, "prices.approve"),
        "may_withdraw": waits and is_own and can(request.user, "prices.edit"),
    }
    return render(request, "console/prices/request.html", context)


@page("prices.view")
@require_POST
def price_decide(request: Request, number: int) -> HttpResponse:
    """Approve, reject or withdraw what waits; of it the rows that are ticked, or all when none is."""
    act = request.POST.get("act", "")
    needed = "prices.edit" if act == "withdraw" else "prices.approve"
    if not can(request.user, needed):
        return render(request, "console/no_permission.html", {"permission": needed}, status=403)
    numbers = [int(text) for text in request.POST.getlist("row") if text.isdecimal() and len(text) < 8]
    try:
        if act == "withdraw":
            withdraw_request(number, **who(request))
        else:
            decide_request(
                number,
                approve=act == "approve",
                numbers=numbers or None,
                note=request.POST.get("note", "")[:300],
                **who(request),
            )
        messages.success(request, gettext("Decided."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:price_request", number)


class LogFilters(FilterForm):
    what = forms.ChoiceField(label=_("What"), required=False, choices=[("", _("All")), *LOGGED.items()])
    sku = forms.CharField(label=_("SKU"), required=False, max_length=120)
    since = forms.DateField(label=_("From day"), required=False)
    until = forms.DateField(label=_("Before day"), required=False)

    def rows(self) -> QuerySet[PriceLog]:
        given, zone = self.values, ZoneInfo(DEFAULT_ZONE)
        since, until = (
            datetime.combine(given[name], time(), zone) if name in given else None for name in ("since", "until")
        )
        return select_log(
            text=given.get("q", ""), what=given.get("what", ""), sku=given.get("sku", ""), since=since, until=until
        )


def log_text(values: dict[str, Any] | None) -> str:
    """What a log row holds, in one line."""
    if not values:
        return formats.NOTHING
    shown = dict(values)
    money = str(shown.pop("currency", "") or "CNY")
    amounts = [
        formats.money(int(shown.pop(name)), money)
        for name in ("amount_minor", "floor_minor", "min_net_minor")
        if shown.get(name) is not None
    ]
    words = []
    for name, value in shown.items():
        if value in (None, "") or name == "starts_at" or name.endswith("_minor") or (name, value) == ("min_qty", 1):
            continue
        label = LOG_WORDS.get(name)
        text = formats.stamp(datetime.fromisoformat(value)) if name == "ends_at" else str(value)
        words.append(f"{label} {text}".strip() if label is not None else f"{name} {text}")
    return ", ".join([" / ".join(amounts)] * bool(amounts) + words) or formats.NOTHING


LOG_COLUMNS = (
    Column("at", _("At"), lambda row: row.at),
    Column("what", _("What"), lambda row: str(LOGGED[row.what])),
    Column("sku", _("SKU"), lambda row: row.sku.code if row.sku else ""),
    Column("list", _("Price list"), lambda row: row.price_list.code if row.price_list else ""),
    Column("before", _("Before"), lambda row: log_text(row.before)),
    Column("after", _("After"), lambda row: log_text(row.after)),
    Column("actor", _("Who"), lambda row: row.actor),
    Column("approved", _("Approved by"), lambda row: row.approved_by),
    Column("why", _("Reason"), lambda row: row.why),
)


@page("prices.view")
def price_log(request: Request) -> HttpResponse:
    """Everything that changed in the price book."""
    filters = LogFilters(request)
    rows = filters.rows()
    context = {
        "section": "price_log",
        "filters": filters,
        "words": LOGGED,
        "list": listing(
            request,
            LOG_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: [
                (row, LOGGED[row.what], log_text(row.before), log_text(row.after))
                for row in rows[offset : offset + limit]
            ],
            count=lambda cap: rows[:cap].count(),
        ),
        "views": tabs_of(request.user, "price_log", request.META["QUERY_STRING"]),
    }
    return render(request, "console/prices/log.html", context)


@page("data.export")
def price_log_export(request: Request) -> HttpResponseBase:
    return exports.respond("price-log", LOG_COLUMNS, LogFilters(request).rows(), request.GET.get("format", ""))
