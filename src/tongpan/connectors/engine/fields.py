"""Compiles the values and conditions of a mapping into plain functions of a row.

A row is a sequence of raw cells. Compiling resolves every name to a position once, so that reading 300,000
rows costs dictionary look-ups: most cells of a column repeat, and each distinct text is parsed only once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar

from tongpan.connectors.conditions import NUMBER_TESTS, Condition, Test
from tongpan.connectors.engine import values
from tongpan.connectors.engine.cells import BadCell, cleaned, is_mangled
from tongpan.connectors.spec import Value
from tongpan.core.clock import zone
from tongpan.core.money import to_minor

Row = Sequence[str | None]
T = TypeVar("T")

ID_LIMIT = 120
CACHE_SIZE = 50_000
BUCKETS = ("saleable", "damaged", "inspection", "display", "sample")


@dataclass(frozen=True, slots=True)
class Settings:
    """What compiling needs to know besides the mapping.

    positions: column name → position in the row; a declared optional column that the file lacks is not in it.
    headers: column name → header in the file, for messages. currency and zone_name are the shop's. file_name: of the
    file that the rows stand in.
    """

    positions: Mapping[str, int]
    headers: Mapping[str, str]
    nulls: Collection[str] = ()
    formats: Sequence[str] = ()
    has_decimal_comma: bool = False
    currency: str = "CNY"
    zone_name: str = "Asia/Shanghai"
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Compiled(Generic[T]):
    """get(row) gives the value or raises BadCell; uses: the positions that it reads."""

    get: Callable[[Row], T]
    uses: frozenset[int] = field(default=frozenset())


def _fail(reason: str) -> Callable[[str], Any]:
    def refuse(text: str) -> Any:
        raise ValueError(reason)

    return refuse


def _identifier(limit: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if is_mangled(text):
            raise ValueError("a spreadsheet has rounded this number; export the file again as text")
        if len(text) > limit:
            raise ValueError(f"is longer than {limit} characters")
        if not text.isprintable():
            raise ValueError("holds control characters")
        return text

    return parse


def _bucket(text: str) -> str:
    if text not in BUCKETS:
        raise ValueError(f"is no quality bucket; known are {', '.join(BUCKETS)}")
    return text


def parser_of(kind: str, settings: Settings, formats: Sequence[str] = ()) -> Callable[[str], Any]:
    """The function that turns a non-empty text into a value of ``kind``; it raises ValueError.

    kind: id or id:N (longer than N is refused), text:N (longer is cut), int, decimal, money (minor units, half
    up), time, day, bool, maybe (a bool that may be unknown), latitude, longitude, bucket, or one_of:a,b,c.
    """
    name, _, argument = kind.partition(":")
    if name == "text":
        limit = int(argument or 1000)
        return lambda text: text[:limit]
    if name == "id":
        return _identifier(int(argument or ID_LIMIT))
    if name == "one_of":
        words = argument.split(",")
        return lambda text: text if text in words else _fail(f"must be one of {', '.join(words)}")(text)
    simple: dict[str, Callable[[str], Any]] = {
        "bool": values.truth_of,
        "maybe": values.truth_of,
        "day": values.day_of,
        "bucket": _bucket,
        "latitude": lambda text: values.degrees_of(text, 90),
        "longitude": lambda text: values.degrees_of(text, 180),
        "int": lambda text: values.integer_of(text, settings.has_decimal_comma),
        "decimal": lambda text: values.plain(values.decimal_of(text, settings.has_decimal_comma)),
        "money": lambda text: minor_of(values.decimal_of(text, settings.has_decimal_comma), settings.currency),
    }
    if name in simple:
        return simple[name]
    if name == "time":
        return values.time_parser([*formats, *settings.formats], zone(settings.zone_name))
    raise ValueError(f"{kind!r} is no kind of value")


def minor_of(amount: Decimal, currency: str) -> int:
    """``amount`` in minor units, half up; ValueError when it is past any real amount."""
    if abs(amount) > values.MAX_NUMBER:
        raise ValueError("is larger than any real amount")
    return to_minor(amount, currency)


EMPTY: dict[str, Any] = {"id": "", "text": "", "bool": False}


def compile_value(value: Value | None, kind: str, settings: Settings, *, required: bool = False) -> Compiled[Any]:
    """``value`` as a function of the row, giving ``kind``; an empty text gives "", False or None.

    required: an empty text is refused. Raises ValueError when the mapping names what cannot be parsed.
    """
    empty = EMPTY.get(kind.partition(":")[0])
    if value is None:
        return Compiled(lambda row: empty)
    parse = parser_of(kind, settings, value.formats)
    required = required or value.required
    if value.const is not None:
        constant = parse(value.const) if value.const else empty
        return _guarded(Compiled(lambda row: constant), value, settings, empty)
    if value.first is not None:
        return _guarded(_first(value, kind, settings, empty, required), value, settings, empty)
    if value.file_name:
        named = _change_and_parse(settings.file_name, _transformation(value), value.default, parse, empty)
        return _guarded(Compiled(lambda row: named), value, settings, empty)
    if value.times or value.plus:
        return _guarded(_arithmetic(value, kind, settings, required), value, settings, empty)
    return _guarded(_from_text(value, parse, settings, empty, required), value, settings, empty)


def _first(value: Value, kind: str, settings: Settings, empty: Any, required: bool) -> Compiled[Any]:
    """The first of the inner values that is not empty."""
    inner = [compile_value(part, kind, settings) for part in value.first or ()]
    uses = frozenset().union(*(part.uses for part in inner))
    gets = [part.get for part in inner]
    column = next((name for part in value.first or () for name in part.from_ or part.join or ()), "")

    def get(row: Row) -> Any:
        for one in gets:
            found = one(row)
            if found is not None and found != empty:
                return found
        if required:
            raise BadCell(settings.headers.get(column, column), "", "is empty, but is needed")
        return empty

    return Compiled(get, uses)


def _change_and_parse(
    text: str, change: Callable[[str], str], default: str, parse: Callable[[str], Any], empty: Any
) -> Any:
    """What a file's name gives; nothing when it does not say what is looked for in it."""
    try:
        changed = change(text) or default
        return parse(changed) if changed else empty
    except ValueError:
        return empty


