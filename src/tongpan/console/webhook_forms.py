"""Forms of webhooks. What is allowed is the room's business."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.channels.queries import shops
from tongpan.connectors.inbound.actions import SourceSpec
from tongpan.connectors.inbound.models import InboundSource, MessageState, SourceKind
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


class SourceForm(forms.Form):
    """Somebody who pushes to us. The code and the kind of a source never change."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Part of its address: /hooks/CODE."))
    kind = forms.ChoiceField(label=_("Kind"), choices=SourceKind.choices)
    shop = forms.ChoiceField(label=_("Shop"))
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_(
            "What the source signs with (Youzan: CLIENT_ID:CLIENT_SECRET, WeChat: the token). Empty keeps it, or makes "
            "one for Standard Webhooks."
        ),
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, data: Any = None, *, source: InboundSource | None = None) -> None:
        initial = None
        if source is not None:
            initial = {
                "code": source.code,
                "kind": source.kind,
                "shop": source.shop.code,
                "is_active": source.is_active,
            }
        super().__init__(data, initial=initial)
        choices = [(shop.code, f"{shop.name} ({shop.code})") for shop in shops().order_by("code")]
        self.fields["shop"] = forms.ChoiceField(label=_("Shop"), choices=choices)
        self.order_fields(["code", "kind", "shop", "secret", "is_active"])
        for name in ("code", "kind"):
            self.fields[name].disabled = source is not None

    def spec(self) -> SourceSpec:
        given = self.cleaned_data
        return SourceSpec(given["code"], given["kind"], given["shop"], given["secret"], given["is_active"])


class MessageFilters(FilterForm):
    """The filter bar above what a source pushed; q is a message id."""

    state = forms.ChoiceField(label=_("Status"), required=False)

    def __init__(self, request: Any) -> None:
        super().__init__(request, {"state": [("", _("All")), *MessageState.choices]})
