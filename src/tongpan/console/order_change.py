"""Changing one order before it leaves: its lines, where and when it goes, and in how many parts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tongpan.console.access import Request, page, who
from tongpan.console.lists import whole
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.core.money import to_minor
from tongpan.fulfillment.actions import edit_order, join_order, split_order, unmerge_orders
from tongpan.orders.actions.holding import LONGEST_DETAIL
from tongpan.orders.changes import Handled
from tongpan.orders.editing import MAX_QTY, MOST_PARTS, AddressEdit, Edit, LineAdded, LineEdit
from tongpan.orders.models import LineKind, Order, OrderLine
from tongpan.orders.queries import order_whole

_LARGEST = Decimal(10) ** 12


class _OfLines(forms.Form):
    """A form with a whole number for each goods line (``line_NUMBER``) and the revision that was looked at."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, order: Order, data: Any = None, *, field_of: Callable[[OrderLine], forms.IntegerField]) -> None:
        """field_of: the field of a line."""
        super().__init__(data, initial={"revision": order.revision})
        self.order = order
        self.goods: list[OrderLine] = [line for line in order.lines.all() if line.kind == LineKind.GOODS]
        for line in self.goods:
            self.fields[f"line_{line.line_no}"] = field_of(line)

    @property
    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """Each goods line with its field."""
        return [(line, self[f"line_{line.line_no}"]) for line in self.goods]

    @property
    def others(self) -> list[forms.BoundField]:
        """The fields that belong to no line."""
        return [field for field in self.visible_fields() if not field.name.startswith("line_")]

    def units(self) -> dict[int, int]:
        """The given units by line number."""
        return {line.line_no: int(self.cleaned_data.get(f"line_{line.line_no}") or 0) for line in self.goods}


