"""The policy of returns (RET-01, RET-02, RET-04): two windows, who pays the way back, who is paid at once. Pure.

A policy is plain JSON with a version. ``parse_policy`` reads it and says in a sentence what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tongpan.core.errors import Refusal
from tongpan.orders.aftersale.engine.refunds import CHARGE_MODES, GIFT_MODES

KINDS = ("return", "refund_only", "exchange", "claim")
FAULTS = ("buyer", "shop", "carrier")
"""Whose matter a reason is: it decides who pays the way back and whether postage is refunded."""
TENDER_KINDS = ("money", "stored_value", "gift_card", "points", "coupon")
SCANS = ("carrier", "store")
"""What lets a refund be paid at once: the carrier has scanned the parcel, or a store has taken the goods."""

_MOST_DAYS = 3650
_MOST_HOURS = 24 * 90
_MOST_MINOR = 10**12
_MOST = 200


@dataclass(frozen=True, slots=True)
class Reason:
    """Why goods come back. is_quality: the goods are at fault; those come back any time within the warranty.

    before_delivery: it may be given for goods that have not arrived (lost on the way).
    """

    code: str
    name: str
    is_quality: bool = False
    fault: str = "buyer"
    before_delivery: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """Other windows for some goods, channels or tiers. Empty lists mean all; None keeps what the policy says.

    The first override that matches and names a field decides it. is_excluded: no return without a fault of the goods.
    """

    name: str
    categories: Sequence[str] = ()
    channels: Sequence[str] = ()
    tiers: Sequence[str] = ()
    no_reason_days: int | None = None
    extended_days: int | None = None
    warranty_days: int | None = None
    is_excluded: bool | None = None


@dataclass(frozen=True, slots=True)
class Instant:
    """When the buyer is paid before anyone has looked at the goods (RET-04).

    cap_minor: the most, by currency; a currency without one has no instant refund. most_returns: of this buyer
    within ``within_days`` days, this one included. on: one of SCANS that must have happened. blacklisted buyers never.
    """

    is_on: bool = True
    cap_minor: Mapping[str, int] = field(default_factory=lambda: {"CNY": 20_000})
    most_returns: int = 3
    within_days: int = 90
    on: Sequence[str] = SCANS


@dataclass(frozen=True, slots=True)
class AutoApprove:
    """Requests that no person need look at: of these kinds, up to this refund by currency."""

    is_on: bool = True
    kinds: Sequence[str] = ("return", "exchange")
    cap_minor: Mapping[str, int] = field(default_factory=lambda: {"CNY": 50_000})


DEFAULT_REASONS = (
    Reason("no_reason", "No reason given"),
    Reason("wrong_size", "Wrong size or colour"),
    Reason("changed_mind", "Not wanted any more"),
    Reason("quality", "Defect of quality", is_quality=True, fault="shop"),
    Reason("damaged", "Arrived damaged", is_quality=True, fault="carrier"),
    Reason("wrong_goods", "Other goods than ordered", fault="shop"),
    Reason("not_as_described", "Not as described", is_quality=True, fault="shop"),
    Reason("missing_part", "Something is missing", is_quality=True, fault="shop"),
    Reason("lost", "Lost on the way", fault="carrier", before_delivery=True),
    Reason("goodwill", "Goodwill", fault="shop", before_delivery=True),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """no_reason_days (X-01 ``returns.no_reason_days``): law's window, for unopened goods, from the day after they
    arrived. extended_days (``returns.extended_days``): what the company grants beyond. warranty_days: for reasons
    of quality. presumed_delivery_days: after so many days goods that left count as arrived, where no carrier says.

    return_freight: who pays the way back, by fault: "buyer" or "shop". charges: what of the postage that was paid
    is refunded, by fault (``refunds.CHARGE_MODES``). pickup_fee_minor: what a door pickup costs the buyer who pays
    the way back, by currency. gifts: ``refunds.GIFT_MODES``. tender_groups, tender_methods: which kind of tender
    gets its money back first, and which words of channels mean a kind. Hours: when the queue is due at each step.
    """

    no_reason_days: int = 7
    extended_days: int = 30
    warranty_days: int = 365
    presumed_delivery_days: int = 15
    needs_unopened: bool = True
    overrides: Sequence[Override] = ()
    return_freight: Mapping[str, str] = field(
        default_factory=lambda: {"buyer": "buyer", "shop": "shop", "carrier": "shop"}
    )
    charges: Mapping[str, str] = field(default_factory=lambda: {"buyer": "none", "shop": "share", "carrier": "share"})
    pickup_fee_minor: Mapping[str, int] = field(default_factory=lambda: {"CNY": 1_000})
    instant: Instant = Instant()
    auto_approve: AutoApprove = AutoApprove()
    gifts: str = "return_or_charge"
    tender_groups: Sequence[Sequence[str]] = (("money",), ("stored_value", "gift_card"), ("points",), ("coupon",))
    tender_methods: Mapping[str, str] = field(
        default_factory=lambda: {
            "points": "points",
            "积分": "points",
            "coupon": "coupon",
            "优惠券": "coupon",
            "stored_value": "stored_value",
            "储值": "stored_value",
            "gift_card": "gift_card",
            "礼品卡": "gift_card",
        }
    )
    answer_hours: int = 24
    receive_hours: int = 240
    inspect_hours: int = 48
    refund_hours: int = 24
    reasons: Sequence[Reason] = DEFAULT_REASONS

    def as_json(self) -> dict[str, Any]:
        """Plain JSON that ``parse_policy`` reads back."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    def reason(self, code: str) -> Reason | None:
        """The reason with that code, or None."""
        return next((reason for reason in self.reasons if reason.code == code), None)

    @property
    def reasons_by_code(self) -> dict[str, Reason]:
        """Every reason by its code."""
        return {reason.code: reason for reason in self.reasons}

    def kind_of(self, method: str) -> str:
        """The kind of tender that a channel's word for a payment means; "money" for all that are not named."""
        return self.tender_methods.get(method.strip().lower(), "money")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def parse_policy(given: Mapping[str, Any]) -> Policy:
    """The policy that plain JSON describes; what it leaves out keeps its default.

    Raises Refusal returns.policy with a sentence that names the rule.
    """
    _known(given, Policy, "the policy")
    values: dict[str, Any] = dict(given)
    for name in ("no_reason_days", "extended_days", "warranty_days", "presumed_delivery_days"):
        _count(given, name, _MOST_DAYS)
    for name in ("answer_hours", "receive_hours", "inspect_hours", "refund_hours"):
        _count(given, name, _MOST_HOURS, least=1)
    _truth(given, "needs_unopened")
    values["overrides"] = tuple(_override(item) for item in _list(given, "overrides", ()))
    _choice_by(given, "return_freight", FAULTS, ("buyer", "shop"))
    _choice_by(given, "charges", FAULTS, CHARGE_MODES)
    _amounts(given, "pickup_fee_minor")
    for name in ("return_freight", "charges"):
        if name in given:
            values[name] = {**getattr(Policy(), name), **given[name]}
    if "instant" in given:
        values["instant"] = _instant(given["instant"])
    if "auto_approve" in given:
        values["auto_approve"] = _auto_approve(given["auto_approve"])
    if given.get("gifts", "keep") not in GIFT_MODES:
        raise _bad(f"gifts must be one of {', '.join(GIFT_MODES)}")
    if "tender_groups" in given:
        values["tender_groups"] = _groups(given["tender_groups"])
    _choice_by(given, "tender_methods", None, TENDER_KINDS)
    if "tender_methods" in given:
        values["tender_methods"] = {key.strip().lower(): kind for key, kind in given["tender_methods"].items()}
    if "reasons" in given:
        values["reasons"] = _reasons(given["reasons"])
    policy = Policy(**values)
    if policy.extended_days < policy.no_reason_days:
        raise _bad("extended_days must not be shorter than no_reason_days")
    return policy


