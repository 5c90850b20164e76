"""The rules by which orders wait for a person: tried on the newest open orders before they count."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.access.queries import can
from tongpan.console.access import Request, page
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.orders.actions import current_rules, save_rules, try_rules
from tongpan.orders.review import Rules

TRIED = 1000
RULE_NAMES: dict[str, Any] = {
    "address": gettext_lazy("Part of the address is missing, or its place is not known"),
    "address_required": gettext_lazy("Nothing is said of where it goes"),
    "price_floor": gettext_lazy("Sold under the floor of the SKU"),
    "blacklist": gettext_lazy("The buyer or the phone is blacklisted"),
    "amount_over": gettext_lazy("The total is above the limit"),
    "units_over": gettext_lazy("More units than the limit"),
    "words": gettext_lazy("A remark contains a word of the list"),
    "orders_within": gettext_lazy("Too many orders of one buyer in a short time"),
    "region": gettext_lazy("The goods are not sold in that region"),
}
_LIMIT = re.compile(r"^([A-Z]{3})\s+(\S+)$")


class RulesForm(forms.Form):
    address = forms.BooleanField(label=RULE_NAMES["address"], required=False)
    address_required = forms.BooleanField(label=RULE_NAMES["address_required"], required=False)
    price_floor = forms.BooleanField(label=RULE_NAMES["price_floor"], required=False)
    blacklist = forms.BooleanField(label=RULE_NAMES["blacklist"], required=False)
    amount_over = forms.CharField(
        label=gettext_lazy("Totals above"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One currency a line, such as CNY 5000."),
    )
    units_over = forms.IntegerField(label=gettext_lazy("More units than"), required=False, min_value=1)
    orders = forms.IntegerField(label=gettext_lazy("More orders of one buyer than"), required=False, min_value=1)
    minutes = forms.IntegerField(label=gettext_lazy("within so many minutes"), required=False, min_value=1)
    words = forms.CharField(
        label=gettext_lazy("Words in remarks"),
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line."),
    )
    note = forms.CharField(label=gettext_lazy("Why the rules change"), required=False, max_length=500)

    def clean_amount_over(self) -> dict[str, int]:
        limits: dict[str, int] = {}
        for line in filter(None, (line.strip() for line in self.cleaned_data["amount_over"].splitlines())):
            found = _LIMIT.match(line.upper())
            try:
                amount = Decimal(found[2].replace(",", "")) if found else Decimal("NaN")
            except InvalidOperation:
                amount = Decimal("NaN")
            if not found or not amount.is_finite() or not 0 < amount < 10**12:
                raise ValidationError(_("“%(line)s” is no limit; write it as CNY 5000.") % {"line": line})
            limits[found[1]] = to_minor(amount, found[1])
        return limits

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if bool(given.get("orders")) != bool(given.get("minutes")):
            self.add_error("orders", _("Give both a number of orders and a number of minutes, or neither."))
        return given

    def rules(self) -> dict[str, Any]:
        """The rules as the order hub takes them."""
        given = self.cleaned_data
        plain = {
            name: given[name] for name in ("address", "address_required", "price_floor", "blacklist", "units_over")
        }
        return plain | {
            "amount_over": given["amount_over"],
            "words": [word.strip() for word in given["words"].splitlines() if word.strip()],
            "orders_within": [given["orders"], given["minutes"]] if given["orders"] else None,
        }


def _initial(rules: Rules) -> dict[str, Any]:
    orders, minutes = rules.orders_within or (None, None)
    limits = (rules.amount_over or {}).items()
    return {
        "address": rules.address,
        "address_required": rules.address_required,
        "price_floor": rules.price_floor,
        "blacklist": rules.blacklist,
        "amount_over": "\n".join(f"{currency} {to_decimal(limit, currency)}" for currency, limit in limits),
        "units_over": rules.units_over,
        "orders": orders,
        "minutes": minutes,
        "words": "\n".join(rules.words),
    }


@page("orders.view")
def review_rules(request: Request) -> HttpResponse:
    """The rules in force; a POST tries others on the newest open orders, or makes them count."""
    version, rules = current_rules()
    may_edit = can(request.user, "orders.edit")
    if request.method == "POST" and not may_edit:
        return render(request, "console/no_permission.html", {"permission": "orders.edit"}, status=403)
    form = RulesForm(request.POST if request.method == "POST" else None, initial=_initial(rules))
    trial = None
    if form.is_bound and form.is_valid():
        try:
            if "save" in request.POST:
                actor = f"user:{request.user.get_username()}"
                save_rules(form.rules(), form.cleaned_data["note"], actor=actor, now=utc_now())
                messages.success(request, _("The rules count for orders from now on."))
                return redirect("console:review_rules")
            trial = try_rules(form.rules(), last=TRIED)
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
    context = {
        "section": "review_rules",
        "form": form,
        "version": version,
        "may_edit": may_edit,
        "trial": trial,
        "found": [(RULE_NAMES.get(rule, rule), n) for rule, n in trial.by_rule.items()] if trial else [],
    }
    return render(request, "console/orders/rules.html", context)
