"""What a policy of a channel, a node or a core SKU must look like. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tongpan.core.errors import Refusal
from tongpan.inventory.engine.sharing import MODES

MAX_UNITS = 10**9
MAX_DAYS = 365


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """What a channel may take of a SKU; of every SKU that has no policy of its own when ``sku_code`` is empty.

    value: units of a fence or cap, hundredths of a share. threshold: units that are never published.
    It counts in [starts_at, ends_at), None being without end.
    """

    channel_code: str
    sku_code: str = ""
    mode: str = "shared"
    value: int = 0
    threshold: int = 0
    may_exceed: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """A live session, known by channel and name, and the units fenced off for it by SKU code."""

    channel_code: str
    name: str
    starts_at: datetime
    ends_at: datetime
    quotas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodePolicySpec:
    """The floors of a SKU at a node, in units; of every SKU without its own when ``sku_code`` is empty."""

    node_code: str
    sku_code: str = ""
    safety_stock: int = 0
    routing_floor: int = 0
    safety_line: int = 0


@dataclass(frozen=True, slots=True)
class CoverSpec:
    """Whether a SKU is core, and what it never runs below on the channels: units or days, whichever is more."""

    sku_code: str
    is_core: bool = True
    units: int = 0
    days: int = 0


def check_policy(spec: PolicySpec) -> None:
    """Raises Refusal policy.* when ``spec`` cannot be a policy."""
    what = f"The policy of channel {spec.channel_code} for {spec.sku_code or 'every SKU'}"
    if spec.mode not in MODES:
        raise Refusal("policy.mode", f"{what}: there is no mode {spec.mode!r}; use one of {', '.join(MODES)}.")
    if spec.mode == "percent" and not 0 <= spec.value <= 100:
        raise Refusal("policy.value", f"{what}: a share lies between 0 and 100, not at {spec.value}.")
    if not (0 <= spec.value <= MAX_UNITS and 0 <= spec.threshold <= MAX_UNITS):
        raise Refusal("policy.value", f"{what}: its units must lie between 0 and {MAX_UNITS}.")
    check_span(what, spec.starts_at, spec.ends_at)


def check_session(spec: SessionSpec) -> None:
    """Raises Refusal policy.* when ``spec`` cannot be a live session."""
    what = f"Live session {spec.name!r} of channel {spec.channel_code}"
    if not spec.name.strip() or len(spec.name) > 80 or "\x00" in spec.name:
        raise Refusal("policy.name", f"{what}: its name must have 1 to 80 characters.")
    if any(not 0 < units <= MAX_UNITS for units in spec.quotas.values()):
        raise Refusal("policy.value", f"{what}: every quota must lie between 1 and {MAX_UNITS} units.")
    check_span(what, spec.starts_at, spec.ends_at)


def check_span(what: str, starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Raises Refusal policy.time when an instant has no zone, or the end does not lie behind the beginning."""
    if any(at is not None and at.utcoffset() is None for at in (starts_at, ends_at)):
        raise Refusal("policy.time", f"{what}: its times need a zone.")
    if starts_at and ends_at and ends_at <= starts_at:
        raise Refusal("policy.time", f"{what} would end before it begins.")


def check_floors(spec: NodePolicySpec) -> None:
    """Raises Refusal policy.value when a floor is out of range."""
    for units in (spec.safety_stock, spec.routing_floor, spec.safety_line):
        if not 0 <= units <= MAX_UNITS:
            raise Refusal(
                "policy.value", f"Node {spec.node_code}: a floor of {units} is not between 0 and {MAX_UNITS} units."
            )


def check_cover(spec: CoverSpec) -> None:
    """Raises Refusal policy.value when the cover is out of range."""
    if not (0 <= spec.units <= MAX_UNITS and 0 <= spec.days <= MAX_DAYS):
        raise Refusal(
            "policy.value",
            f"SKU {spec.sku_code}: its cover must lie between 0 and {MAX_UNITS} units, and 0 and {MAX_DAYS} days.",
        )
