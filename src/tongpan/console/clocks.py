"""The clocks of the promises as a form: pickup, shipping, instant delivery, slots."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console.access import Request, page, who
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions.offering import current_clocks, set_clocks
from tongpan.fulfillment.promises import MOST


def _number(name: str, label: Any, hint: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=MOST[name], help_text=hint)


class ClocksForm(forms.Form):
    pickup_minutes = _number("pickup_minutes", _("A pickup is ready after minutes"), _("From the order on."))
    keep_days = _number("keep_days", _("Goods wait for their buyer for days"))
    remind_hours = _number("remind_hours", _("The buyer is reminded hours before that ends"))
    after_expiry = forms.ChoiceField(
        label=_("An order that nobody fetched"),
        choices=[("hold", _("is held for a person to decide")), ("cancel", _("is cancelled"))],
    )
    ship_hours = _number("ship_hours", _("A parcel arrives or leaves within hours"), _("From the order on."))
    ship_clock = forms.ChoiceField(
        label=_("That clock stops when the parcel"),
        choices=[("delivered", _("is at the buyer's")), ("dispatched", _("has left"))],
    )
    pause_outside_hours = forms.BooleanField(
        label=_("Hours in which the node is closed do not count"),
        required=False,
        help_text=_("For pickups and parcels. For instant delivery they never count."),
    )
    instant_minutes = _number(
        "instant_minutes", _("An instant delivery is there after minutes"), _("In which its node is open.")
    )
    instant_accept_minutes = _number("instant_accept_minutes", _("A node accepts an instant delivery within minutes"))
    slot_lead_minutes = _number(
        "slot_lead_minutes",
        _("Goods for a later slot are offered to their node minutes before it"),
        _("Until then they wait, and stay reserved at their node."),
    )


@page("orders.view")
def clocks(request: Request) -> HttpResponse:
    """Look at the clocks; who may edit orders changes them."""
    may_edit = can(request.user, "orders.edit")
    form = ClocksForm(request.POST if request.method == "POST" else None, initial=asdict(current_clocks()))
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    elif request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                set_clocks(form.cleaned_data, **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The clocks count for what is routed from now on."))
            return redirect("console:clocks")
    context = {"section": "promises", "form": form, "may_edit": may_edit}
    return render(request, "console/promises/clocks.html", context)
