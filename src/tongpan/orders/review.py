"""The review of orders (审单): which orders wait for a person before they are routed, and why. Pure.

Rules are data with a version (``orders.models.ReviewPolicy``). An order that no rule finds fault with is approved by
itself; each finding opens a hold that says which rule found what.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.network.engine import ships_to

BY_PERSON = ("manual", "address", "price_floor", "risk")
"""Reasons of holds that a person opens and releases."""

BLOCKING = (*BY_PERSON, "group")
"""Reasons of holds that keep an order from being routed and its goods from being dispatched by hand."""

REVIEWED = ("address", "price_floor", "risk", "unpaid")
"""Reasons of holds that the review opens, and releases by itself once it finds them no more."""

_MOST_WORDS = 200
_MOST_MINOR = 10**14
_MOST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Rules:
    """What the review looks at; the defaults hold nothing that needs a limit of the company first.

    address: hold orders whose recipient, phone or address is missing while another of them is given, or whose
    place is not known. address_required: also hold orders that say nothing of where they go.
    price_floor: hold lines sold under the floor of their SKU. blacklist: hold blacklisted buyers and phones.
    amount_over: hold totals above these minor units, by currency. units_over: hold orders of more units.
    words: hold orders whose remarks contain one of these. orders_within: (n, minutes): hold an order with which
    its buyer has more than n orders within so many minutes.
    """

    address: bool = True
    address_required: bool = False
    price_floor: bool = True
    blacklist: bool = True
    amount_over: Mapping[str, int] | None = None
    units_over: int | None = None
    words: Sequence[str] = ()
    orders_within: tuple[int, int] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON that ``parse_rules`` reads back."""
        return asdict(self) | {
            "amount_over": dict(self.amount_over or {}),
            "words": list(self.words),
            "orders_within": list(self.orders_within) if self.orders_within else None,
        }


def parse_rules(given: Mapping[str, Any]) -> Rules:
    """The rules that plain JSON describes; what it leaves out keeps its default.

    Raises Refusal review.rules with a sentence that names the rule.
    """
    known = {field.name for field in fields(Rules)}
    if unknown := sorted(set(given) - known):
        raise _bad(f"There is no review rule {', '.join(unknown)}; the rules are {', '.join(sorted(known))}")
    for name in ("address", "address_required", "price_floor", "blacklist"):
        if not isinstance(given.get(name, True), bool):
            raise _bad(f"{name} must be true or false")
    limits = given.get("amount_over") or {}
    if not isinstance(limits, Mapping) or not all(
        isinstance(c, str) and len(c) == 3 and _is_count(n, _MOST_MINOR) for c, n in limits.items()
    ):
        raise _bad('amount_over must give minor units by currency, as {"CNY": 500000}')
    units = given.get("units_over")
    if units is not None and not _is_count(units, 10**9):
        raise _bad("units_over must be a positive number of units or null")
    words = given.get("words") or []
    if not isinstance(words, (list, tuple)) or len(words) > _MOST_WORDS or not all(_is_word(word) for word in words):
        raise _bad(f"words must be at most {_MOST_WORDS} texts of 1 to 60 characters")
    within = given.get("orders_within")
    if within is not None and not (
        isinstance(within, (list, tuple))
        and len(within) == 2
        and _is_count(within[0], 10**6)
        and _is_count(within[1], _MOST_MINUTES)
    ):
        raise _bad(f"orders_within must be [orders, minutes] with at most {_MOST_MINUTES} minutes, or null")
    return Rules(
        address=given.get("address", True),
        address_required=given.get("address_required", False),
        price_floor=given.get("price_floor", True),
        blacklist=given.get("blacklist", True),
        amount_over=dict(limits) or None,
        units_over=units,
        words=tuple(word.strip() for word in words),
        orders_within=(within[0], within[1]) if within else None,
    )


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 60 and value.isprintable()


def _bad(what: str) -> Refusal:
    return Refusal("review.rules", f"{what}.")


