"""Exchange of files with ERP and WMS: partners, and every file that came or went."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.queries import shops
from tongpan.connectors.exchange.actions import PartnerSpec, save_partner
from tongpan.connectors.exchange.folders import home
from tongpan.connectors.exchange.models import ExchangePartner, FileState
from tongpan.connectors.exchange.queries import files, partners
from tongpan.console.access import Request, page
from tongpan.console.choices import node_code_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

COLUMNS = (
    Column("name", _("File"), None),
    Column("partner", _("Partner"), None),
    Column("direction", _("Direction"), None),
    Column("kind", _("Format"), None),
    Column("state", _("Status"), None),
    Column("rows", _("Rows"), None, is_number=True),
    Column("rejected", _("Rejected"), None, is_number=True),
    Column("at", _("Time"), None),
    Column("reason", _("Reason"), None),
)


class PartnerForm(forms.Form):
    """A partner; its code never changes, because its folders are called so."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("The name of its folders."))
    node = forms.ChoiceField(
        label=_("Node"), required=False, help_text=_("Whose orders and stock are laid out for it.")
    )
    shop = forms.ChoiceField(label=_("Shop"), required=False, help_text=_("Of rows that name none."))
    file_format = forms.ChoiceField(label=_("Format"), choices=[("csv", "CSV"), ("json", "JSON")])
    sends_orders = forms.BooleanField(label=_("Lay out orders to ship"), required=False)
    sends_stock = forms.BooleanField(label=_("Lay out stock once an hour"), required=False)
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, data: Any = None, *, partner: ExchangePartner | None = None) -> None:
        initial = None
        if partner is not None:
            names = ("code", "file_format", "sends_orders", "sends_stock", "is_active")
            initial = {name: getattr(partner, name) for name in names} | {
                "node": partner.node.code if partner.node else "",
                "shop": partner.shop.code if partner.shop else "",
            }
        super().__init__(data, initial=initial)
        node, shop = self.fields["node"], self.fields["shop"]
        assert isinstance(node, forms.ChoiceField) and isinstance(shop, forms.ChoiceField)  # noqa: S101
        node.choices = [("", _("None")), *node_code_choices()]
        shop.choices = [("", _("None")), *((one.code, f"{one.name} ({one.code})") for one in shops())]
        self.fields["code"].disabled = partner is not None

    def spec(self) -> PartnerSpec:
        given = self.cleaned_data
        return PartnerSpec(
            given["code"],
            given["node"],
            given["shop"],
            given["file_format"],
            given["sends_orders"],
            given["sends_stock"],
            given["is_active"],
        )


class FileFilters(FilterForm):
    """The filter bar above the log; q is a partner's code."""

    state = forms.ChoiceField(label=_("Status"), required=False)
    direction = forms.ChoiceField(label=_("Direction"), required=False)

    def __init__(self, request: Request) -> None:
        everything = ("", _("All"))
        directions = [everything, ("in", _("In")), ("out", _("Out"))]
        super().__init__(request, {"state": [everything, *FileState.choices], "direction": directions})


@page("integration.view")
def exchange_list(request: Request) -> HttpResponse:
    """Partners with their folders, and the log of files."""
    filters = FileFilters(request)
    values = filters.values
    rows = files(state=values.get("state", ""), direction=values.get("direction", ""))
    if code := values.get("q", "").strip():
        rows = rows.filter(partner__code=code)
    context = {
        "section": "exchange",
        "partners": [(row, home(row.code)) for row in partners()],
        "filters": filters,
        "can_edit": can(request.user, "integration.edit"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows.order_by("-id")[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/exchange/list.html", context)


@page("integration.edit")
def partner_edit(request: Request, code: str = "") -> HttpResponse:
    """A new partner without ``code``, else the one that is there."""
    row = partners().filter(code=code).first() if code else None
    if code and row is None:
        raise Http404
    form = PartnerForm(request.POST or None, partner=row)
    if request.method == "POST" and form.is_valid():
        try:
            save_partner(form.spec(), actor=f"user:{request.user.get_username()}", now=utc_now())
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:exchange")
    return render(request, "console/exchange/edit.html", {"section": "exchange", "form": form, "partner": row})
