"""Kits: their parts, and how many can be made."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.inventory.kits import kit_stocks

KIT_COLUMNS = (
    Column("kit", _("Kit"), lambda row: row.kit.code),
    Column("name", _("Name"), lambda row: row.kit.name),
    Column("parts", _("Parts"), lambda row: ", ".join(f"{qty} × {code}" for _id, code, _name, qty in row.kit.parts)),
    Column("makeable", _("Can be made"), lambda row: row.makeable, is_number=True),
)


@page("goods.view")
def kit_list(request: Request) -> HttpResponse:
    """Kits, their parts, and how many can be made."""
    filters = FilterForm(request)
    rows = kit_stocks(filters.values.get("q", ""))
    context = {
        "section": "goods",
        "tab": "kits",
        "filters": filters,
        "list": listing(
            request,
            KIT_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "can_edit": can(request.user, "goods.edit"),
        "views": tabs_of(request.user, "kits", request.META["QUERY_STRING"]),
    }
    return render(request, "console/goods/kits.html", context)


@page("data.export")
def kit_export(request: Request) -> HttpResponseBase:
    rows = kit_stocks(FilterForm(request).values.get("q", ""))
    return exports.respond("kits", KIT_COLUMNS, rows, request.GET.get("format", ""))


class KitForm(forms.Form):
    sku = forms.CharField(label=_("SKU of the kit"), max_length=120)
    parts = forms.CharField(
        label=_("Parts"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One part a line: its SKU, a blank, its units. No line makes it a plain SKU again."),
    )

    def clean_parts(self) -> dict[str, int]:
        parts: dict[str, int] = {}
        for line in self.cleaned_data["parts"].splitlines():
            code, _blank, units = line.strip().rpartition(" ")
            if not line.strip():
                continue
            if not code.strip() or not units.isdecimal() or len(units) > 6:
                problem = gettext("%(line)s is no part; write its SKU, a blank and its units.")
                raise forms.ValidationError(problem % {"line": line})
            parts[code.strip()] = parts.get(code.strip(), 0) + int(units)
        return parts


@page("goods.edit")
def kit_edit(request: Request) -> HttpResponse:
    """A new kit, or the one that ``sku`` names."""
    sku = request.GET.get("sku", "")
    kit = next((row.kit for row in kit_stocks(sku) if row.kit.code == sku), None) if sku else None
    lines = "\n".join(f"{code} {qty}" for _id, code, _name, qty in kit.parts) if kit else ""
    form = KitForm(request.POST or None, initial={"sku": sku, "parts": lines})
    if request.method == "POST" and form.is_valid():
        try:
            save_kits([KitSpec(form.cleaned_data["sku"].strip(), form.cleaned_data["parts"])], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:kits")
    context = {"section": "goods", "form": form, "title": gettext("Kit"), "back": "console:kits"}
    return render(request, "console/goods/edit.html", context)
