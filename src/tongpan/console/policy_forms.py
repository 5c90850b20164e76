"""The forms that set what channels may take of the pool, what nodes keep back, and what live sessions fence off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.channels.queries import channels
from tongpan.console.choices import local_name, node_choices
from tongpan.core.clock import utc_now
from tongpan.inventory.actions.floors import save_node_policies
from tongpan.inventory.actions.policies import save_policies, save_sessions, set_pool_mode
from tongpan.inventory.engine.policies import NodePolicySpec, PolicySpec, SessionSpec
from tongpan.inventory.models import Mode
from tongpan.network.queries import node_by_id

_LIMIT = 10**9
_EVERY_SKU = _("Empty: every SKU without a policy of its own.")


def channel_choices() -> list[tuple[str, str]]:
    return [(channel.code, local_name(channel)) for channel in channels()]


class PolicyForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"))
    sku = forms.CharField(label=_("SKU"), max_length=120, required=False, help_text=_EVERY_SKU)
    mode = forms.ChoiceField(label=_("Mode"), choices=Mode.choices)
    value = forms.IntegerField(
        label=_("Value"),
        min_value=0,
        max_value=_LIMIT,
        initial=0,
        help_text=_("Units of a fence or cap; of a share, the percentage."),
    )
    threshold = forms.IntegerField(
        label=_("Threshold"), min_value=0, max_value=_LIMIT, initial=0, help_text=_("Units that are never published.")
    )
    may_exceed = forms.BooleanField(label=_("May exceed its fence"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].choices = channel_choices()  # type: ignore[attr-defined]

    def save(self, *, actor: str) -> None:
        """Raises Refusal."""
        given = self.cleaned_data
        spec = PolicySpec(
            given["channel"],
            given["sku"].strip(),
            given["mode"],
            given["value"],
            given["threshold"],
            given["may_exceed"],
        )
        save_policies([spec], actor=actor, now=utc_now())


class SessionForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"))
    name = forms.CharField(label=_("Name"), max_length=80)
    starts_at = forms.DateTimeField(
        label=_("Starts"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    ends_at = forms.DateTimeField(
        label=_("Ends"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    quotas = forms.CharField(
        label=_("Units fenced off"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One SKU code and its units on each line: A-1 200"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].choices = channel_choices()  # type: ignore[attr-defined]

    def clean_quotas(self) -> dict[str, int]:
        quotas: dict[str, int] = {}
        for line in self.cleaned_data["quotas"].splitlines():
            if not line.strip():
                continue
            code, _space, units = line.strip().rpartition(" ")
            if not code or not units.isdecimal() or code.strip() in quotas:
                raise forms.ValidationError(_("“%(line)s” is no SKU code with its units."), params={"line": line[:80]})
            quotas[code.strip()] = min(int(units), _LIMIT + 1)
        return quotas

    def save(self, *, actor: str) -> None:
        """Raises Refusal."""
        given = self.cleaned_data
        spec = SessionSpec(
            given["channel"], given["name"].strip(), given["starts_at"], given["ends_at"], given["quotas"]
        )
        save_sessions([spec], actor=actor, now=utc_now())


class FloorsForm(forms.Form):
    node = forms.ChoiceField(label=_("Node"))
    sku = forms.CharField(label=_("SKU"), max_length=120, required=False, help_text=_EVERY_SKU)
    safety_stock = forms.IntegerField(
        label=_("Safety stock"), min_value=0, max_value=_LIMIT, initial=0, help_text=_("Units that are not published.")
    )
    routing_floor = forms.IntegerField(
        label=_("Routing floor"),
        min_value=0,
        max_value=_LIMIT,
        initial=0,
        help_text=_("Units that routing never takes."),
    )
    safety_line = forms.IntegerField(
        label=_("Safety line"),
        min_value=0,
        max_value=_LIMIT,
        initial=0,
        help_text=_("Below it, the node asks for more."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["node"].choices = node_choices()  # type: ignore[attr-defined]

    def save(self, *, actor: str) -> None:
        """Raises Refusal."""
        given = self.cleaned_data
        spec = NodePolicySpec(
            node_by_id(int(given["node"])).code,
            given["sku"].strip(),
            given["safety_stock"],
            given["routing_floor"],
            given["safety_line"],
        )
        save_node_policies([spec], actor=actor, now=utc_now())


class ModeForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("The pool is"),
        choices=[
            ("shared", _("Shared: every channel sells what is not fenced off")),
            ("segregated", _("Segregated: a channel sells only from its own quota")),
        ],
        widget=forms.RadioSelect,
    )

    def save(self, *, actor: str) -> None:
        """Raises Refusal."""
        set_pool_mode(self.cleaned_data["mode"], actor=actor, now=utc_now())