@dataclass(frozen=True, slots=True)
class UnderFloor:
    """A goods line sold for less than the floor of its SKU; amounts are minor units, floor_minor of one unit."""

    line_no: int
    sku: str
    qty: int
    amount_minor: int
    floor_minor: int


@dataclass(frozen=True, slots=True)
class OutOfRegion:
    """A goods line of a SKU that is sold to ``provinces`` only, in an order that goes to another one."""

    line_no: int
    sku: str
    provinces: Sequence[str]
    province: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the review looks at of one open order. Texts of the recipient are in the clear and go nowhere else.

    place_is_known: its place has coordinates. territories: those of the dealers of its shop, when it is a dealer's.
    listed: which of "buyer", "phone" are blacklisted. recent: how many orders the buyer has within the window of the
    rules, this one included.
    """

    status: Literal["placed", "paid"]
    currency: str
    total_minor: int
    units: int
    recipient: str = ""
    phone: str = ""
    address: str = ""
    province: str = ""
    city: str = ""
    place_is_known: bool = False
    remarks: Sequence[str] = ()
    under_floor: Sequence[UnderFloor] = ()
    out_of_region: Sequence[OutOfRegion] = ()
    territories: Sequence[Sequence[str]] = ()
    listed: Collection[str] = ()
    recent: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an order waits. reason: of the hold. rule and found (plain JSON, nothing personal) say what was seen,
    sentence says it to a person."""

    reason: str
    rule: str
    found: Mapping[str, Any]
    sentence: str


def review(facts: Facts, rules: Rules) -> list[Finding]:
    """Every reason for which the order waits, in a fixed order; none when it is approved."""
    findings: list[Finding] = []
    if facts.status == "placed":
        findings.append(Finding("unpaid", "unpaid", {}, "It is not paid yet."))
    findings += _of_the_address(facts, rules)
    findings += [_of_the_region(line) for line in facts.out_of_region]
    findings += _of_the_territory(facts)
    if rules.price_floor:
        findings += [_of_the_floor(line, facts.currency) for line in facts.under_floor]
    return findings + _of_the_risk(facts, rules)


def _of_the_address(facts: Facts, rules: Rules) -> list[Finding]:
    parts = {"recipient": facts.recipient, "phone": facts.phone, "address": facts.address}
    missing = [name for name, text in parts.items() if not text.strip()]
    says_nothing = len(missing) == len(parts)
    if says_nothing and not (facts.province or facts.city):
        if not rules.address_required:
            return []
        return [Finding("address", "address_required", {}, "It does not say where it goes.")]
    if not rules.address or (says_nothing and not rules.address_required):
        return []
    findings = []
    if missing:
        sentence = f"Its address is incomplete: {', '.join(missing)} missing."
        findings.append(Finding("address", "address", {"missing": missing}, sentence))
    if not facts.place_is_known:
        place = " ".join(text for text in (facts.province, facts.city) if text)
        sentence = f"Its place {place} is not known." if place else "Neither province nor city is given."
        findings.append(Finding("address", "address", {"place": place}, sentence))
    return findings


def _of_the_region(line: OutOfRegion) -> Finding:
    found = {"line": line.line_no, "sku": line.sku, "provinces": list(line.provinces), "province": line.province}
    sold = ", ".join(line.provinces)
    sentence = f"Line {line.line_no}: {line.sku} is sold to {sold} only, but the order goes to {line.province}."
    return Finding("address", "region", found, sentence)


def _of_the_territory(facts: Facts) -> list[Finding]:
    """An order of a dealer's shop that goes outside every territory of the shop's dealers: the basis of diversion."""
    if not facts.territories or not (facts.province or facts.city):
        return []
    if any(ships_to(territory, facts.province, facts.city) for territory in facts.territories):
        return []
    allowed = sorted({name for territory in facts.territories for name in territory})
    place = " ".join(text for text in (facts.province, facts.city) if text)
    sentence = f"It goes to {place}, outside the territory of its dealer: {', '.join(allowed[:10])}."
    return [Finding("risk", "territory", {"place": place, "territory": allowed[:50]}, sentence)]


