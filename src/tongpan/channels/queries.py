"""Reads of the channel registry."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import yaml
from django.db.models import Prefetch, QuerySet

from tongpan.channels.engine import ChannelSpec, channels_of
from tongpan.channels.models import Channel, Facet, Shop
from tongpan.core.bulk import fetch_all


@functools.cache
def read_presets() -> Mapping[str, Any]:
    """``presets.yaml`` as plain data."""
    text = files("tongpan.channels").joinpath("presets.yaml").read_text("utf-8")
    presets: Mapping[str, Any] = yaml.safe_load(text)
    return presets


def preset_channels() -> list[ChannelSpec]:
    """The channels that ``load_presets`` knows, in their order."""
    return channels_of(read_presets())


class ShopRef(NamedTuple):
    """What intake needs to know of a shop. zone and currency are its channel's."""

    id: int
    code: str
    channel_id: int
    channel_code: str
    currency: str
    zone: str
    is_active: bool


def shop_by_code(codes: Sequence[str] | None = None) -> dict[str, ShopRef]:
    """The shops called ``codes`` (all when None), by code; unknown ones are absent. One statement."""
    condition, parameters = ("", []) if codes is None else ("WHERE s.code = ANY(%s)", [_texts(codes)])
    rows = fetch_all(
        f"""SELECT s.id, s.code, s.channel_id, c.code, c.currency, c.zone, s.is_active
            FROM channels_shop s JOIN channels_channel c ON c.id = s.channel_id {condition}""",
        parameters,
    )
    return {row[1]: ShopRef(*row) for row in rows}


def channels() -> QuerySet[Channel]:
    """All channels in their order, with facets and shops fetched along (three statements)."""
    return Channel.objects.prefetch_related(
        Prefetch("facets", Facet.objects.order_by("tree", "code")),
        Prefetch("shops", Shop.objects.order_by("code")),
    ).order_by("position", "code")


def shops() -> QuerySet[Shop]:
    """All shops by code, with their channel."""
    return Shop.objects.select_related("channel").order_by("code")


def facets(tree: str | None = None) -> QuerySet[Facet]:
    """All facets, or those of one tree, in order; parents before their children."""
    rows = Facet.objects.select_related("parent").order_by("tree", "code")
    return rows if tree is None else rows.filter(tree=tree)


def _texts(codes: Sequence[str]) -> list[str]:
    # PostgreSQL's text has no NUL, so a code with one exists nowhere.
    return [code for code in codes if "\x00" not in code]
