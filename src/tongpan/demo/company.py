"""Reads ``data/company.yaml`` and sets the company up by the ordinary actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tongpan.channels.actions import load_presets, save_channels, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.channels.queries import channels
from tongpan.demo.engine import City, Company, Outlet
from tongpan.network.actions import save_nodes, save_services
from tongpan.network.engine import NodeSpec, ServiceSpec
from tongpan.network.geography import locate

ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class Description:
    """``raw``: company.yaml as it stands; ``company``: the rules' view of it."""

    raw: Mapping[str, Any]
    company: Company

    @property
    def house_shop(self) -> str:
        return str(self.raw["house_shop"])

    @property
    def warehouses(self) -> list[str]:
        return [row["code"] for row in self.raw["warehouses"]]

    @property
    def outlets(self) -> list[str]:
        return [row["code"] for row in [*self.raw["stores"], *self.raw["dealers"]]]


def _city(row: Mapping[str, str] | list[Any]) -> City:
    province, name = (row["province"], row["city"]) if isinstance(row, Mapping) else row[:2]
    place = locate(province, name)
    if place is None:
        raise ValueError(f"company.yaml names {province} {name}, which is no city of China.")
    return City(province, name, place.latitude, place.longitude)


@cache
def describe() -> Description:
    """The demo company. Raises ValueError when company.yaml names a city that does not exist."""
    raw = yaml.safe_load(files("tongpan.demo").joinpath("data/company.yaml").read_text("utf-8"))
    outlets = {
        "direct_store": [Outlet(row["code"], _city(row)) for row in raw["stores"]],
        "dealer": [Outlet(row["code"], _city(row)) for row in raw["dealers"]],
    }
    company = Company(
        {code: channel["weight"] for code, channel in raw["channels"].items()},
        {shop["channel"]: shop["code"] for shop in raw["online_shops"]},
        outlets,
        [(_city(row), row[2]) for row in raw["cities"]],
    )
    return Description(raw, company)


def set_up(now: datetime) -> None:
    """Make the channels, shops, nodes and services of the demo company, or bring them up to date."""
    raw = describe().raw
    load_presets(list(raw["channels"]))
    _label_channels(list(raw["channels"]), now)
    shops = [
        ShopSpec(
            shop["code"],
            shop["channel"],
            shop["name"],
            shop.get("kind", "shop"),
            capacity=shop.get("capacity"),
            is_simulated=True,
        )
        for shop in raw["online_shops"]
    ]
    shops += [ShopSpec(r["code"], "direct_store", r["name"], "store", is_simulated=True) for r in raw["stores"]]
    shops += [ShopSpec(r["code"], "dealer", r["name"], "dealer", is_simulated=True) for r in raw["dealers"]]
    save_shops(shops, actor=ACTOR, now=now)
    nodes = [_node(row, row["kind"]) for row in raw["warehouses"]]
    nodes += [_node(row, "store") for row in raw["stores"]]
    nodes += [_node(row, "dealer") for row in raw["dealers"]]
    save_nodes(nodes, actor=ACTOR, now=now)
    save_services(_services(raw), actor=ACTOR, now=now)


def _label_channels(codes: list[str], now: datetime) -> None:
    save_channels(
        [
            ChannelSpec(
                channel.code,
                channel.name_zh,
                channel.name_en,
                [facet.code for facet in channel.facets.all()],
                channel.zone,
                channel.currency,
                channel.launched_on,
                channel.closed_on,
                is_simulated=True,
                position=codes.index(channel.code) + 1,
            )
            for channel in channels()
            if channel.code in codes and not channel.is_simulated
        ],
        actor=ACTOR,
        now=now,
    )


def _node(row: Mapping[str, str], kind: str) -> NodeSpec:
    return NodeSpec(row["code"], kind, row["name"], row["province"], row["city"], is_simulated=True)


def store_spec(row: Mapping[str, str]) -> NodeSpec:
    """The node of a store of company.yaml."""
    return _node(row, "store")


def dealer_spec(row: Mapping[str, str]) -> NodeSpec:
    """The node of a dealer of company.yaml."""
    return _node(row, "dealer")


def _services(raw: Mapping[str, Any]) -> list[ServiceSpec]:
    """Online shops sell from all warehouses and stores; an outlet from its own shelf, then from the warehouses."""
    central = str(raw["returns_node"])
    warehouses = [row["code"] for row in raw["warehouses"]]
    pool = [*warehouses, *(row["code"] for row in raw["stores"])]
    services = [ServiceSpec(shop["code"], pool, central) for shop in raw["online_shops"]]
    services += [
        ServiceSpec(row["code"], [row["code"], *warehouses], row["code"]) for row in [*raw["stores"], *raw["dealers"]]
    ]
    return services