def _guarded(inner: Compiled[Any], value: Value, settings: Settings, empty: Any) -> Compiled[Any]:
    """Honour ``when``: where it does not hold, the field is empty."""
    if value.when is None:
        return inner
    holds = compile_condition(value.when, settings)
    get = inner.get
    return Compiled(lambda row: get(row) if holds.get(row) else empty, inner.uses | holds.uses)


def _from_text(
    value: Value, parse: Callable[[str], Any], settings: Settings, empty: Any, required: bool
) -> Compiled[Any]:
    names = [name for name in (value.from_ or value.join or ()) if name in settings.positions]
    positions = [settings.positions[name] for name in names]
    header = settings.headers.get(names[0], names[0]) if names else (value.from_ or value.join or ("",))[0]
    change = _transformation(value)
    nulls = settings.nulls

    def finish(text: str) -> Any:
        try:
            changed = (change(text) if text else "") or value.default
            if changed:
                return parse(changed)
        except ValueError as error:
            raise BadCell(header, text, str(error)) from error
        if required:
            raise BadCell(header, text, "is empty, but is needed")
        return empty

    if len(positions) == 1:
        return Compiled(_cached(positions[0], lambda cell: finish(cleaned(cell, nulls))), frozenset(positions))
    if value.join:
        return Compiled(
            lambda row: finish(value.separator.join(filter(None, (cleaned(row[i], nulls) for i in positions)))),
            frozenset(positions),
        )
    return Compiled(
        lambda row: finish(next(filter(None, (cleaned(row[i], nulls) for i in positions)), "")),
        frozenset(positions),
    )


def _cached(position: int, parse: Callable[[str | None], Any]) -> Callable[[Row], Any]:
    cache: dict[str | None, Any] = {}

    def get(row: Row) -> Any:
        cell = row[position]
        try:
            return cache[cell]
        except KeyError:
            if len(cache) >= CACHE_SIZE:
                cache.clear()
            result = cache[cell] = parse(cell)
            return result

    return get


def _transformation(value: Value) -> Callable[[str], str]:
    """The changes of a text in their fixed order: extract, remove, strip, case, map."""

    def change(text: str) -> str:
        if value.extract:
            found = value.extract.search(text)
            text = (found[1] or "") if found else ""
        if value.remove:
            text = value.remove.sub("", text)
        text = text.removeprefix(value.strip_prefix).removesuffix(value.strip_suffix)
        if value.case:
            text = text.upper() if value.case == "upper" else text.lower()
        if value.map and text:
            if text in value.map:
                return value.map[text]
            if value.other == "reject":
                raise ValueError(f"is not one of the known values {', '.join(sorted(value.map))}")
            if value.other == "empty":
                return ""
        return text

    return change


