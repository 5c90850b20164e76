"""The network: stores and what they have, their layout against buyers, dealers and what they cover."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.network.dealers import DealerSpec, dealers, save_dealers, tier_coverage
from tongpan.network.hour_texts import write_openings
from tongpan.network.layout import Demand, propose, reach
from tongpan.network.models import Facility, Node, NodeKind, PriceRight
from tongpan.network.queries import active_nodes, sites_of, timetables_of
from tongpan.orders.queries.assortment import last_business_day
from tongpan.orders.queries.demand import demand_places

DAYS = 90
SERVICE_LABELS = (
    ("home_delivery", _("Home delivery")),
    ("installation", _("Installation")),
    ("repair", _("Repair")),
    ("return", _("Returns")),
    ("display", _("Display")),
)
TIER_LABELS = {
    "capital": _("Municipalities and provincial capitals"),
    "prefecture": _("Other cities"),
    "county": _("Counties and county-level cities"),
}
_PLACES = (NodeKind.STORE, NodeKind.COUNTER, NodeKind.DEALER)


def _demand(days: int = DAYS) -> list[Demand]:
    last = last_business_day()
    return demand_places(last - timedelta(days=days - 1), last + timedelta(days=1)) if last else []


def _page(
    request: Request, tab: str, filters: FilterForm, columns: Sequence[Column], rows: Sequence[Any], **more: Any
) -> HttpResponse:
    context = {
        "section": "network",
        "tab": tab,
        "filters": filters,
        "list": listing(
            request,
            columns,
            default_sort="",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "views": tabs_of(request.user, tab, request.META["QUERY_STRING"]),
        **more,
    }
    return render(request, f"console/network/{tab}.html", context)


class StoreFilters(FilterForm):
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All")), *((kind.value, kind.label) for kind in _PLACES)]
    )
    has = forms.ChoiceField(label=_("Has"), required=False, choices=[("", _("All")), *Facility.choices])
    lacks = forms.ChoiceField(label=_("Lacks"), required=False, choices=[("", _("All")), *Facility.choices])

    def rows(self) -> list[Node]:
        given = self.values
        text = given.get("q", "").lower()
        return [
            node
            for node in active_nodes()
            if node.kind in _PLACES
            and given.get("kind", node.kind) == node.kind
            and ("has" not in given or given["has"] in node.facilities)
            and ("lacks" not in given or given["lacks"] not in node.facilities)
            and text in f"{node.code} {node.name} {node.city}".lower()
        ]


def _facility_names(node: Node) -> list[str]:
    labels = dict(Facility.choices)
    return [str(labels[name]) for name in node.facilities]


STORE_COLUMNS = (
    Column("code", _("Code"), lambda node: node.code),
    Column("name", _("Name"), lambda node: node.name),
    Column("kind", _("Kind"), lambda node: str(node.get_kind_display())),
    Column("city", _("City"), lambda node: node.city),
    Column("facilities", _("Facilities"), lambda node: ", ".join(_facility_names(node))),
    Column("hours", _("Today"), None),
)


@page("network.view")
def stores(request: Request) -> HttpResponse:
    """Stores with their facilities, opening hours of today and place (OFF-01)."""
    filters = StoreFilters(request)
    rows = filters.rows()
    tables = timetables_of([node.pk for node in rows])
    weekday = utc_now().astimezone().weekday()
    today = {
        pk: write_openings([(opens, closes) for day, opens, closes in table.week if day == weekday])
        for pk, table in tables.items()
    }
    facts = {node.pk: _facility_names(node) for node in rows}
    always = {pk for pk, table in tables.items() if not table.week}
    return _page(request, "stores", filters, STORE_COLUMNS, rows, today=today, facts=facts, always=always)


@page("data.export")
def store_export(request: Request) -> HttpResponseBase:
    return exports.respond("stores", STORE_COLUMNS, StoreFilters(request).rows(), request.GET.get("format", ""))


class LayoutFilters(FilterForm):
    facility = forms.ChoiceField(label=_("Stores with"), required=False, choices=[("", _("Any")), *Facility.choices])
    km = forms.IntegerField(label=_("Radius (km)"), required=False, min_value=1, max_value=500)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        del self.fields["q"]
        self.fields["km"].widget.attrs["placeholder"] = "5"


PROPOSAL_COLUMNS = (
    Column("place", _("Place"), lambda row: f"{row.province} {row.city}"),
    Column("orders", _("Orders newly covered"), lambda row: row.orders, is_number=True),
    Column("buyers", _("Buyers newly covered"), lambda row: row.buyers, is_number=True),
    Column("nearest", _("Nearest store today"), lambda row: row.nearest),
    Column(
        "km",
        _("Distance (km)"),
        lambda row: None if row.nearest_km is None else Decimal(str(row.nearest_km)),
        is_number=True,
    ),
)


def _proposals(filters: LayoutFilters, demand: list[Demand]) -> list[Any]:
    given = filters.values
    return propose(demand, sites_of(given.get("facility", "")), km=float(given.get("km", 5)), most=10)


@page("network.view")
def layout(request: Request) -> HttpResponse:
    """How near stores are to buyers, which facilities are short, and where a new store would cover most (OFF-13)."""
    filters = LayoutFilters(request)
    demand = _demand()
    orders = sum(place.orders for place in demand)
    shares = []
    for name, label in (("", _("Any store")), *Facility.choices):
        sites = sites_of(name)
        near = [Decimal(one.orders) / orders if orders else None for one in reach(demand, sites)]
        shares.append((label, len(sites), near))
    rows = _proposals(filters, demand)
    return _page(
        request,
        "layout",
        filters,
        PROPOSAL_COLUMNS,
        rows,
        shares=shares,
        orders=orders,
        days=DAYS,
        km=filters.values.get("km", 5),
    )


@page("data.export")
def layout_export(request: Request) -> HttpResponseBase:
    rows = _proposals(LayoutFilters(request), _demand())
    return exports.respond("store-proposals", PROPOSAL_COLUMNS, rows, request.GET.get("format", ""))


_RIGHTS = dict(PriceRight.choices)
_SERVICE_NAMES = dict(SERVICE_LABELS)
DEALER_COLUMNS = (
    Column("dealer", _("Dealer"), lambda row: row.code),
    Column("name", _("Name"), lambda row: row.name),
    Column("level", _("Level"), lambda row: row.level),
    Column("territory", _("Territory"), lambda row: ", ".join(row.territory)),
    Column("from", _("Contract from"), lambda row: row.starts_on),
    Column("to", _("Contract until"), lambda row: row.ends_on),
    Column("price", _("Price right"), lambda row: str(_RIGHTS[row.price_right])),
    Column("services", _("Services"), lambda row: ", ".join(str(_SERVICE_NAMES[one]) for one in row.services)),
    Column("pool", _("Stock in the pool"), lambda row: gettext("Yes") if row.in_pool else gettext("No")),
)


@page("network.view")
def dealer_list(request: Request) -> HttpResponse:
    """Dealers with territory and contract, and how much of the demand of each tier they cover (DLR-01)."""
    filters = FilterForm(request)
    rows = dealers(utc_now(), filters.values.get("q", ""))
    demand = [(place.province, place.city, place.orders) for place in _demand()]
    tiers = [
        (TIER_LABELS[one.tier], one, Decimal(one.covered) / one.orders if one.orders else None)
        for one in tier_coverage(demand, [row.territory for row in dealers(utc_now()) if row.holds])
    ]
    return _page(
        request,
        "dealers",
        filters,
        DEALER_COLUMNS,
        rows,
        tiers=tiers,
        days=DAYS,
        rights=_RIGHTS,
        services=_SERVICE_NAMES,
        can_edit=can(request.user, "network.edit"),
    )


@page("data.export")
def dealer_export(request: Request) -> HttpResponseBase:
    rows = dealers(utc_now(), FilterForm(request).values.get("q", ""))
    return exports.respond("dealers", DEALER_COLUMNS, rows, request.GET.get("format", ""))


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **more)


class DealerForm(forms.Form):
    dealer = forms.ChoiceField(label=_("Dealer"), help_text=_("A node of kind dealer; its territory is set there."))
    level = forms.CharField(label=_("Level"), max_length=40)
    starts_on = _day(_("Contract from"))
    ends_on = _day(_("Contract until"), required=False, help_text=_("The first day on which it no longer holds."))
    permits_pool = forms.BooleanField(label=_("Its stock joins the pool"), required=False)
    price_right = forms.ChoiceField(label=_("Price right"), choices=PriceRight.choices)
    services = forms.MultipleChoiceField(
        label=_("Services it owes"), required=False, choices=SERVICE_LABELS, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any = None, *, code: str = "") -> None:
        found = next((row for row in dealers(utc_now()) if row.code == code), None)
        names = ("level", "starts_on", "ends_on", "permits_pool", "price_right", "services")
        initial = {name: getattr(found, name) for name in names} if found else {}
        super().__init__(data, initial={"dealer": code} | initial)
        field = self.fields["dealer"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [(node.code, node.name) for node in active_nodes() if node.kind == NodeKind.DEALER]

    def spec(self) -> DealerSpec:
        given = self.cleaned_data
        return DealerSpec(
            given["dealer"],
            given["level"],
            given["starts_on"],
            given["ends_on"],
            given["permits_pool"],
            given["price_right"],
            tuple(given["services"]),
        )


@page("network.edit")
def dealer_edit(request: Request) -> HttpResponse:
    """A new contract, or the one of the dealer that ``dealer`` names."""
    form = DealerForm(request.POST or None, code=request.GET.get("dealer", ""))
    if request.method == "POST" and form.is_valid():
        try:
            save_dealers([form.spec()], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:dealers")
    context = {"section": "network", "form": form, "title": gettext("Contract of a dealer")}
    return render(request, "console/network/edit.html", context)
