"""Registering a price complaint, on the phone as at the desk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.channels.queries import channels
from tongpan.console.access import Request, page, who
from tongpan.console.observations import channel_choices
from tongpan.console.patrol_words import CONFLICTS
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.money import to_minor
from tongpan.pricing.patrol.actions import ComplaintDoc, register_complaints


class ComplaintForm(forms.Form):
    """What the buyer says, in the order in which one asks for it."""

    channel = forms.ChoiceField(label=_("Channel"))
    number = forms.CharField(
        label=_("Number"),
        max_length=120,
        help_text=_("Of the conversation or ticket; the same number of a channel counts once."),
    )
    sku = forms.CharField(label=_("SKU"), max_length=120)
    order = forms.CharField(label=_("Order"), required=False, max_length=120)
    text = forms.CharField(label=_("What the buyer says"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    said_at = forms.DateTimeField(
        label=_("Complained at"),
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    paid = forms.DecimalField(
        label=_("Paid for one unit"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    other = forms.DecimalField(
        label=_("Price that was seen elsewhere"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    other_channel = forms.ChoiceField(label=_("Where it was seen"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = channel_choices()
        for name, options in (("channel", known), ("other_channel", [("", "—"), *known])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = options
        for name in ("paid", "other"):
            self.fields[name].widget.attrs |= {"inputmode": "decimal"}


@page("prices.edit")
def complaint_new(request: Request) -> HttpResponse:
    """Register a complaint, and say which conflict of prices it points to."""
    initial = {"said_at": utc_now()} | {
        name: request.GET[name] for name in ("sku", "channel", "order") if name in request.GET
    }
    form = ComplaintForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        [outcome] = register_complaints([_doc(form.cleaned_data)], **who(request))
        if outcome.state == "refused":
            form.add_error(None, localized(outcome.reason))
        else:
            said = (
                gettext("The complaint is registered. It points to: %(conflict)s.")
                if outcome.state == "accepted"
                else gettext("A complaint of this number was registered already; nothing was changed.")
            )
            messages.success(request, said % {"conflict": CONFLICTS[outcome.conflict]})
            return redirect("console:price_complaints")
    return render(request, "console/patrol/complaint.html", {"section": "observations", "form": form})


def _doc(given: dict[str, Any]) -> ComplaintDoc:
    currency = next((one.currency for one in channels() if one.code == given["channel"]), "CNY")

    def minor(amount: Decimal | None) -> int | None:
        return None if amount is None else to_minor(amount, currency)

    return ComplaintDoc(
        channel=given["channel"],
        external_id=given["number"],
        sku=given["sku"].strip(),
        text=given["text"],
        said_at=given["said_at"],
        order_number=given["order"],
        paid_minor=minor(given["paid"]),
        other_minor=minor(given["other"]),
        other_channel=given["other_channel"],
    )