def _reasons(given: Any) -> tuple[Reason, ...]:
    if not isinstance(given, (list, tuple)) or not 0 < len(given) <= _MOST:
        raise _bad(f"reasons must be a list of 1 to {_MOST} reasons")
    found = []
    for item in given:
        _known(item, Reason, "a reason")
        code, name = item.get("code"), item.get("name")
        if not _is_word(code, 40) or not _is_word(name, 120):
            raise _bad("a reason needs a code of 1 to 40 and a name of 1 to 120 characters")
        _truth(item, "is_quality")
        _truth(item, "before_delivery")
        if item.get("fault", "buyer") not in FAULTS:
            raise _bad(f"the fault of reason {code} must be one of {', '.join(FAULTS)}")
        found.append(Reason(**item))
    codes = [reason.code for reason in found]
    if len(set(codes)) < len(codes):
        raise _bad("each reason code may occur once")
    return tuple(found)


def _override(item: Any) -> Override:
    _known(item, Override, "an override")
    if not _is_word(item.get("name"), 120):
        raise _bad("an override needs a name of 1 to 120 characters")
    name = item["name"]
    values = dict(item)
    for key in ("categories", "channels", "tiers"):
        values[key] = tuple(_list(item, key, ()))
        if not all(_is_word(text, 120) for text in values[key]):
            raise _bad(f"{key} of override {name} must be codes of 1 to 120 characters")
    for key in ("no_reason_days", "extended_days", "warranty_days"):
        if item.get(key) is not None:
            _count(item, key, _MOST_DAYS)
    if item.get("is_excluded") is not None:
        _truth(item, "is_excluded")
    if all(item.get(key) is None for key in ("no_reason_days", "extended_days", "warranty_days", "is_excluded")):
        raise _bad(f"override {name} changes nothing; give it days or is_excluded")
    return Override(**values)