class EditForm(_OfLines):
    sku = forms.CharField(label=gettext_lazy("Add goods (SKU)"), max_length=80, required=False)
    sku_qty = forms.IntegerField(label=gettext_lazy("Units"), min_value=1, max_value=MAX_QTY, required=False)
    sku_amount = forms.DecimalField(
        label=gettext_lazy("Amount for all of them"), min_value=0, max_value=_LARGEST, required=False
    )
    recipient = forms.CharField(label=gettext_lazy("Recipient"), max_length=120, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=60, required=False)
    address = forms.CharField(label=gettext_lazy("Address"), max_length=500, required=False)
    province = forms.CharField(label=gettext_lazy("Province"), max_length=60, required=False)
    city = forms.CharField(label=gettext_lazy("City"), max_length=60, required=False)
    promised_at = forms.DateTimeField(
        label=gettext_lazy("Promised for"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_DETAIL)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(order, data, field_of=self._units_field)

    @staticmethod
    def _units_field(line: OrderLine) -> forms.IntegerField:
        label = _("Units of %(name)s") % {"name": line.sku.code if line.sku else line.name}
        return forms.IntegerField(label=label, min_value=0, max_value=MAX_QTY, initial=line.qty)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        added = [given.get(name) not in (None, "") for name in ("sku", "sku_qty", "sku_amount")]
        if any(added) and not all(added):
            self.add_error("sku", _("Goods are added with their SKU, their units and their amount."))
        return given

    def edit(self) -> Edit:
        """What differs from the order as it is."""
        given, units = self.cleaned_data, self.units()
        lines = [LineEdit(line.line_no, units[line.line_no]) for line in self.goods if units[line.line_no] != line.qty]
        added = []
        if given["sku"]:
            amount = to_minor(given["sku_amount"], self.order.currency)
            added.append(LineAdded(given["sku"].strip(), given["sku_qty"], amount))
        told = {name: given[name] or None for name in ("recipient", "phone", "address", "province", "city")}
        address = AddressEdit(**told) if any(told.values()) else None
        return Edit(lines, added, address, given["promised_at"])


class SplitForm(_OfLines):
    """Units of each line for each new part: ``line_NUMBER`` for the first one, ``line_NUMBER_PART`` for further ones.

    What is given for no part stays together.
    """

    def __init__(self, order: Order, data: Any = None, *, parts: int = 1) -> None:
        """parts: how many new parts the form has room for."""
        super().__init__(order, data, field_of=self._apart_field)
        self.parts = parts
        for part in range(2, parts + 1):
            for line in self.goods:
                self.fields[f"line_{line.line_no}_{part}"] = self._apart_field(line)

    @staticmethod
    def _apart_field(line: OrderLine) -> forms.IntegerField:
        label = _("Units of %(name)s that go apart") % {"name": line.sku.code if line.sku else line.name}
        return forms.IntegerField(label=label, min_value=0, max_value=line.qty, required=False, initial=0)

    def _names(self, line: OrderLine) -> list[str]:
        return [f"line_{line.line_no}", *(f"line_{line.line_no}_{part}" for part in range(2, self.parts + 1))]

    @property
    def rows_of_parts(self) -> list[tuple[OrderLine, list[forms.BoundField]]]:
        """Each goods line with its field for each new part."""
        return [(line, [self[name] for name in self._names(line)]) for line in self.goods]

    def units_by_part(self) -> list[dict[int, int]]:
        """The new parts that were given anything: units by line number."""
        given = self.cleaned_data
        columns = zip(*([given.get(name) or 0 for name in self._names(line)] for line in self.goods), strict=True)
        parts = [{line.line_no: qty for line, qty in zip(self.goods, column, strict=True) if qty} for column in columns]
        return [part for part in parts if part]


def _order(order_id: int) -> Order:
    order = order_whole(order_id)
    if order is None:
        raise Http404
    return order


def _tried(form: _OfLines, change: Callable[[int], Handled]) -> bool:
    """Run ``change`` with the revision that was looked at; what refuses it becomes an error of the form."""
    try:
        handled = change(form.cleaned_data["revision"])
    except Refusal as refusal:
        form.add_error(None, localized(refusal.sentence))
        return False
    if handled.state == "refused":
        form.add_error(None, localized(handled.reason))
        return False
    return True


@page("orders.edit")
def order_edit(request: Request, order_id: int) -> HttpResponse:
    """Other quantities, further goods, another address or promise. What is left as it is stays as it is."""
    order = _order(order_id)
    form = EditForm(order, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given, edit = form.cleaned_data, form.edit()
        if _tried(form, lambda seen: edit_order(order.pk, seen, edit, given["reason"], **who(request))):
            messages.success(request, _("The order is changed."))
            return redirect("console:order", order.pk)
    return render(request, "console/orders/edit.html", {"section": "orders", "order": order, "form": form})


@page("orders.edit")
def order_split(request: Request, order_id: int) -> HttpResponse:
    """Some units go apart, into one part or several: the parts are promised and routed each for itself.

    The button "more" of the form gives room for another part and changes nothing.
    """
    order = _order(order_id)
    wants_more = "more" in request.POST
    parts = min(max(1, whole(request.POST.get("parts", ""), 1)) + wants_more, MOST_PARTS - 1)
    form = SplitForm(order, request.POST if request.method == "POST" and not wants_more else None, parts=parts)
    if wants_more:
        form.initial = {**form.initial, **{name: request.POST[name] for name in form.fields if name in request.POST}}
    if form.is_bound and form.is_valid():
        units = form.units_by_part()
        if _tried(form, lambda seen: split_order(order.pk, seen, units, **who(request))):
            messages.success(request, _("The order goes in several parts."))
            return redirect("console:order", order.pk)
    context = {"section": "orders", "order": order, "form": form, "may_have_more": parts < MOST_PARTS - 1}
    return render(request, "console/orders/split.html", context)


@require_POST
@page("orders.edit")
def order_join(request: Request, order_id: int) -> HttpResponse:
    """A split order goes whole again."""
    try:
        handled = join_order(order_id, None, **who(request))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    else:
        if handled.state == "refused":
            messages.error(request, localized(handled.reason))
        else:
            messages.success(request, _("The order goes as a whole again."))
    return redirect("console:order", order_id)


@require_POST
@page("orders.edit")
def order_unmerge(request: Request, order_id: int) -> HttpResponse:
    """The orders that would leave with this one go apart again."""
    merge_id = _order(order_id).merge_id
    try:
        outcomes = unmerge_orders(merge_id, **who(request)) if merge_id is not None else []
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return redirect("console:order", order_id)
    if refused := [handled for handled in outcomes if handled.state == "refused"]:
        messages.error(request, localized(refused[0].reason))
    else:
        messages.success(request, _("The orders are sent apart again."))
    return redirect("console:order", order_id)
