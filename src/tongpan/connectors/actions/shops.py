"""The shops of an import: looked up, and made where the import names one that is not there yet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from tongpan.channels.actions import save_channel, save_shop
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.channels.models import Channel, Shop
from tongpan.channels.queries import ShopRef, shop_by_code
from tongpan.connectors.engine.documents import ShopContext
from tongpan.connectors.spec import Mapping
from tongpan.core.errors import Refusal
from tongpan.network.actions import save_nodes, set_services
from tongpan.network.engine import NodeSpec
from tongpan.network.queries import node_ids, serving_nodes


@dataclass(frozen=True, slots=True)
class NewShop:
    """What a shop gets that is made on the fly; empty texts follow from the mapping."""

    channel: str = ""
    currency: str = ""
    zone: str = ""


@dataclass(slots=True)
class Shops:
    """All shops, by code; read once at the start of an import. code_of: by name, of names that one shop only has."""

    by_code: dict[str, ShopRef] = field(default_factory=dict)
    stock_nodes: dict[str, str] = field(default_factory=dict)
    code_of: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Shops:
        by_code = shop_by_code()
        nodes = serving_nodes([shop.id for shop in by_code.values()])
        stock_nodes = {}
        for code, shop in by_code.items():
            holding = [node for node in nodes[shop.id] if node.tracks_stock]
            taking = [node for node in holding if node.takes_returns] or holding
            if taking:
                stock_nodes[code] = taking[0].code
        named = list(Shop.objects.values_list("name", "code"))
        times = Counter(name for name, _ in named)
        return cls(by_code, stock_nodes, {name: code for name, code in named if times[name] == 1})

    def context(self, code: str) -> ShopContext | None:
        """The shop of this code, or of this name; None when there is none."""
        shop = self.by_code.get(code) or self.by_code.get(self.code_of.get(code, ""))
        return shop and ShopContext(shop.code, shop.currency, shop.zone, self.stock_nodes.get(shop.code, ""))


def check_currency(mapping: Mapping, shop: ShopContext) -> None:
    """Raises Refusal when the amounts of the format are in another currency than the shop sells in."""
    if mapping.currency and mapping.currency != shop.currency:
        raise Refusal(
            "import.currency",
            f"Amounts of the format {mapping.format} are in {mapping.currency}, but shop {shop.code} sells in "
            f"{shop.currency}. Import into a shop on a channel in {mapping.currency}; a new shop code makes one.",
        )


def planned_shop(code: str, mapping: Mapping, wanted: NewShop) -> ShopContext:
    """The shop that ``create_shop`` would make."""
    channel = Channel.objects.filter(code=wanted.channel or code).first()
    if channel is not None:
        return ShopContext(code, channel.currency, channel.zone, code if keeps_stock(mapping) else "")
    currency = wanted.currency or mapping.currency or mapping.shop.currency
    return ShopContext(code, currency, wanted.zone or mapping.shop.zone, code if keeps_stock(mapping) else "")


def keeps_stock(mapping: Mapping) -> bool:
    """Whether a shop of this format needs a node of its own: it sells goods, and the file names no node."""
    tables = mapping.tables.values()
    return any(table.lines or table.adjustments for table in tables) and not any(table.nodes for table in tables)


def create_shop(code: str, mapping: Mapping, wanted: NewShop, *, actor: str, now: datetime) -> list[str]:
    """Make the shop ``code``, its channel where there is none, and a node that holds its stock.

    The node serves the shop and takes its returns, so that nothing of a first import is left without a place.
    Returns what was made, for the report. Raises Refusal when the code or the settings cannot be.
    """
    planned = planned_shop(code, mapping, wanted)
    made = []
    channel = wanted.channel or code
    if not Channel.objects.filter(code=channel).exists():
        save_channel(
            ChannelSpec(channel, channel, channel, zone=planned.zone, currency=planned.currency), actor=actor, now=now
        )
        made.append(f"channel {channel}")
    save_shop(ShopSpec(code, channel, code), actor=actor, now=now)
    made.append(f"shop {code}")
    if planned.stock_node:
        if not node_ids([code]):
            save_nodes([NodeSpec(code, "central", code, zone=planned.zone)], actor=actor, now=now)
            made.append(f"node {code}")
        set_services(code, [code], code, actor=actor, now=now)
    return made