def _instant(given: Any) -> Instant:
    _known(given, Instant, "instant")
    _truth(given, "is_on")
    _amounts(given, "cap_minor")
    _count(given, "most_returns", 10_000, least=1)
    _count(given, "within_days", _MOST_DAYS, least=1)
    if not set(_list(given, "on", SCANS)) <= set(SCANS):
        raise _bad(f"instant.on must be of {', '.join(SCANS)}")
    return Instant(**{**given, "on": tuple(_list(given, "on", SCANS))})


def _auto_approve(given: Any) -> AutoApprove:
    _known(given, AutoApprove, "auto_approve")
    _truth(given, "is_on")
    _amounts(given, "cap_minor")
    kinds = tuple(_list(given, "kinds", AutoApprove().kinds))
    if not set(kinds) <= set(KINDS):
        raise _bad(f"auto_approve.kinds must be of {', '.join(KINDS)}")
    return AutoApprove(**{**given, "kinds": kinds})


def _groups(given: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(given, (list, tuple)) or not all(isinstance(group, (list, tuple)) and group for group in given):
        raise _bad("tender_groups must be a list of lists of kinds of tender")
    named = [kind for group in given for kind in group]
    if not set(named) <= set(TENDER_KINDS) or len(set(named)) < len(named):
        raise _bad(f"tender_groups must name each of {', '.join(TENDER_KINDS)} at most once")
    return tuple(tuple(group) for group in given)


def _known(given: Any, of: type, what: str) -> None:
    names = {f.name for f in fields(of)}
    if not isinstance(given, Mapping):
        raise _bad(f"{what} must be an object with {', '.join(sorted(names))}")
    if unknown := sorted(set(map(str, given)) - names):
        raise _bad(f"{what} has no rule {', '.join(unknown)}; there are {', '.join(sorted(names))}")


def _list(given: Mapping[str, Any], name: str, default: Sequence[Any]) -> Sequence[Any]:
    value = given.get(name, default)
    if not isinstance(value, (list, tuple)) or len(value) > _MOST:
        raise _bad(f"{name} must be a list of at most {_MOST} entries")
    return value


def _count(given: Mapping[str, Any], name: str, most: int, *, least: int = 0) -> None:
    value = given.get(name, least)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _bad(f"{name} must be a whole number from {least} to {most}")


def _truth(given: Mapping[str, Any], name: str) -> None:
    if not isinstance(given.get(name, True), bool):
        raise _bad(f"{name} must be true or false")


def _amounts(given: Mapping[str, Any], name: str) -> None:
    value = given.get(name, {})
    if not isinstance(value, Mapping) or not all(
        isinstance(code, str)
        and len(code) == 3
        and isinstance(n, int)
        and not isinstance(n, bool)
        and 0 <= n <= _MOST_MINOR
        for code, n in value.items()
    ):
        raise _bad(f'{name} must give minor units by currency, as {{"CNY": 20000}}')


def _choice_by(given: Mapping[str, Any], name: str, keys: Sequence[str] | None, values: Sequence[str]) -> None:
    value = given.get(name, {})
    if not isinstance(value, Mapping) or len(value) > _MOST:
        raise _bad(f"{name} must be an object")
    if keys is not None and not set(value) <= set(keys):
        raise _bad(f"{name} is given by {', '.join(keys)}")
    if not all(isinstance(key, str) for key in value) or not set(value.values()) <= set(values):
        raise _bad(f"{name} must have values of {', '.join(values)}")


def _is_word(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= most and value.isprintable()


def _bad(what: str) -> Refusal:
    return Refusal("returns.policy", f"The policy of returns: {what}.")
