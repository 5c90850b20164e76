"""Pre-orders: who waits for what until when, and what may be ordered before it is there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.orders.actions.preorders import save_offers
from tongpan.orders.models import Preorder, PreorderOffer, PreorderState
from tongpan.orders.preordering import MAX_CAP, MAX_HOURS, OfferSpec
from tongpan.orders.queries.preorders import PreorderFilter, select_offers, select_preorders

_SORTS = {"queue": ("queued_at", "pk"), "expected": ("expected_at", "pk")}
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
_ANY_CURRENCY = "CNY"
"""Of an amount that is refused anyway, because no channel is named."""


def _goods(preorder: Preorder) -> str:
    return ", ".join(f"{line.offer.sku.code} × {line.qty}" for line in preorder.lines.all())


COLUMNS = (
    Column("order", _("Order"), lambda row: row.order.external_id),
    Column("shop", _("Shop"), lambda row: row.order.shop.name),
    Column("goods", _("Goods"), _goods),
    Column("state", _("Status"), lambda row: row.get_state_display()),
    Column("queue", _("In the queue since"), lambda row: row.queued_at, sort="queue"),
    Column("expected", _("Expected at"), lambda row: row.expected_at, sort="expected"),
    Column("deposit", _("Deposit"), lambda row: to_decimal(row.deposit_minor, row.order.currency), is_number=True),
    Column("total", _("Total"), lambda row: to_decimal(row.order.total_minor, row.order.currency), is_number=True),
    Column("balance", _("Balance due"), lambda row: row.balance_due_at),
)


class PreorderFilters(FilterForm):
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("Waiting")),
            ("overdue", _("Expected date has passed")),
            *PreorderState.choices,
            ("all", _("All")),
        ],
    )
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, request: Request) -> None:
        self._sees_customers = can(request.user, "customers.view")
        super().__init__(request, {"channel": [("", _("All")), *((str(c.pk), local_name(c)) for c in channels())]})

    def wanted(self) -> PreorderFilter:
        given = self.values
        state = given.get("state", "waiting")
        channel_id = int(given["channel"]) if "channel" in given else None
        return PreorderFilter("" if state == "all" else state, channel_id, given.get("q", ""), self._sees_customers)


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def preorder_list(request: Request) -> HttpResponse:
    """Pre-orders in the order in which they are served."""
    filters = PreorderFilters(request)
    now = utc_now()
    rows = select_preorders(filters.wanted(), now=now)
    context = {
        "section": "preorders",
        "filters": filters,
        "now": now,
        "list": listing(
            request,
            COLUMNS,
            default_sort="queue",
            fetch=lambda sort, offset, limit: list(_sorted(rows, sort)[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/preorders/list.html", context)


@page("data.export")
def preorder_export(request: Request) -> HttpResponseBase:
    """All pre-orders of the filter."""
    rows: Any = select_preorders(PreorderFilters(request).wanted(), now=utc_now())
    found = _sorted(rows, sort_of(request.GET, COLUMNS, "queue")).iterator(chunk_size=2000)
    return exports.respond("preorders", COLUMNS, found, request.GET.get("format", ""))


OFFER_COLUMNS = (
    Column("sku", _("SKU"), None),
    Column("channel", _("Channel"), None),
    Column("state", _("Status"), None),
    Column("taken", _("Ordered ahead"), None, is_number=True),
    Column("cap", _("Units at most"), None, is_number=True),
    Column("deposit", _("Deposit"), None),
    Column("expected", _("Expected at"), None),
    Column("balance", _("Balance"), None),
)


class OfferFilters(FilterForm):
    state = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), ("1", _("On offer")), ("0", _("Closed"))]
    )


@page("orders.view")
def offer_list(request: Request) -> HttpResponse:
    """What may be ordered before it is there, with how much of it is taken."""
    filters = OfferFilters(request)
    given = filters.values
    rows = select_offers(given.get("q", ""), is_open=given["state"] == "1" if "state" in given else None)
    context = {
        "section": "preorders",
        "filters": filters,
        "can_edit": can(request.user, "orders.edit"),
        "list": listing(
            request,
            OFFER_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(
                rows.order_by("-is_open", "expected_at", "pk")[offset : offset + limit]
            ),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/preorders/offers.html", context)


class OfferForm(forms.Form):
    sku = forms.CharField(label=_("SKU"), max_length=120)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    cap = forms.IntegerField(label=_("Units at most"), min_value=1, max_value=MAX_CAP)
    deposit_percent = forms.IntegerField(
        label=_("Deposit in percent"), min_value=0, max_value=100, initial=0, required=False
    )
    deposit = forms.DecimalField(
        label=_("or deposit for a unit"),
        min_value=Decimal("0.01"),
        max_value=Decimal(10) ** 9,
        required=False,
        help_text=_("In the currency of the channel. Give a share or an amount, not both."),
    )
    expected_at = forms.DateTimeField(label=_("Goods expected at"), required=False, widget=_MOMENT)
    balance_hours = forms.IntegerField(
        label=_("Hours to pay the balance"),
        min_value=1,
        max_value=MAX_HOURS,
        initial=72,
        help_text=_("Counted from when the goods are there; afterwards they go to the next in the queue."),
    )
    balance_due_at = forms.DateTimeField(label=_("Balance not due before"), required=False, widget=_MOMENT)
    is_open = forms.BooleanField(label=_("On offer"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._channels = list(channels())
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [("", _("Every channel")), *((c.code, local_name(c)) for c in self._channels)]

    def spec(self) -> OfferSpec:
        given = self.cleaned_data
        currency = next((c.currency for c in self._channels if c.code == given["channel"]), _ANY_CURRENCY)
        return OfferSpec(
            given["sku"].strip(),
            given["cap"],
            given["channel"],
            given["deposit_percent"] or 0,
            to_minor(given["deposit"], currency) if given["deposit"] else None,
            given["expected_at"],
            given["balance_hours"],
            given["balance_due_at"],
            given["is_open"],
        )


def _values(offer: PreorderOffer) -> dict[str, Any]:
    amount = to_decimal(offer.deposit_minor, offer.channel.currency) if offer.channel and offer.deposit_minor else None
    return {
        "sku": offer.sku.code,
        "channel": offer.channel.code if offer.channel else "",
        "cap": offer.cap,
        "deposit_percent": offer.deposit_percent,
        "deposit": amount,
        "expected_at": offer.expected_at,
        "balance_hours": offer.balance_hours,
        "balance_due_at": offer.balance_due_at,
        "is_open": offer.is_open,
    }


@page("orders.edit")
def offer_edit(request: Request) -> HttpResponse:
    """Set an offer; ``offer`` in the address shows one that is there."""
    known = request.GET.get("offer", "")
    offer = select_offers().filter(pk=int(known)).first() if known.isdecimal() and len(known) < 19 else None
    form = OfferForm(request.POST or None, initial=_values(offer) if offer else {"sku": request.GET.get("sku", "")})
    if request.method == "POST" and form.is_valid():
        try:
            save_offers([form.spec()], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:preorder_offers")
    return render(request, "console/preorders/offer.html", {"section": "preorders", "form": form, "offer": offer})
