"""Forms of webhooks. What is allowed is the room's business."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.connectors.webhooks.actions import WebhookSpec
from tongpan.connectors.webhooks.engine import OFFERED, TEST_EVENT
from tongpan.connectors.webhooks.models import DeliveryState, Webhook
from tongpan.console.lists import FilterForm


class WebhookForm(forms.Form):
    """One subscription."""

    name = forms.CharField(label=_("Name"), max_length=80)
    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        help_text=_("https; addresses inside your own network are refused unless the operator names them."),
    )
    events = forms.MultipleChoiceField(label=_("Events"), widget=forms.CheckboxSelectMultiple)
    is_full = forms.BooleanField(
        label=_("Full payload"),
        required=False,
        help_text=_("The whole thing as it stands, without personal data; otherwise its id only."),
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, data: Any = None, *, webhook: Webhook | None = None) -> None:
        names = ("name", "url", "events", "is_full", "is_active")
        super().__init__(data, initial={name: getattr(webhook, name) for name in names} if webhook else None)
        choices = [(offer.name, f"{offer.about} ({offer.name})") for offer in OFFERED]
        self.fields["events"] = forms.MultipleChoiceField(
            label=_("Events"), widget=forms.CheckboxSelectMultiple, choices=choices
        )

    def spec(self) -> WebhookSpec:
        given = self.cleaned_data
        return WebhookSpec(given["name"], given["url"], given["events"], given["is_full"], given["is_active"])


class RangeForm(forms.Form):
    """From when to when messages are sent again; in the time zone of the console."""

    begin = forms.DateTimeField(label=_("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    end = forms.DateTimeField(label=_("Until"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))


class DeliveryFilters(FilterForm):
    """The filter bar above the deliveries of a subscription; q is a message id or an event id."""

    state = forms.ChoiceField(label=_("Status"), required=False)
    event = forms.ChoiceField(label=_("Event"), required=False)

    def __init__(self, request: Any) -> None:
        everything = [("", _("All"))]
        events = [*((offer.name, offer.name) for offer in OFFERED), (TEST_EVENT, TEST_EVENT)]
        super().__init__(request, {"state": [*everything, *DeliveryState.choices], "event": [*everything, *events]})
