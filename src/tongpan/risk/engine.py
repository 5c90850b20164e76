"""The diversion score (窜货): five signals of one dealer or shop, from facts that are handed in. Pure.

Each signal has a value from 0 to 10,000 (basis points), a weight, and the rows that it was made from. A signal that
nothing is known for says so and does not count: the score is the weighted mean of the others, from 0 to 100, times the
share of the weights that are known at all, but at least as much as ``sure_bp`` of that mean. All arithmetic is over
integers, so that the same inputs make the same score on every machine and at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

from tongpan.core.errors import Refusal

SIGNALS = ("region_mix", "bulk", "codes", "returns", "price")
FULL = 10_000
_EVIDENCE = 50


class Placed(NamedTuple):
    """Units of orders that went to one place. is_inside: it lies in the territory; None when it is not judged."""

    province: str
    city: str
    orders: int
    units: int
    is_inside: bool | None


class Bulk(NamedTuple):
    """Units of one SKU that one buyer or phone bought of the subject.

    key: a shortened blind index, nobody's name. by: "buyer" | "phone". total, shops: units of the SKU that it bought
    from all shops, and from how many. usual: the units that all but few households buy of the SKU.
    """

    sku: str
    by: str
    key: str
    orders: int
    units: int
    total: int
    shops: int
    usual: int


class Seen(NamedTuple):
    """A serial or batch that went to the subject and turned up somewhere. is_inside: as of ``Placed``."""

    kind: str
    code: str
    sku: str
    what: str
    province: str
    city: str
    shipped_at: str
    seen_at: str
    is_inside: bool | None


class CameBack(NamedTuple):
    """Units of a SKU that the subject sold to ``sold_to`` and that were handed in in ``came_back``."""

    sku: str
    sold_to: str
    came_back: str
    units: int


class Asked(NamedTuple):
    """An effective price that was seen of the subject, and what the SKU costs at the nearest authorised channel."""

    sku: str
    observation: int
    region: str
    effective_minor: int
    landed_minor: int
    nearest: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a score is made from. sold_units: of the subject in the window."""

    sold_units: int = 0
    placed: tuple[Placed, ...] = ()
    bulk: tuple[Bulk, ...] = ()
    seen: tuple[Seen, ...] = ()
    came_back: tuple[CameBack, ...] = ()
    asked: tuple[Asked, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON that ``read_inputs`` reads back."""
        return {
            "sold_units": self.sold_units,
            **{name: [list(row) for row in getattr(self, name)] for name in _ROWS},
        }


_ROWS: dict[str, Callable[..., Any]] = {
    "placed": Placed,
    "bulk": Bulk,
    "seen": Seen,
    "came_back": CameBack,
    "asked": Asked,
}


def read_inputs(stored: Mapping[str, Any]) -> Inputs:
    """The inputs that were stored as ``Inputs.as_json`` gives them."""
    rows = {name: tuple(make(*row) for row in stored[name]) for name, make in _ROWS.items()}
    return Inputs(stored["sold_units"], **rows)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the score goes by.

    weights: by signal; 0 leaves one out. tolerated_bp, full_bp: by signal, the share of units that is still normal,
    and the share from which the signal is full; for "price" how far under the landed cost. least: by signal, how many
    units (rows for "codes" and "price") must be known. household_bp: the quantile of units that a household buys of a
    SKU; least_bulk: units below which nothing is bulk. sure_bp: see the head of the module. watch, case: scores from
    which a subject is watched, or a case is opened. window_days: how far back it looks. freight_minor: what bringing
    a unit to a channel costs where the network says nothing.
    """

    weights: Mapping[str, int] = field(
        default_factory=lambda: {"region_mix": 30, "bulk": 15, "codes": 30, "returns": 10, "price": 15}
    )
    tolerated_bp: Mapping[str, int] = field(
        default_factory=lambda: {"region_mix": 500, "bulk": 1000, "codes": 0, "returns": 1000, "price": 0}
    )
    full_bp: Mapping[str, int] = field(
        default_factory=lambda: {"region_mix": 5000, "bulk": 6000, "codes": 3000, "returns": 6000, "price": 2000}
    )
    least: Mapping[str, int] = field(
        default_factory=lambda: {"region_mix": 10, "bulk": 10, "codes": 3, "returns": 3, "price": 1}
    )
    household_bp: int = 9_500
    least_bulk: int = 5
    sure_bp: int = 5_000
    watch: int = 30
    case: int = 60
    window_days: int = 90
    freight_minor: int = 800

    def as_json(self) -> dict[str, Any]:
        """Plain JSON that ``parse_rules`` reads back."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Signal:
    """value: 0 to 10,000, None when too little is known. known, striking: units (or rows) it was made from.

    evidence: the rows that speak for it, the weightiest first, at most fifty.
    """

    code: str
    weight: int
    value: int | None
    known: int
    striking: int
    evidence: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """total: 0 to 100. level: "none" | "watch" | "case". signals: one for each of SIGNALS."""

    total: int
    level: str
    signals: tuple[Signal, ...]

    def signals_json(self) -> list[dict[str, Any]]:
        """The signals as plain JSON, the same for the same score."""
        return [asdict(one) | {"evidence": [list(row) for row in one.evidence]} for one in self.signals]


def score(inputs: Inputs, rules: Rules) -> Score:
    """The score of one subject. The order of the rows of ``inputs`` makes no difference."""
    signals = tuple(_MAKERS[code](inputs, rules) for code in SIGNALS)
    known = [one for one in signals if one.value is not None and one.weight > 0]
    weights = sum(one.weight for one in known)
    everything = sum(one.weight for one in signals)
    if not weights:
        return Score(0, "none", signals)
    points = sum(one.weight * (one.value or 0) for one in known)
    # What is known of a part only weighs less, but a clear signal is not drowned by what nobody recorded.
    share = max(rules.sure_bp, FULL * weights // everything)
    total = (points * share + weights * FULL * 50) // (weights * FULL * 100)
    return Score(total, "case" if total >= rules.case else "watch" if total >= rules.watch else "none", signals)


def _signal(
    code: str, rules: Rules, known: int, striking: int, rows: Sequence[tuple[tuple[int, ...], tuple[Any, ...]]]
) -> Signal:
    """rows: (weight to order by, evidence)."""
    evidence = tuple(row for _, row in sorted(rows, key=lambda r: (tuple(-w for w in r[0]), repr(r[1]))))[:_EVIDENCE]
    weight = rules.weights[code]
    if known < rules.least[code]:
        return Signal(code, weight, None, known, striking, evidence)
    return Signal(code, weight, _stretched(code, FULL * striking // known, rules), known, striking, evidence)


def _stretched(code: str, share_bp: int, rules: Rules) -> int:
    """``share_bp`` between what is tolerated (0) and what is full (10,000)."""
    low, high = rules.tolerated_bp[code], rules.full_bp[code]
    return min(FULL, max(0, (share_bp - low) * FULL // (high - low)))


def _region_mix(inputs: Inputs, rules: Rules) -> Signal:
    """The share of units that went to places outside the territory."""
    judged = [one for one in inputs.placed if one.is_inside is not None]
    outside = [one for one in judged if not one.is_inside]
    return _signal(
        "region_mix",
        rules,
        sum(one.units for one in judged),
        sum(one.units for one in outside),
        [((one.units,), (one.province, one.city, one.orders, one.units)) for one in outside],
    )


def _bulk(inputs: Inputs, rules: Rules) -> Signal:
    """The share of units sold to buyers or phones that bought more of the SKU, from all shops, than a household does.

    The same units may show up under a buyer and under a phone: the larger of both sums counts.
    """
    over = [one for one in inputs.bulk if one.total > max(one.usual, rules.least_bulk - 1)]
    sums = {by: sum(one.units for one in over if one.by == by) for by in ("buyer", "phone")}
    return _signal(
        "bulk",
        rules,
        inputs.sold_units,
        min(inputs.sold_units, max(sums.values())),
        [((one.shops, one.total), tuple(one)) for one in over],
    )


def _codes(inputs: Inputs, rules: Rules) -> Signal:
    """The share of serials and batches that turned up outside the territory when first seen."""
    judged = [one for one in inputs.seen if one.is_inside is not None]
    outside = [one for one in judged if not one.is_inside]
    return _signal(
        "codes",
        rules,
        len(judged),
        len(outside),
        [
            ((1,), (one.kind, one.code, one.sku, one.what, one.province, one.city, one.shipped_at, one.seen_at))
            for one in outside
        ],
    )


def _returns(inputs: Inputs, rules: Rules) -> Signal:
    """The share of returned units that were handed in in another province than they were sold to."""
    elsewhere = [one for one in inputs.came_back if one.sold_to != one.came_back]
    return _signal(
        "returns",
        rules,
        sum(one.units for one in inputs.came_back),
        sum(one.units for one in elsewhere),
        [((one.units,), tuple(one)) for one in elsewhere],
    )


def _price(inputs: Inputs, rules: Rules) -> Signal:
    """How far the lowest of the prices seen lies under the landed cost of the nearest authorised channel."""
    under = [one for one in inputs.asked if one.effective_minor < one.landed_minor]
    gaps = [(FULL * (one.landed_minor - one.effective_minor) // one.landed_minor, one) for one in under]
    weight, known = rules.weights["price"], len(inputs.asked)
    rows = sorted(((gap, tuple(one)) for gap, one in gaps), key=lambda row: (-row[0], repr(row[1])))
    evidence = tuple(row for _, row in rows)[:_EVIDENCE]
    if known < rules.least["price"]:
        return Signal("price", weight, None, known, len(under), evidence)
    worst = max((gap for gap, _ in gaps), default=0)
    return Signal("price", weight, _stretched("price", worst, rules) if worst else 0, known, len(under), evidence)


_MAKERS: dict[str, Callable[[Inputs, Rules], Signal]] = {
    "region_mix": _region_mix,
    "bulk": _bulk,
    "codes": _codes,
    "returns": _returns,
    "price": _price,
}
_NUMBERS = {
    "household_bp": (5_000, FULL),
    "least_bulk": (2, 100_000),
    "sure_bp": (0, FULL),
    "watch": (1, 100),
    "case": (1, 100),
    "window_days": (1, 730),
    "freight_minor": (0, 10**9),
}
_SHARES = {"weights": (0, 1000), "tolerated_bp": (0, FULL - 1), "full_bp": (1, FULL), "least": (1, 1_000_000)}


def parse_rules(given: Mapping[str, Any]) -> Rules:
    """The rules that plain JSON describes; what it leaves out keeps its default.

    Raises Refusal diversion.rules with a sentence that names the rule.
    """
    known = {one.name for one in fields(Rules)}
    if unknown := sorted(set(given) - known):
        raise _bad(f"There is no rule {', '.join(unknown)}; the rules are {', '.join(sorted(known))}")
    default, read = Rules(), dict[str, Any]()
    for name, (least, most) in _NUMBERS.items():
        read[name] = _whole(name, given.get(name, getattr(default, name)), least, most)
    for name, (least, most) in _SHARES.items():
        value = given.get(name, {})
        if not isinstance(value, Mapping) or set(value) - set(SIGNALS):
            raise _bad(f"{name} must give numbers by signal, of {', '.join(SIGNALS)}")
        read[name] = {
            code: _whole(f"{name}.{code}", value.get(code, getattr(default, name)[code]), least, most)
            for code in SIGNALS
        }
    for code in SIGNALS:
        if read["full_bp"][code] <= read["tolerated_bp"][code]:
            raise _bad(f"full_bp.{code} must lie above tolerated_bp.{code}")
    if read["case"] < read["watch"]:
        raise _bad("case must not lie under watch")
    if not any(read["weights"].values()):
        raise _bad("At least one signal needs a weight")
    return Rules(**read)


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _bad(f"{name} must be a whole number from {least} to {most}")
    return value


def _bad(what: str) -> Refusal:
    return Refusal("diversion.rules", f"{what}.")
