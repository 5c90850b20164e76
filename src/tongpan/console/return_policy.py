"""The policy of returns as a form; what is a list is edited by rows, and is checked word for word before it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.access.queries import can
from tongpan.console.access import Request, page, who
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.orders.aftersale.actions import save_policy
from tongpan.orders.aftersale.engine import CHARGE_MODES, GIFT_MODES
from tongpan.orders.aftersale.engine.policy import FAULTS, KINDS, TENDER_KINDS, Policy
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.models import CaseKind

_DAYS: dict[str, Any] = {
    "no_reason_days": gettext_lazy("Days to return without a reason"),
    "extended_days": gettext_lazy("Days of the extended window"),
    "warranty_days": gettext_lazy("Days of warranty for faults of quality"),
    "presumed_delivery_days": gettext_lazy("Days after which goods that left count as arrived"),
}
_HOURS: dict[str, Any] = {
    "answer_hours": gettext_lazy("Hours to answer a request"),
    "receive_hours": gettext_lazy("Hours until the goods are back"),
    "inspect_hours": gettext_lazy("Hours to look at the goods"),
    "refund_hours": gettext_lazy("Hours to pay a refund"),
}
_MODES: dict[str, Any] = {
    "none": gettext_lazy("Not refunded"),
    "share": gettext_lazy("Each unit its part"),
    "whole": gettext_lazy("With the last unit"),
}
_GIFTS: dict[str, Any] = {
    "keep": gettext_lazy("The buyer keeps them"),
    "return_or_charge": gettext_lazy("They come back, or are charged"),
}
_FAULT_WORDS: dict[str, Any] = {
    "buyer": gettext_lazy("Postage, when it is the buyer's matter"),
    "shop": gettext_lazy("Postage, when it is the shop's fault"),
    "carrier": gettext_lazy("Postage, when it is the carrier's fault"),
}


_FREIGHT_WORDS: dict[str, Any] = {
    "buyer": gettext_lazy("The way back, when it is the buyer's matter, is paid by"),
    "shop": gettext_lazy("The way back, when it is the shop's fault, is paid by"),
    "carrier": gettext_lazy("The way back, when it is the carrier's fault, is paid by"),
}
_PAYERS: dict[str, Any] = {"buyer": gettext_lazy("The buyer"), "shop": gettext_lazy("The shop")}
_TENDERS: dict[str, Any] = {
    "money": gettext_lazy("Place of money in the order of refunds"),
    "stored_value": gettext_lazy("Place of stored value"),
    "gift_card": gettext_lazy("Place of gift cards"),
    "points": gettext_lazy("Place of points"),
    "coupon": gettext_lazy("Place of coupons"),
}
FAULT_NAMES: dict[str, Any] = {
    "buyer": gettext_lazy("Buyer"),
    "shop": gettext_lazy("Shop"),
    "carrier": gettext_lazy("Carrier"),
}
MOST_ROWS = 200
SPARE_ROWS = 3
_LISTS = ("categories", "channels", "tiers")
_WINDOWS = ("no_reason_days", "extended_days", "warranty_days")


def rows_said(
    given: Mapping[str, str], name: str, read: Callable[[Mapping[str, str]], dict[str, Any] | None]
) -> list[dict[str, Any]]:
    """The rows of a list that was posted as "reason-0-code", "reason-0-name", …; empty rows are left out."""
    rows: dict[int, dict[str, str]] = {}
    for key in given:
        what, _dash, rest = key.partition("-")
        number, _dash, field = rest.partition("-")
        if what == name and number.isascii() and number.isdecimal() and len(number) < 4:
            rows.setdefault(int(number), {})[field] = given[key].strip()
    found = (read(rows[number]) for number in sorted(rows)[:MOST_ROWS])
    return [row for row in found if row is not None]


def _reason_said(row: Mapping[str, str]) -> dict[str, Any] | None:
    if not row.get("code") and not row.get("name"):
        return None
    return {
        "code": row.get("code", ""),
        "name": row.get("name", ""),
        "is_quality": "is_quality" in row,
        "fault": row.get("fault", "buyer"),
        "before_delivery": "before_delivery" in row,
    }


def _override_said(row: Mapping[str, str]) -> dict[str, Any] | None:
    if not any(row.get(name) for name in ("name", *_LISTS, *_WINDOWS, "is_excluded")):
        return None
    said: dict[str, Any] = {"name": row.get("name", "")}
    for name in _LISTS:
        said[name] = [word.strip() for word in row.get(name, "").replace("，", ",").split(",") if word.strip()]
    for name in _WINDOWS:
        text = row.get(name, "")
        # What is no number goes to the check of the policy as it is, which says what is wrong with it.
        said[name] = (int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else text) if text else None
    said["is_excluded"] = {"yes": True, "no": False}.get(row.get("is_excluded", ""))
    return said


def _groups_said(given: Mapping[str, Any]) -> list[list[str]]:
    """Kinds of tender in the order of their places; those with one place share it."""
    places: dict[int, list[str]] = {}
    for kind in TENDER_KINDS:
        places.setdefault(given[f"tender_{kind}"], []).append(kind)
    return [places[place] for place in sorted(places)]


def _rank(policy: Policy, kind: str) -> int:
    return next((n for n, group in enumerate(policy.tender_groups, 1) if kind in group), len(TENDER_KINDS))


def _shown_rows(form: PolicyForm) -> dict[str, Any]:
    """The rows of both lists as they stand or were typed, with some empty ones."""
    plain = form.policy.as_json()
    overrides = rows_said(form.data, "override", _override_said) if form.is_bound else plain["overrides"]
    reasons = rows_said(form.data, "reason", _reason_said) if form.is_bound else plain["reasons"]
    shown = [
        one
        | {name: ", ".join(one.get(name) or ()) for name in _LISTS}
        | {name: "" if one.get(name) is None else one[name] for name in _WINDOWS}
        for one in overrides
    ]
    empty: list[dict[str, Any]] = [{} for _ in range(SPARE_ROWS)]
    return {"reason_rows": [*reasons, *empty], "override_rows": [*shown, *empty]}


class AmountsField(forms.CharField):
    """Amounts by currency, one a line, such as "CNY 200"; cleans to minor units by currency."""

    widget = forms.Textarea(attrs={"rows": 2})

    def clean(self, value: object) -> dict[str, int]:
        found: dict[str, int] = {}
        for line in filter(None, (line.strip() for line in str(super().clean(value)).splitlines())):
            currency, _space, amount = line.upper().partition(" ")
            digits = amount.strip().replace(",", "")
            if len(currency) != 3 or not currency.isalpha() or not digits.replace(".", "", 1).isdecimal():
                raise ValidationError(_("“%(line)s” is no amount; write it as CNY 200.") % {"line": line})
            found[currency] = to_minor(Decimal(digits), currency)
        return found


class PolicyForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    needs_unopened = forms.BooleanField(
        label=gettext_lazy("Only unopened goods come back without a fault"), required=False
    )
    instant_on = forms.BooleanField(label=gettext_lazy("Refund at once when the goods are scanned"), required=False)
    instant_cap = AmountsField(label=gettext_lazy("Refund at once up to"), required=False)
    most_returns = forms.IntegerField(
        label=gettext_lazy("Refund at once up to so many returns of a buyer"), min_value=1
    )
    within_days = forms.IntegerField(label=gettext_lazy("within so many days"), min_value=1)
    auto_on = forms.BooleanField(label=gettext_lazy("Approve requests by themselves"), required=False)
    auto_kinds = forms.MultipleChoiceField(
        label=gettext_lazy("of these kinds"),
        required=False,
        choices=CaseKind.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    auto_cap = AmountsField(label=gettext_lazy("Approve by itself up to"), required=False)
    pickup_fee = AmountsField(label=gettext_lazy("A door pickup costs the buyer"), required=False)
    gifts = forms.ChoiceField(
        label=gettext_lazy("Gifts of goods that come back"), choices=[(mode, _GIFTS[mode]) for mode in GIFT_MODES]
    )
    note = forms.CharField(label=gettext_lazy("Why the rules change"), required=False, max_length=500)

    def __init__(self, version: int, policy: Policy, data: Any = None) -> None:
        super().__init__(data, initial=_initial(version, policy))
        numbers = {**_DAYS, **_HOURS}
        for name, label in numbers.items():
            self.fields[name] = forms.IntegerField(label=label, min_value=0, max_value=3650)
        for fault in FAULTS:
            self.fields[f"charges_{fault}"] = forms.ChoiceField(
                label=_FAULT_WORDS[fault], choices=[(mode, _MODES[mode]) for mode in CHARGE_MODES]
            )
            self.fields[f"freight_{fault}"] = forms.ChoiceField(
                label=_FREIGHT_WORDS[fault], choices=list(_PAYERS.items())
            )
        for kind in TENDER_KINDS:
            self.fields[f"tender_{kind}"] = forms.TypedChoiceField(
                label=_TENDERS[kind], choices=[(n, str(n)) for n in range(1, len(TENDER_KINDS) + 1)], coerce=int
            )
        first = ["version", *_DAYS, "needs_unopened"]
        last = ["note"]
        self.order_fields([*first, *(name for name in self.fields if name not in {*first, *last}), *last])
        self.policy = policy

    def rules(self) -> dict[str, Any]:
        """The policy as after-sale takes it; what the form does not show stays as it is."""
        given = self.cleaned_data
        kept = self.policy.as_json()
        return kept | {
            **{name: given[name] for name in (*_DAYS, *_HOURS, "needs_unopened", "gifts")},
            "overrides": rows_said(self.data, "override", _override_said),
            "reasons": rows_said(self.data, "reason", _reason_said),
            "return_freight": {fault: given[f"freight_{fault}"] for fault in FAULTS},
            "tender_groups": _groups_said(given),
            "charges": {fault: given[f"charges_{fault}"] for fault in FAULTS},
            "pickup_fee_minor": given["pickup_fee"],
            "instant": kept["instant"]
            | {
                "is_on": given["instant_on"],
                "cap_minor": given["instant_cap"],
                "most_returns": given["most_returns"],
                "within_days": given["within_days"],
            },
            "auto_approve": {
                "is_on": given["auto_on"],
                "kinds": [kind for kind in KINDS if kind in given["auto_kinds"]],
                "cap_minor": given["auto_cap"],
            },
        }


def _amounts(by_currency: Any) -> str:
    return "\n".join(f"{currency} {to_decimal(minor, currency)}" for currency, minor in by_currency.items())


def _initial(version: int, policy: Policy) -> dict[str, Any]:
    plain = policy.as_json()
    return {
        "version": version,
        **{name: plain[name] for name in (*_DAYS, *_HOURS, "needs_unopened", "gifts")},
        **{f"charges_{fault}": policy.charges.get(fault, "none") for fault in FAULTS},
        "instant_on": policy.instant.is_on,
        "instant_cap": _amounts(policy.instant.cap_minor),
        "most_returns": policy.instant.most_returns,
        "within_days": policy.instant.within_days,
        "auto_on": policy.auto_approve.is_on,
        "auto_kinds": list(policy.auto_approve.kinds),
        "auto_cap": _amounts(policy.auto_approve.cap_minor),
        "pickup_fee": _amounts(policy.pickup_fee_minor),
        **{f"freight_{fault}": policy.return_freight.get(fault, "buyer") for fault in FAULTS},
        **{f"tender_{kind}": _rank(policy, kind) for kind in TENDER_KINDS},
    }


@page("orders.view")
def return_policy(request: Request) -> HttpResponse:
    """The policy in force; a POST saves the next version."""
    version, policy = current_policy()
    may_edit = can(request.user, "returns.approve")
    if request.method == "POST" and not may_edit:
        return render(request, "console/no_permission.html", {"permission": "returns.approve"}, status=403)
    form = PolicyForm(version, policy, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            save_policy(form.rules(), form.cleaned_data["note"], seen=form.cleaned_data["version"], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, _("The policy counts for requests from now on."))
            return redirect("console:return_policy")
    context = {"section": "aftersale", "form": form, "version": version, "may_edit": may_edit}
    context |= _shown_rows(form) | {"faults": FAULT_NAMES.items()}
    return render(request, "console/aftersale/policy.html", context)
