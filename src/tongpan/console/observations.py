"""Prices seen on the channels: the list, one of them, and noting one on the way, on a phone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.patrol_words import PART_KINDS, PART_REASONS
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.network.models import Node
from tongpan.pricing.patrol.actions import ObservationDoc, observe
from tongpan.pricing.patrol.models import FindingCode, Observation, SellerClass
from tongpan.pricing.patrol.queries.observations import ObservationFilter, select_observations
from tongpan.pricing.patrol.queries.patrols import due_list
from tongpan.pricing.patrol.wording import read_components

FINDINGS = [("any", _("Any rule broken")), ("none", _("Within the rules")), *FindingCode.choices[1:]]
_SORTS = {"at": ("observed_at", "pk"), "effective": ("effective_minor", "pk"), "deviation": ("deviation_bp", "pk")}
COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku.code),
    Column("channel", _("Channel"), lambda row: local_name(row.channel)),
    Column("seller", _("Seller"), lambda row: row.seller),
    Column("class", _("Kind of seller"), lambda row: str(row.get_seller_class_display())),
    Column("listed", _("Listed price"), lambda row: to_decimal(row.listed_minor, row.currency), is_number=True),
    Column(
        "effective",
        _("Effective price"),
        lambda row: to_decimal(row.effective_minor, row.currency),
        "effective",
        True,
    ),
    Column("deviation", _("Against guide price"), lambda row: row.deviation_pct, "deviation", True),
    Column("finding", _("Finding"), lambda row: str(row.get_finding_display())),
    Column("observer", _("Observer"), lambda row: row.observer),
    Column("at", _("Seen"), lambda row: row.observed_at, "at", False, True),
)


def channel_choices() -> list[tuple[str, str]]:
    return [(one.code, local_name(one)) for one in channels()]


class ObservationFilters(FilterForm):
    finding = forms.ChoiceField(label=_("Finding"), required=False, choices=[("", _("All")), *FINDINGS])
    seller_class = forms.ChoiceField(
        label=_("Kind of seller"), required=False, choices=[("", _("All")), *SellerClass.choices]
    )
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, request: Request) -> None:
        super().__init__(request, {"channel": [("", _("All")), *channel_choices()]})

    def wanted(self) -> ObservationFilter:
        given = self.values
        return ObservationFilter(
            given.get("finding", ""),
            given.get("seller_class", ""),
            given.get("channel", ""),
            text=given.get("q", ""),
        )


def sorted_by(rows: Any, sort: str, keys: dict[str, tuple[str, str]]) -> Any:
    """``rows`` of a query in the order that a list's ``sort`` names."""
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in keys[sort.removeprefix("-")]))