def _arithmetic(value: Value, kind: str, settings: Settings, required: bool) -> Compiled[Any]:
    """times, plus and minus, exact in decimals; rounded once, at the end. What is taken away alone gives nothing."""
    factors = value.times or ()
    plus, minus = value.plus or (), value.minus or ()
    empty = EMPTY.get(kind)
    names = [*factors, *plus, *minus]
    present = [name for name in names if name in settings.positions]
    if any(name not in settings.positions for name in factors) or not set(present) & {*factors, *plus}:
        return Compiled(lambda row: empty)
    first = settings.headers.get(present[0], present[0])
    cells = {name: _cached(settings.positions[name], _decimal_parser(name, settings)) for name in present}

    def get(row: Row) -> Any:
        numbers = {name: cell(row) for name, cell in cells.items()}
        known = [name for name in (*factors, *plus) if numbers.get(name) is not None]
        if not known or len(known) < len(factors):
            if required:
                raise BadCell(first, "", "is empty, but is needed")
            return empty
        if factors:
            total = Decimal(1)
            for name in factors:
                total *= numbers[name] or Decimal(0)
        else:
            total = sum((numbers.get(name) or Decimal(0) for name in plus), Decimal(0))
        total -= sum((numbers.get(name) or Decimal(0) for name in minus), Decimal(0))
        try:
            return minor_of(total, settings.currency) if kind == "money" else total
        except ValueError as error:
            raise BadCell(first, str(total), str(error)) from error

    return Compiled(get, frozenset(settings.positions[name] for name in present))


def _decimal_parser(name: str, settings: Settings) -> Callable[[str | None], Decimal | None]:
    header = settings.headers.get(name, name)

    def parse(cell: str | None) -> Decimal | None:
        text = cleaned(cell, settings.nulls)
        try:
            return values.decimal_of(text, settings.has_decimal_comma) if text else None
        except ValueError as error:
            raise BadCell(header, text, str(error)) from error

    return parse


def compile_condition(condition: Condition, settings: Settings) -> Compiled[bool]:
    """``condition`` as a function of the row. A test of a column that the file lacks sees an empty text."""
    parts = [
        _compile_test(part, settings) if isinstance(part, Test) else compile_condition(part, settings)
        for part in condition.parts
    ]
    uses = frozenset().union(*(part.uses for part in parts)) if parts else frozenset[int]()
    gets = [part.get for part in parts]
    if condition.word == "any":
        return Compiled(lambda row: any(get(row) for get in gets), uses)
    if condition.word == "not":
        return Compiled(lambda row: not any(get(row) for get in gets), uses)
    if len(gets) == 1:
        return Compiled(gets[0], uses)
    return Compiled(lambda row: all(get(row) for get in gets), uses)


def _compile_test(test: Test, settings: Settings) -> Compiled[bool]:
    position = settings.positions.get(test.column)
    if test.op in NUMBER_TESTS:
        if position is None:
            return Compiled(lambda row: False)
        number = _decimal_parser(test.column, settings)
        compare = _NUMBER_TESTS[test.op]
        operand = Decimal(str(test.operand))

        def holds(cell: str | None) -> bool:
            found = number(cell)
            return found is not None and compare(found, operand)

        return Compiled(_cached(position, holds), frozenset({position}))
    check = _TEXT_TESTS[test.op]
    expected = test.operand
    nulls = settings.nulls
    if position is None:
        constant = check("", expected)
        return Compiled(lambda row: constant)
    return Compiled(_cached(position, lambda cell: check(cleaned(cell, nulls), expected)), frozenset({position}))


_NUMBER_TESTS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}
_TEXT_TESTS: dict[str, Callable[[str, Any], bool]] = {
    "is": lambda text, expected: text == expected,
    "in": lambda text, expected: text in expected,
    "not_in": lambda text, expected: text not in expected,
    "starts_with": lambda text, expected: text.startswith(expected),
    "ends_with": lambda text, expected: text.endswith(expected),
    "contains": lambda text, expected: expected in text,
    "matches": lambda text, expected: expected.fullmatch(text) is not None,
    "empty": lambda text, expected: (text == "") is expected,
}
