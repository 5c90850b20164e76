"""Channels: the registry by its classifications, and the page of one channel with shops and nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.actions import save_channel, save_shop
from tongpan.channels.models import Channel, Shop
from tongpan.channels.queries import channels, facets
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.channel_forms import ChannelForm, ServiceForm, ShopForm
from tongpan.console.channel_tree import TREES, group_by_facet, matching, tree_choices
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, headings
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.network.actions import set_services
from tongpan.network.queries import services_of_channel

COLUMNS = (
    Column("name", _("Channel"), local_name),
    Column("code", _("Code"), lambda channel: channel.code),
    Column("facets", _("Classes"), lambda channel: ", ".join(local_name(one) for one in channel.facets.all())),
    Column("shops", _("Shops"), lambda channel: len(channel.shops.all()), is_number=True),
    Column("currency", _("Currency"), lambda channel: channel.currency),
    Column("launched", _("Launched"), lambda channel: channel.launched_on),
)


class ChannelFilters(FilterForm):
    tree = forms.ChoiceField(label=_("Grouped by"), required=False, choices=tree_choices)
    state = forms.ChoiceField(
        label=_("Shown"),
        required=False,
        choices=[("", _("All")), ("used", _("With shops")), ("unused", _("Without shops"))],
    )

    @property
    def tree_code(self) -> str:
        return str(self.values.get("tree", TREES[0]))

    def wanted(self) -> list[Channel]:
        """The channels of the filter; the registry is small and read whole."""
        return matching(list(channels()), self.values.get("q", ""), self.values.get("state", ""))


@page("channels.view")
def channel_list(request: Request) -> HttpResponse:
    filters = ChannelFilters(request)
    wanted = filters.wanted()
    context = {
        "section": "channels",
        "filters": filters,
        "groups": group_by_facet(wanted, list(facets(filters.tree_code))),
        "total": len(wanted),
        "query": request.META["QUERY_STRING"],
        "headings": headings(request.GET, COLUMNS, ""),
        "can_edit": can(request.user, "channels.edit"),
    }
    return render(request, "console/channels/list.html", context)


@page("data.export")
def channel_export(request: Request) -> HttpResponseBase:
    return exports.respond("channels", COLUMNS, ChannelFilters(request).wanted(), request.GET.get("format", ""))


def _channel(code: str) -> Channel:
    channel = channels().filter(code=code).first()
    if channel is None:
        raise Http404
    return channel


@page("channels.view")
def channel_detail(request: Request, code: str) -> HttpResponse:
    channel = _channel(code)
    services: dict[int, list[Any]] = {}
    for service in services_of_channel(channel.pk):
        services.setdefault(service.shop_id, []).append(service)
    by_tree: dict[str, list[Any]] = {}
    for facet in channel.facets.all():
        by_tree.setdefault(facet.tree, []).append(facet)
    labels = dict(tree_choices())
    context = {
        "section": "channels",
        "channel": channel,
        "facets": [(labels.get(tree, tree), found) for tree, found in by_tree.items()],
        "shops": [(shop, services.get(shop.pk, [])) for shop in channel.shops.all()],
        "can_edit": can(request.user, "channels.edit"),
        "can_serve": can(request.user, "network.edit"),
    }
    return render(request, "console/channels/detail.html", context)


def _saved(request: Request, form: forms.Form, save: Callable[[], object]) -> bool:
    """Run ``save`` for a valid form; a refusal becomes an error of the form."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        save()
    except Refusal as refusal:
        form.add_error(None, localized(refusal.sentence))
        return False
    messages.success(request, gettext("Saved."))
    return True


@page("channels.edit")
def channel_edit(request: Request, code: str = "") -> HttpResponse:
    """A new channel without ``code``, else the one that is there."""
    channel = _channel(code) if code else None
    form = ChannelForm(request.POST or None, channel=channel)
    if _saved(request, form, lambda: save_channel(form.spec(), **who(request))):
        return redirect("console:channel", form.spec().code)
    title = gettext("Edit the channel") if channel else gettext("New channel")
    return render(
        request, "console/channels/edit.html", {"section": "channels", "form": form, "title": title, "channel": channel}
    )


@page("channels.edit")
def shop_edit(request: Request, code: str, shop_code: str = "") -> HttpResponse:
    """A new shop of the channel ``code`` without ``shop_code``, else the one that is there."""
    channel = _channel(code)
    shop = _shop(channel, shop_code) if shop_code else None
    form = ShopForm(request.POST or None, channel=channel, shop=shop)
    if _saved(request, form, lambda: save_shop(form.spec(), **who(request))):
        return redirect("console:channel", code)
    title = gettext("Edit the shop") if shop else gettext("New shop")
    return render(
        request, "console/channels/edit.html", {"section": "channels", "form": form, "title": title, "channel": channel}
    )


def _shop(channel: Channel, shop_code: str) -> Shop:
    shop = next((one for one in channel.shops.all() if one.code == shop_code), None)
    if shop is None:
        raise Http404
    return shop


@page("network.edit")
def services_edit(request: Request, code: str, shop_code: str) -> HttpResponse:
    """Which nodes ship the orders of a shop, and which of them takes its returns."""
    channel = _channel(code)
    shop = _shop(channel, shop_code)
    serving = [one for one in services_of_channel(channel.pk) if one.shop_id == shop.pk]
    form = ServiceForm(request.POST or None, serving=serving)

    def save() -> None:
        set_services(shop.code, form.cleaned_data["nodes"], form.cleaned_data["returns_node"], **who(request))

    if _saved(request, form, save):
        return redirect("console:channel", code)
    title = gettext("Nodes that serve %(shop)s") % {"shop": shop.name}
    return render(
        request, "console/channels/edit.html", {"section": "channels", "form": form, "title": title, "channel": channel}
    )
