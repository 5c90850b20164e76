"""What a channel and a shop must look like, and the presets as plain data. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tongpan.core.clock import DEFAULT_ZONE, zone_names
from tongpan.core.errors import Refusal

SHOP_KINDS = ("shop", "content", "group", "store", "dealer")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
MAX_CAPACITY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class FacetSpec:
    """One class of one tree. parent: the code of the class above it, "" at the top."""

    tree: str
    code: str
    parent: str
    name_zh: str
    name_en: str
    position: int


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel as it shall be. facets: codes of all its facets (those left out are taken away)."""

    code: str
    name_zh: str
    name_en: str
    facets: Sequence[str] = ()
    zone: str = DEFAULT_ZONE
    currency: str = "CNY"
    launched_on: date | None = None
    closed_on: date | None = None
    is_simulated: bool = False
    position: int = 0


@dataclass(frozen=True, slots=True)
class ShopSpec:
    """A shop as it shall be. capacity: head count of a group, None when there is no limit."""

    code: str
    channel_code: str
    name: str
    kind: str = "shop"
    external_account: str = ""
    capacity: int | None = None
    is_active: bool = True
    is_simulated: bool = False


def check_channel(spec: ChannelSpec) -> None:
    """Raises Refusal channel.* when ``spec`` cannot be a channel."""
    _check_code("channel", spec.code)
    _check_text("channel", spec.code, "Chinese name", spec.name_zh, least=1, most=60)
    _check_text("channel", spec.code, "English name", spec.name_en, least=1, most=60)
    if spec.zone not in zone_names():
        raise Refusal("channel.zone", f"Channel {spec.code}: {spec.zone!r} is not an IANA time zone.")
    if not _CURRENCY.fullmatch(spec.currency):
        raise Refusal(
            "channel.currency",
            f"Channel {spec.code}: {spec.currency!r} is not a currency code of three capitals.",
        )
    if spec.launched_on and spec.closed_on and spec.closed_on < spec.launched_on:
        raise Refusal("channel.dates", f"Channel {spec.code} would close before it was launched.")
    if not 0 <= spec.position < 2**15:
        raise Refusal("channel.position", f"Channel {spec.code}: its position must lie between 0 and 32767.")


def check_shop(spec: ShopSpec) -> None:
    """Raises Refusal shop.* when ``spec`` cannot be a shop."""
    _check_code("shop", spec.code)
    _check_text("shop", spec.code, "name", spec.name, least=1, most=80)
    _check_text("shop", spec.code, "account", spec.external_account, least=0, most=80)
    if spec.kind not in SHOP_KINDS:
        raise Refusal("shop.kind", f"Shop {spec.code}: {spec.kind!r} is not one of the kinds {', '.join(SHOP_KINDS)}.")
    if spec.capacity is not None and not 0 <= spec.capacity <= MAX_CAPACITY:
        raise Refusal("shop.capacity", f"Shop {spec.code}: its capacity must lie between 0 and {MAX_CAPACITY}.")


def check_once(noun: str, codes: Sequence[str]) -> None:
    """Raises Refusal when a batch names a code twice: nobody could say which of the two counts."""
    if len(set(codes)) != len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        raise Refusal(f"{noun}.twice", f"The same {noun} is named twice: {', '.join(twice)}.")


def _check_code(noun: str, code: str) -> None:
    if not _CODE.fullmatch(code):
        raise Refusal(
            f"{noun}.code",
            f"{code!r} cannot be the code of a {noun}: 1 to 40 letters, digits, dots, underscores and "
            "hyphens, beginning with a letter or digit.",
        )


def _check_text(noun: str, code: str, what: str, text: str, *, least: int, most: int) -> None:
    if not least <= len(text.strip()) or len(text) > most or "\x00" in text:
        raise Refusal(f"{noun}.name", f"The {what} of {noun} {code} must have {least} to {most} characters of text.")


def facets_of(presets: Mapping[str, Any]) -> list[FacetSpec]:
    """The facets of ``presets.yaml``, parents before their children."""
    return [spec for tree, nodes in presets["trees"].items() for spec in _branch(tree, tree, "", nodes)]


def _branch(tree: str, prefix: str, parent: str, nodes: Mapping[str, Any]) -> Iterator[FacetSpec]:
    for position, (name, (name_zh, name_en, *below)) in enumerate(nodes.items()):
        code = f"{prefix}.{name}"
        yield FacetSpec(tree, code, parent, name_zh, name_en, position)
        for children in below:
            yield from _branch(tree, code, code, children)


def channels_of(presets: Mapping[str, Any]) -> list[ChannelSpec]:
    """The channel catalogue of ``presets.yaml``, in its order."""
    specs = []
    for position, (code, (name_zh, name_en, facets, *more)) in enumerate(presets["channels"].items(), start=1):
        specs.append(ChannelSpec(code, name_zh, name_en, tuple(facets), position=position, **(more[0] if more else {})))
    return specs