def _of_the_floor(line: UnderFloor, currency: str) -> Finding:
    found = {"line": line.line_no, "sku": line.sku, "qty": line.qty, "amount_minor": line.amount_minor}
    floor, amount = (to_decimal(minor, currency) for minor in (line.floor_minor * line.qty, line.amount_minor))
    return Finding(
        "price_floor",
        "price_floor",
        found | {"floor_minor": line.floor_minor},
        f"Line {line.line_no} sells {line.qty} × {line.sku} for {amount} {currency}; its floor is {floor} {currency}.",
    )


def _of_the_risk(facts: Facts, rules: Rules) -> list[Finding]:
    findings = []
    if rules.blacklist:
        for what in sorted(facts.listed):
            sentence = f"Its {what} is on the blacklist."
            findings.append(Finding("risk", "blacklist", {"what": what}, sentence))
    limit = (rules.amount_over or {}).get(facts.currency)
    if limit is not None and facts.total_minor > limit:
        sentence = (
            f"Its total of {to_decimal(facts.total_minor, facts.currency)} {facts.currency} is above "
            f"{to_decimal(limit, facts.currency)}."
        )
        found = {"total_minor": facts.total_minor, "limit_minor": limit}
        findings.append(Finding("risk", "amount_over", found, sentence))
    if rules.units_over is not None and facts.units > rules.units_over:
        found = {"units": facts.units, "limit": rules.units_over}
        findings.append(
            Finding("risk", "units_over", found, f"It has {facts.units} units, more than {rules.units_over}.")
        )
    said = "\n".join(facts.remarks).casefold()
    words = [word for word in rules.words if word.casefold() in said]
    if words:
        sentence = f"Its remarks contain {', '.join(words)}."
        findings.append(Finding("risk", "words", {"words": words}, sentence))
    if rules.orders_within and facts.recent > rules.orders_within[0]:
        most, minutes = rules.orders_within
        sentence = f"Its buyer placed {facts.recent} orders within {minutes} minutes; {most} are usual."
        found = {"orders": facts.recent, "minutes": minutes, "limit": most}
        findings.append(Finding("risk", "orders_within", found, sentence))
    return findings


@dataclass(frozen=True, slots=True)
class StandingHold:
    """A hold that an order has or had. found: what the review saw when it opened it. by_person: it was a person
    who released it."""

    reason: str
    is_open: bool
    found: Sequence[Mapping[str, Any]] = ()
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a review changes: holds to open (by reason, with their findings), reasons whose hold is released, and
    open holds whose findings are now others."""

    opened: Mapping[str, Sequence[Finding]]
    released: Sequence[str]
    renewed: Mapping[str, Sequence[Finding]]


def decide(findings: Sequence[Finding], standing: Sequence[StandingHold]) -> Verdict:
    """Compare what the review found with the holds of the order.

    What a person let pass once is not held again for the same findings; other findings open a new hold. A hold
    that the review did not open (a person's, without findings) is not released by it.
    """
    by_reason: dict[str, list[Finding]] = {}
    for finding in findings:
        by_reason.setdefault(finding.reason, []).append(finding)
    open_now = {hold.reason: hold for hold in standing if hold.is_open}
    opened, renewed = {}, {}
    for reason, found in by_reason.items():
        seen = seen_of(found)
        if reason in open_now:
            if open_now[reason].found and list(open_now[reason].found) != seen:
                renewed[reason] = found
        elif not any(h.reason == reason and h.by_person and list(h.found) == seen for h in standing):
            opened[reason] = found
    released = [r for r, hold in open_now.items() if r in REVIEWED and r not in by_reason and hold.found]
    return Verdict(opened, sorted(released), renewed)


def seen_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """What ``findings`` saw, as it is kept with the hold."""
    return [{"rule": finding.rule, **finding.found} for finding in findings]