@page("prices.view")
def observation_list(request: Request) -> HttpResponse:
    """Prices seen, the newest first."""
    filters = ObservationFilters(request)
    rows = select_observations(filters.wanted())
    standard = [
        ("any", gettext("Rules broken"), "finding=any", gettext("Prices that broke a rule")),
        ("rivals", gettext("Competitors"), "seller_class=competitor", gettext("What competitors ask")),
    ]
    context = {
        "section": "observations",
        "tab": "observations",
        "filters": filters,
        "views": tabs_of(request.user, "observations", request.META["QUERY_STRING"], standard),
        "may_edit": can(request.user, "prices.edit"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="-at",
            fetch=lambda sort, offset, limit: list(sorted_by(rows, sort, _SORTS)[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/patrol/observations.html", context)


@page("data.export")
def observation_export(request: Request) -> HttpResponseBase:
    sort = sort_of(request.GET, COLUMNS, "-at")
    rows = sorted_by(select_observations(ObservationFilters(request).wanted()), sort, _SORTS)
    return exports.respond("prices-seen", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


@page("prices.view")
def observation_detail(request: Request, observation_id: int) -> HttpResponse:
    """One price seen: how the effective price came about, and what it was held against."""
    row = select_observations(ObservationFilter()).filter(pk=observation_id).first()
    if row is None:
        raise Http404
    names = dict(FindingCode.choices)
    limits = (
        (gettext("Guide price"), "guide"),
        (gettext("Lowest price of the band"), "low"),
        (gettext("Highest price of the band"), "high"),
        (gettext("Floor"), "floor"),
        (gettext("Least net price"), "net"),
        (gettext("Price of the channel"), "price"),
    )
    context = {
        "section": "observations",
        "row": row,
        "parts": _parts(row),
        "limits": [(label, row.standard.get(name)) for label, name in limits if row.standard.get(name) is not None],
        "findings": [(names[one["code"]], one["seen_minor"], one["limit_minor"]) for one in row.findings],
        "deviation": row.deviation_pct,
    }
    return render(request, "console/patrol/observation.html", context)


def _parts(row: Observation) -> list[tuple[Any, int, Any]]:
    return [
        (
            PART_KINDS.get(part["kind"], part["kind"]),
            part["off_minor"],
            PART_REASONS.get(part["reason"], part["reason"]),
        )
        for part in row.parts
    ]


class ObservationForm(forms.Form):
    """Noting a price: what one sees on the screen of a shop, in the order in which one sees it."""

    sku = forms.CharField(label=_("SKU"), max_length=120)
    channel = forms.ChoiceField(label=_("Channel"))
    listed = forms.DecimalField(label=_("Listed price"), min_value=0, max_digits=12, decimal_places=2)
    discounts = forms.CharField(
        label=_("Discounts"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_(
            "One after the other with ; between, | between those of which only one can be had: 满300减50；券20|立减10"
        ),
    )
    seller_class = forms.ChoiceField(label=_("Kind of seller"), choices=SellerClass.choices, initial="unauthorised")
    seller = forms.CharField(label=_("Name of the seller"), required=False, max_length=120)
    shop = forms.ChoiceField(label=_("Or a shop that is known here"), required=False)
    dealer = forms.ChoiceField(label=_("Dealer"), required=False)
    region = forms.CharField(label=_("Province"), required=False, max_length=60)
    url = forms.CharField(label=_("Address of the page"), required=False, max_length=500)
    evidence_ref = forms.CharField(label=_("Where the screenshot is"), required=False, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shops = [(s.code, s.name) for c in channels() for s in c.shops.all()]
        dealers = Node.objects.filter(kind="dealer", is_active=True).values_list("code", "name")
        for name, options in (
            ("channel", channel_choices()),
            ("shop", [("", "—"), *shops]),
            ("dealer", [("", "—"), *dealers]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = options
        self.fields["listed"].widget.attrs |= {"inputmode": "decimal"}


@page("prices.edit")
def observation_new(request: Request) -> HttpResponse:
    """Note a price; afterwards the next one that is due for whoever is signed in."""
    mine = due_list(utc_now(), assignee=request.user.get_username(), limit=200)
    initial = {name: request.GET.get(name, "") for name in ("sku", "channel")}
    form = ObservationForm(request.POST or None, initial={k: v for k, v in initial.items() if v})
    if request.method == "POST" and form.is_valid():
        try:
            [outcome] = observe([_doc(request, form.cleaned_data)], **who(request))
        except Refusal as refusal:
            form.add_error("discounts", localized(refusal.sentence))
        else:
            if outcome.state == "refused":
                form.add_error(None, localized(outcome.reason))
            else:
                name = dict(FindingCode.choices)[outcome.finding]
                messages.success(request, gettext("Noted: %(finding)s.") % {"finding": name})
                rest = due_list(utc_now(), assignee=request.user.get_username(), limit=1)
                to = reverse("console:observation_new")
                return redirect(f"{to}?sku={rest[0].sku}&channel={rest[0].channel}" if rest else to)
    context = {"section": "observations", "form": form, "due": mine[:5], "due_count": len(mine)}
    return render(request, "console/patrol/new.html", context)


def _doc(request: Request, given: dict[str, Any]) -> ObservationDoc:
    currency = next((one.currency for one in channels() if one.code == given["channel"]), "CNY")
    return ObservationDoc(
        sku=given["sku"].strip(),
        channel=given["channel"],
        seller_class=given["seller_class"],
        listed_minor=to_minor(given["listed"], currency),
        currency=currency,
        observed_at=utc_now(),
        observer=request.user.get_username(),
        source="form",
        seller=given["seller"],
        shop=given["shop"],
        dealer=given["dealer"],
        components=read_components(given["discounts"], currency),
        region=given["region"],
        url=given["url"],
        evidence_ref=given["evidence_ref"],
    )
