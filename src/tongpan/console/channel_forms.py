"""Forms of channels, shops and the nodes that serve them. What is allowed is the rooms' business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.channels.models import Channel, Shop, ShopKind
from tongpan.channels.queries import facets
from tongpan.console.channel_tree import tree_choices
from tongpan.console.choices import local_name, node_code_choices
from tongpan.network.models import Service


def _day() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ChannelForm(forms.Form):
    """One group of boxes for each classification tree: a channel may have several classes of each."""

    code = forms.CharField(
        label=_("Code"), max_length=40, help_text=_("Letters, digits, dot, dash and underscore; it never changes.")
    )
    name_zh = forms.CharField(label=_("Chinese name"), max_length=60)
    name_en = forms.CharField(label=_("English name"), max_length=60)
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="CNY")
    zone = forms.CharField(
        label=_("Time zone"), max_length=40, initial="Asia/Shanghai", help_text=_("Its days are days of this zone.")
    )
    launched_on = forms.DateField(label=_("Launched on"), required=False, widget=_day())
    closed_on = forms.DateField(label=_("Closed on"), required=False, widget=_day())

    def __init__(self, data: Any = None, *, channel: Channel | None = None) -> None:
        self.channel = channel
        initial: dict[str, Any] = {}
        if channel is not None:
            names = ("code", "name_zh", "name_en", "currency", "zone", "launched_on", "closed_on")
            initial = {name: getattr(channel, name) for name in names}
            for facet in channel.facets.all():
                initial.setdefault(f"tree_{facet.tree}", []).append(facet.code)
        super().__init__(data, initial=initial)
        if channel is not None:
            self.fields["code"].disabled = True
        known = list(facets())
        for tree, label in tree_choices():
            self.fields[f"tree_{tree}"] = forms.MultipleChoiceField(
                label=label,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                choices=[(one.code, local_name(one)) for one in known if one.tree == tree],
            )

    def spec(self) -> ChannelSpec:
        """The channel as it shall be; what the form does not show stays as it is."""
        given = self.cleaned_data
        chosen = [code for tree, _label in tree_choices() for code in given[f"tree_{tree}"]]
        return ChannelSpec(
            given["code"],
            given["name_zh"],
            given["name_en"],
            chosen,
            given["zone"],
            given["currency"].upper(),
            given["launched_on"],
            given["closed_on"],
            self.channel.is_simulated if self.channel else False,
            self.channel.position if self.channel else 0,
        )


class ShopForm(forms.Form):
    code = forms.CharField(
        label=_("Code"), max_length=40, help_text=_("Imports and the API name the shop by it; it never changes.")
    )
    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.ChoiceField(label=_("Kind"), choices=ShopKind.choices)
    external_account = forms.CharField(label=_("Account on the channel"), required=False, max_length=80)
    capacity = forms.IntegerField(
        label=_("Head-count capacity"), required=False, min_value=1, help_text=_("Of a community group.")
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, data: Any = None, *, channel: Channel, shop: Shop | None = None) -> None:
        self.channel, self.shop = channel, shop
        names = ("code", "name", "kind", "external_account", "capacity", "is_active")
        super().__init__(data, initial={name: getattr(shop, name) for name in names} if shop else {})
        if shop is not None:
            self.fields["code"].disabled = True

    def spec(self) -> ShopSpec:
        given = self.cleaned_data
        return ShopSpec(
            given["code"],
            self.channel.code,
            given["name"],
            given["kind"],
            given["external_account"],
            given["capacity"],
            given["is_active"],
            self.shop.is_simulated if self.shop else False,
        )


class ServiceForm(forms.Form):
    nodes = forms.MultipleChoiceField(
        label=_("Nodes that ship its orders"), required=False, widget=forms.CheckboxSelectMultiple
    )
    returns_node = forms.ChoiceField(label=_("Node that takes its returns"), required=False)

    def __init__(self, data: Any = None, *, serving: Sequence[Service]) -> None:
        returns = next((one.node.code for one in serving if one.takes_returns), "")
        super().__init__(data, initial={"nodes": [one.node.code for one in serving], "returns_node": returns})
        options = node_code_choices()
        for name, choices in (("nodes", options), ("returns_node", [("", _("None")), *options])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = choices
