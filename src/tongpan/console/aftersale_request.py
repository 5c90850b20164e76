"""Asking for what comes back of an order: what would be refunded and why is shown before anything is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.console.access import Request, page, who
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.money import to_minor
from tongpan.network.queries import nodes_of
from tongpan.orders.aftersale import actions
from tongpan.orders.aftersale.planning import Planned
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.aftersale.queries import Returnable, ReturnableOrder, return_points, returnable
from tongpan.orders.aftersale.specs import CaseLineSpec, CaseSpec
from tongpan.orders.models import CaseKind, Way

_LARGEST = Decimal(10) ** 10
_SPECIAL = ("slot_start", "slot_end", "amount", "wanted_sku", "wanted_amount", "paid_with")
REASONS: dict[str, Any] = {
    "no_reason": gettext_lazy("No reason given"),
    "wrong_size": gettext_lazy("Wrong size or colour"),
    "changed_mind": gettext_lazy("Not wanted any more"),
    "quality": gettext_lazy("Defect of quality"),
    "damaged": gettext_lazy("Arrived damaged"),
    "wrong_goods": gettext_lazy("Other goods than ordered"),
    "not_as_described": gettext_lazy("Not as described"),
    "missing_part": gettext_lazy("Something is missing"),
    "lost": gettext_lazy("Lost on the way"),
    "goodwill": gettext_lazy("Goodwill"),
}


class CaseForm(forms.Form):
    """A number of units for each line (``line_NUMBER``), and what is to become of them."""

    kind = forms.ChoiceField(label=gettext_lazy("What the buyer wants"), choices=CaseKind.choices)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"))
    is_opened = forms.BooleanField(label=gettext_lazy("The goods were opened or used"), required=False)
    way = forms.ChoiceField(label=gettext_lazy("How the goods come back"), choices=Way.choices)
    node = forms.ChoiceField(label=gettext_lazy("Where they come back to"), required=False)
    slot_start = forms.DateTimeField(
        label=gettext_lazy("Pickup from"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    slot_end = forms.DateTimeField(
        label=gettext_lazy("Pickup until"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Only a part of the price"), required=False, min_value=0, max_value=_LARGEST
    )
    wanted_sku = forms.CharField(label=gettext_lazy("Sent instead (SKU)"), required=False, max_length=120)
    wanted_amount = forms.DecimalField(
        label=gettext_lazy("What that costs"), required=False, min_value=0, max_value=_LARGEST
    )
    paid_with = forms.CharField(label=gettext_lazy("How the difference is paid"), required=False, max_length=40)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)

    def __init__(self, order: ReturnableOrder, nodes: set[int] | None, data: Any = None) -> None:
        """nodes: at which the person works, None for all."""
        super().__init__(data)
        self.order = order
        policy = current_policy()[1]
        points = [("", _("The node that takes the shop's returns"))] if nodes is None else []
        points += [(point.code, f"{point.name} {point.city}".strip()) for point in return_points(nodes)]
        for name, choices in (
            ("reason", [(r.code, REASONS.get(r.code, r.name)) for r in policy.reasons]),
            ("node", points),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = choices
        for line in order.lines:
            label = _("Units of %(name)s that come back") % {"name": line.sku}
            initial = line.left if len(order.lines) == 1 else 0
            self.fields[f"line_{line.line_no}"] = forms.IntegerField(
                label=label, min_value=0, max_value=10_000_000, initial=initial, required=False
            )
        if nodes is not None:
            self.fields["way"].initial = Way.STORE

    @property
    def rows(self) -> list[tuple[Returnable, forms.BoundField]]:
        """Each goods line with its field."""
        return [(line, self[f"line_{line.line_no}"]) for line in self.order.lines]

    @property
    def main(self) -> list[forms.BoundField]:
        """What every request needs."""
        return [self[name] for name in ("kind", "reason", "way", "node", "note", "is_opened")]

    @property
    def special(self) -> list[forms.BoundField]:
        """What only some requests need."""
        return [self[name] for name in _SPECIAL]

    @property
    def has_special(self) -> bool:
        """Whether one of those is filled in or wrong."""
        return any(field.value() or field.errors for field in self.special)

    def spec(self) -> CaseSpec:
        """The request as after-sale takes it."""
        given, currency = self.cleaned_data, self.order.currency
        wanted = given["wanted_amount"]
        units = {line.line_no: given.get(f"line_{line.line_no}") or 0 for line in self.order.lines}
        chosen = [line_no for line_no, qty in units.items() if qty]
        total = None if wanted is None else to_minor(wanted, currency)
        return CaseSpec(
            given["kind"],
            [
                CaseLineSpec(
                    line_no,
                    units[line_no],
                    given["reason"],
                    given["is_opened"],
                    given["wanted_sku"].strip(),
                    # The amount is of all goods that are sent instead: the first line carries it.
                    total if total is None or line_no == chosen[0] else 0,
                )
                for line_no in chosen
            ],
            self.order.order_id,
            way=given["way"],
            node_code=given["node"],
            slot_start=given["slot_start"],
            slot_end=given["slot_end"],
            amount_minor=None if given["amount"] is None else to_minor(given["amount"], currency),
            paid_with=given["paid_with"],
            note=given["note"],
        )


@page("returns.edit")
def case_new(request: Request, order_id: int) -> HttpResponse:
    """Ask for units of an order: the first POST shows what would be refunded and why, the second asks."""
    order = returnable(order_id)
    if order is None:
        raise Http404
    form = CaseForm(order, nodes_of(request.user.pk), request.POST if request.method == "POST" else None)
    planned: Planned | None = None
    if form.is_bound and form.is_valid():
        spec = form.spec()
        if "ask" in request.POST:
            (outcome,) = actions.request([spec], **who(request))
            if outcome.state != "refused":
                messages.success(request, _("Case AS%(n)d is made.") % {"n": outcome.case_id})
                return redirect("console:case", outcome.case_id)
            form.add_error(None, localized(outcome.reason))
        else:
            (planned,) = actions.quote([spec], now=utc_now())
    context = {
        "section": "aftersale",
        "order": order,
        "form": form,
        "planned": planned,
        "parts": _parts(order, planned) if planned and planned.refund else [],
        "sentence": localized(planned.answer.sentence) if planned else "",
        "approval": localized(planned.approval) if planned else "",
        "instant": localized(planned.instant) if planned else "",
    }
    return render(request, "console/aftersale/new.html", context)


def _parts(order: ReturnableOrder, planned: Planned) -> list[tuple[str, int]]:
    """(what, minor units) of a refund, so that a person sees how it adds up."""
    refund = planned.refund
    if refund is None:
        return []
    names = {line.id: line.sku or line.charge_code for line in planned.order.lines}
    rows = [(f"{names[line.line_id]} × {line.qty}", line.buyer_minor) for line in refund.lines]
    rows += [(names[line_id], amount) for line_id, amount in refund.charges]
    for label, amount in (
        (_("Gifts that are kept"), -refund.withheld_minor),
        (_("The way back, paid by the buyer"), -refund.deducted_minor),
        (_("Refunded by the channel before"), -refund.cut_minor),
    ):
        if amount:
            rows.append((label, amount))
    return rows
