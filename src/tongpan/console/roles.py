"""What products are for on each channel: the mix of each channel, and the role of each product (PRD-02)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.catalog.models import RoleKind
from tongpan.catalog.roles import RoleSpec, assortment, channel_roles, save_roles
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.assortment_rows import mixes
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.orders.queries.assortment import last_business_day, sales_by_product

SALES_DAYS = 90


class RoleFilters(FilterForm):
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("All")), *RoleKind.choices])

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"channel": [("", _("All")), *((c.code, local_name(c)) for c in channel_roles())]})

    def rows(self) -> list[Any]:
        given = self.values
        codes = {row.code: row.id for row in channel_roles()}
        ids = [codes[given["channel"]]] if "channel" in given else None
        found = assortment(ids, given.get("q", ""))
        return [row for row in found if given.get("role", row.role) == row.role]


def _role_columns() -> tuple[Column, ...]:
    names = {row.id: local_name(row) for row in channel_roles()}
    labels = dict(RoleKind.choices)
    return (
        Column("product", _("Product"), lambda row: row.product_code),
        Column("name", _("Name"), lambda row: row.product_name),
        Column("channel", _("Channel"), lambda row: names[row.channel_id]),
        Column("role", _("Role"), lambda row: str(labels.get(row.role, ""))),
        Column("on_sale", _("Listings on sale"), lambda row: row.on_sale, is_number=True),
    )


@page("goods.view")
def roles(request: Request) -> HttpResponse:
    """Each channel's assortment by role, its gaps and its share of sales (PRD-02)."""
    filters = RoleFilters(request)
    rows = filters.rows()
    last = last_business_day()
    sales = sales_by_product(last - timedelta(days=SALES_DAYS - 1), last + timedelta(days=1)) if last else {}
    channels = channel_roles()
    context = {
        "section": "goods",
        "tab": "roles",
        "filters": filters,
        "mixes": mixes(channels, rows, sales),
        "days": SALES_DAYS,
        "last": last,
        "names": {row.id: local_name(row) for row in channels},
        "codes": {row.id: row.code for row in channels},
        "role_choices": RoleKind.choices,
        "list": listing(
            request,
            _role_columns(),
            default_sort="",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "can_edit": can(request.user, "goods.edit"),
        "views": tabs_of(request.user, "roles", request.META["QUERY_STRING"]),
    }
    return render(request, "console/goods/roles.html", context)


@page("data.export")
def role_export(request: Request) -> HttpResponseBase:
    return exports.respond("roles", _role_columns(), RoleFilters(request).rows(), request.GET.get("format", ""))


@page("goods.edit")
@require_POST
def role_save(request: Request) -> HttpResponse:
    """Give the chosen products ("product channel" each) one role on their channels."""
    pairs = [pair.rpartition(" ") for pair in request.POST.getlist("pair")]
    specs = [RoleSpec(product, channel, request.POST.get("role", "")) for product, _blank, channel in pairs]
    try:
        if not specs:
            messages.error(request, gettext("Choose at least one product."))
        else:
            save_roles(specs, **who(request))
            messages.success(request, gettext("Saved."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    query = request.POST.get("query", "")
    return redirect(f"{reverse('console:roles')}?{query}")
