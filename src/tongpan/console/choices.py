"""Options of the drop-downs that several pages share."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

from tongpan.catalog.queries import categories
from tongpan.channels.queries import channels
from tongpan.network.models import Node, NodeKind
from tongpan.network.queries import active_nodes


def local_name(named: Any) -> str:
    """The name of a thing that has one in Chinese and one in English, in the present language."""
    return str(named.name_zh if (get_language() or "").startswith("zh") else named.name_en)


def shop_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Channels with their shops: ("channel:7" or "shop:12", name) grouped by channel.

    A channel with a single shop is offered as the channel alone.
    """
    groups = []
    for channel in channels():
        name = local_name(channel)
        shops = [(f"shop:{shop.pk}", shop.name) for shop in channel.shops.all()]
        groups.append((name, [(f"channel:{channel.pk}", name), *(shops if len(shops) > 1 else [])]))
    return groups


def category_choices() -> list[tuple[str, str]]:
    return [(str(category.pk), category.name) for category in categories()]


def node_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Active nodes by kind: (id, name)."""
    groups: dict[str, list[tuple[str, str]]] = {}
    nodes: list[Node] = active_nodes()
    for node in nodes:
        groups.setdefault(str(NodeKind(node.kind).label), []).append((str(node.pk), node.name))
    return list(groups.items())


def node_code_choices() -> list[tuple[str, str]]:
    """Active nodes: (code, name with kind)."""
    return [(node.code, f"{node.name} · {node.get_kind_display()}") for node in active_nodes()]
