"""Reading what a rule gives, kind by kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from tongpan.promotions.engine.reading import Reader
from tongpan.promotions.engine.rules import (
    EVERYTHING,
    PRICE_KINDS,
    AmountOff,
    Benefit,
    BuyGet,
    Gifts,
    Kind,
    NForPrice,
    NthItem,
    Part,
    PercentOff,
    Scope,
    SetOffer,
    Shipping,
    Step,
    Steps,
    TradeIn,
    UnitPrice,
)

ScopeReader = Callable[[Reader, Any, str], Scope]
NOTHING = PercentOff(0)
"""Stands for a benefit that could not be read; the document is refused."""


def read_benefit(reader: Reader, kind: Kind | None, raw: Any, at: str, scopes: ScopeReader) -> Benefit:
    """What a rule of ``kind`` gives; None: the kind is not known, and nothing can be said of the benefit."""
    if kind is None or raw is None:
        return SetOffer((Part(EVERYTHING, 1),)) if kind == "bundle" else NOTHING
    if kind in PRICE_KINDS:
        return _price(reader, kind, raw, at)
    if kind == "stepped":
        return _steps(reader, raw, at)
    if kind in ("gift", "sample"):
        return _gifts(reader, raw, at)
    if kind == "buy_x_get_y":
        return _buy_get(reader, raw, at, scopes)
    if kind == "bundle":
        return _set(reader, raw, at, scopes)
    if kind == "n_for_price":
        words = reader.words(raw, at, ("n", "price_minor", "max_times"), needed=("n", "price_minor"))
        return NForPrice(
            reader.units(words.get("n"), f"{at}.n", 2) or 2,
            reader.money(words.get("price_minor"), f"{at}.price_minor") or 0,
            _times(reader, words, at),
        )
    if kind == "nth_item":
        words = reader.words(raw, at, ("n", "percent", "same_sku", "max_times"), needed=("n", "percent"))
        return NthItem(
            reader.units(words.get("n"), f"{at}.n", 2) or 2,
            reader.percent(words.get("percent"), f"{at}.percent") or 0,
            reader.yes(words.get("same_sku"), f"{at}.same_sku"),
            _times(reader, words, at),
        )
    if kind == "trade_in":
        words = reader.words(raw, at, ("bonus_minor", "max_minor"))
        return TradeIn(
            reader.money(words.get("bonus_minor"), f"{at}.bonus_minor") or 0,
            reader.money(words.get("max_minor"), f"{at}.max_minor", 1),
        )
    words = reader.words(raw, at, ("amount_minor",))
    return Shipping(reader.money(words.get("amount_minor"), f"{at}.amount_minor", 1))


_WORDS_OF = {
    "percent": ("percent", "max_minor"),
    "amount": ("amount_minor", "per"),
    "fixed_price": ("price_minor", "prices"),
}
_ANY = ("percent", "max_minor", "amount_minor", "per", "price_minor", "prices")


def _price(reader: Reader, kind: Kind, raw: Any, at: str) -> Benefit:
    words = reader.words(raw, at, _WORDS_OF.get(kind, _ANY))
    known = [word for word in ("percent", "amount_minor", "price_minor", "prices") if word in _WORDS_OF.get(kind, _ANY)]
    given = [word for word in known if words.get(word) is not None]
    if "price_minor" in given and "prices" in given:
        given.remove("prices")
    if len(given) != 1:
        reader.wrong(at, f"Say one of {', '.join(known)}." if len(known) > 1 else f"Say {known[0]}.")
        return NOTHING
    for word, other in (("max_minor", "percent"), ("per", "amount_minor")):
        if words.get(word) is not None and other not in given:
            reader.wrong(f"{at}.{word}", f"This goes with {other} only.")
    if given == ["percent"]:
        return PercentOff(
            reader.percent(words["percent"], f"{at}.percent") or 0,
            reader.money(words.get("max_minor"), f"{at}.max_minor", 1),
        )
    if given == ["amount_minor"]:
        default = "order" if kind in ("amount", "first_order") else "unit"
        per = reader.choice(words.get("per"), f"{at}.per", ("unit", "order"), default)
        amount = reader.money(words["amount_minor"], f"{at}.amount_minor", 1) or 1
        return AmountOff(amount, cast(Literal["unit", "order"], per))
    prices = words.get("prices")
    found: dict[str, int] = {}
    if prices is not None and (not isinstance(prices, Mapping) or not prices):
        reader.wrong(f"{at}.prices", 'Give a price for each SKU: {"SKU": 9900}.')
    elif prices is not None:
        for sku, raw_price in prices.items():
            price = reader.money(raw_price, f"{at}.prices.{sku}")
            if price is None and raw_price is None:
                reader.wrong(f"{at}.prices.{sku}", "This is missing.")
            found[str(sku)] = price or 0
    return UnitPrice(reader.money(words.get("price_minor"), f"{at}.price_minor"), found)


def _times(reader: Reader, words: Mapping[str, Any], at: str) -> int | None:
    return reader.number(words.get("max_times"), f"{at}.max_times", 1, 10_000, "times")


def _steps(reader: Reader, raw: Any, at: str) -> Steps:
    words = reader.words(raw, at, ("by", "steps", "repeat", "max_times", "max_minor"), needed=("steps",))
    by = cast(Literal["amount", "qty"], reader.choice(words.get("by"), f"{at}.by", ("amount", "qty"), "amount"))
    least = "from_minor" if by == "amount" else "from_qty"
    is_repeated = reader.yes(words.get("repeat"), f"{at}.repeat")
    steps = []
    for number, one in enumerate(reader.entries(words.get("steps"), f"{at}.steps", "steps", least=1, most=20)):
        place = f"{at}.steps[{number}]"
        step = reader.words(one, place, (least, "amount_minor", "percent"), needed=(least,))
        if (step.get("amount_minor") is None) == (step.get("percent") is None):
            reader.wrong(place, "Say either amount_minor or percent.")
        reach = reader.number(
            step.get(least), f"{place}.{least}", 1, 10**12, "minor units" if by == "amount" else "units"
        )
        amount = reader.money(step.get("amount_minor"), f"{place}.amount_minor", 1) or 0
        percent = reader.percent(step.get("percent"), f"{place}.percent") or 0
        if by == "amount" and reach and amount > reach:
            reader.wrong(f"{place}.amount_minor", f"{amount} off is more than the {reach} that it asks for.")
        steps.append(Step(reach or 1, amount, percent))
    for number in range(1, len(steps)):
        before, after, place = steps[number - 1], steps[number], f"{at}.steps[{number}]"
        if after.at_least <= before.at_least:
            reader.wrong(
                f"{place}.{least}", "Steps contradict each other: this one does not ask for more than the one before."
            )
        elif bool(after.amount_minor) != bool(before.amount_minor):
            reader.wrong(place, "Steps contradict each other: all give amounts, or all give percentages.")
        elif (after.amount_minor, after.percent_bp) <= (before.amount_minor, before.percent_bp):
            reader.wrong(place, "Steps contradict each other: this one asks for more and gives no more.")
    if is_repeated and (len(steps) != 1 or steps[0].percent_bp):
        reader.wrong(f"{at}.repeat", "Only a single step that gives an amount can be repeated.")
    times = _times(reader, words, at)
    if times is not None and not is_repeated:
        reader.wrong(f"{at}.max_times", "This goes with repeat only.")
    most = reader.money(words.get("max_minor"), f"{at}.max_minor", 1)
    return Steps(by, tuple(steps) or (Step(1),), is_repeated, times, most)


def _gifts(reader: Reader, raw: Any, at: str) -> Gifts:
    words = reader.words(raw, at, ("gifts", "repeat", "max_times"), needed=("gifts",))
    gifts: list[tuple[str, int]] = []
    for number, one in enumerate(reader.entries(words.get("gifts"), f"{at}.gifts", "gifts", least=1, most=50)):
        place = f"{at}.gifts[{number}]"
        inner = reader.words(one, place, ("sku", "qty"), needed=("sku",))
        sku = reader.text(inner.get("sku"), f"{place}.sku")
        if sku in [known for known, _ in gifts if known]:
            reader.wrong(f"{place}.sku", f"{sku} is listed twice.")
        gifts.append((sku, reader.units(inner.get("qty", 1), f"{place}.qty") or 1))
    is_repeated = reader.yes(words.get("repeat"), f"{at}.repeat")
    times = _times(reader, words, at)
    if times is not None and not is_repeated:
        reader.wrong(f"{at}.max_times", "This goes with repeat only.")
    return Gifts(tuple(gifts), is_repeated, times)


def _buy_get(reader: Reader, raw: Any, at: str, scopes: ScopeReader) -> BuyGet:
    words = reader.words(raw, at, ("buy", "get", "percent", "of", "max_times", "spread"), needed=("buy", "get"))
    return BuyGet(
        reader.units(words.get("buy"), f"{at}.buy") or 1,
        reader.units(words.get("get"), f"{at}.get") or 1,
        10_000 if words.get("percent") is None else reader.percent(words["percent"], f"{at}.percent") or 0,
        None if words.get("of") is None else scopes(reader, words["of"], f"{at}.of"),
        _times(reader, words, at),
        cast(Literal["set", "given"], reader.choice(words.get("spread"), f"{at}.spread", ("set", "given"), "set")),
    )


def _set(reader: Reader, raw: Any, at: str, scopes: ScopeReader) -> SetOffer:
    known = ("parts", "price_minor", "percent", "amount_minor", "max_times")
    words = reader.words(raw, at, known, needed=("parts",))
    parts = []
    for number, one in enumerate(
        reader.entries(words.get("parts"), f"{at}.parts", "parts of the set", least=1, most=20)
    ):
        place = f"{at}.parts[{number}]"
        inner = reader.words(one, place, ("skus", "products", "categories", "tags", "except", "qty"))
        scope = scopes(reader, {word: value for word, value in inner.items() if word != "qty"}, place)
        parts.append(Part(scope, reader.units(inner.get("qty", 1), f"{place}.qty") or 1))
    if parts and sum(part.qty for part in parts) < 2:
        reader.wrong(f"{at}.parts", "A set has at least two units.")
    if sum(words.get(word) is not None for word in ("price_minor", "percent", "amount_minor")) != 1:
        reader.wrong(at, "Say one of price_minor, percent and amount_minor.")
    return SetOffer(
        tuple(parts) or (Part(EVERYTHING, 1),),
        reader.money(words.get("price_minor"), f"{at}.price_minor"),
        reader.percent(words.get("percent"), f"{at}.percent") or 0,
        reader.money(words.get("amount_minor"), f"{at}.amount_minor", 1) or 0,
        _times(reader, words, at),
    )
