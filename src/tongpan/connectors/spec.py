"""The mapping language: what a mapping file may say, as typed and validated objects.

A mapping says which columns a table has, which rows belong to one document, which class each row is of, and
which field of the document each column fills. ``docs/reference/mapping-files.md`` explains it to people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

CLASSES = ("sale", "return", "adjustment", "correction", "ignore")
NUMBER_TESTS = ("lt", "le", "gt", "ge", "eq", "ne")
TEXT_TESTS = ("is", "in", "not_in", "starts_with", "ends_with", "contains", "matches", "empty")
WORDS = ("all", "any", "not")


@dataclass(frozen=True, slots=True)
class Test:
    """One test of one column: ``op`` is one of NUMBER_TESTS or TEXT_TESTS."""

    column: str
    op: str
    operand: Any


@dataclass(frozen=True, slots=True)
class Condition:
    """``word`` joins the parts: "all", "any", or "not" (none of them holds)."""

    word: Literal["all", "any", "not"]
    parts: tuple[Test | Condition, ...]


def parse_condition(raw: Any) -> Condition:
    """A condition as YAML gives it: {column: test, …} (all hold), {any: [..]}, {all: [..]}, {not: {..}}.

    Raises ValueError with a sentence that says what is allowed.
    """
    if isinstance(raw, Condition):
        return raw
    if not isinstance(raw, MappingABC) or not raw:
        raise ValueError("a condition is a table of columns and tests, such as {price: {lt: 0}}")
    parts: list[Test | Condition] = []
    for key, value in raw.items():
        if key in ("any", "all"):
            if not isinstance(value, list) or not value:
                raise ValueError(f"{key!r} takes a list of conditions")
            parts.append(Condition(key, tuple(parse_condition(item) for item in value)))
        elif key == "not":
            parts.append(Condition("not", (parse_condition(value),)))
        else:
            parts.extend(_tests(str(key), value))
    return Condition("all", tuple(parts))


def _tests(column: str, raw: Any) -> list[Test]:
    if isinstance(raw, list):
        return [Test(column, "in", frozenset(_text(item) for item in raw))]
    if not isinstance(raw, MappingABC):
        return [Test(column, "is", _text(raw))]
    return [Test(column, str(op), _operand(column, str(op), value)) for op, value in raw.items()]


def _operand(column: str, op: str, value: Any) -> Any:
    if op in NUMBER_TESTS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{column}: {op} compares with a number, not {value!r}")
        return value
    if op == "empty":
        if not isinstance(value, bool):
            raise ValueError(f"{column}: empty is true or false, not {value!r}")
        return value
    if op in ("in", "not_in"):
        if not isinstance(value, list):
            raise ValueError(f"{column}: {op} takes a list")
        return frozenset(_text(item) for item in value)
    if op == "matches":
        return compiled_pattern(value)
    if op in TEXT_TESTS:
        return _text(value)
    raise ValueError(f"{column}: {op!r} is no test; allowed are {', '.join(TEXT_TESTS + NUMBER_TESTS)}")


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        raise ValueError(f"{value!r} must be a text; put it in quotes")
    return str(value)


def compiled_pattern(value: Any) -> re.Pattern[str]:
    """A regular expression from a mapping file. Raises ValueError when it is not one."""
    try:
        return re.compile(_text(value))
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from error


def _as_list(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


def _as_value(raw: Any) -> Any:
    if isinstance(raw, str | list):
        return {"from": raw}
    return raw


def _as_column(raw: Any) -> Any:
    if isinstance(raw, str | list):
        return {"header": raw}
    return raw


def _as_sections(raw: Any) -> Any:
    return [raw] if isinstance(raw, MappingABC) else raw


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, raw: Any) -> Any:
        if not isinstance(raw, MappingABC):
            return raw
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        for key in raw:
            if key not in allowed:
                raise ValueError(f"{key!r} is not known here; allowed are {', '.join(allowed)}")
        return raw


When = Annotated[Condition, BeforeValidator(parse_condition)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(compiled_pattern)]


class Column(Strict):
    """One column of the file: the header it goes by, with other spellings in order of preference."""

    header: Names
    optional: bool = False


class Value(Strict):
    """Where a field's value comes from, and what is done with the text on its way.

    Exactly one source: from (columns, the first that is not empty), const, join (columns, with ``separator`` between),
    times (the product of columns), or plus with an optional minus (sums of columns).
    """

    from_: Names | None = Field(None, alias="from")
    const: str | None = None
    join: Names | None = None
    times: Names | None = None
    plus: Names | None = None
    minus: Names | None = None
    separator: str = " "
    extract: Pattern | None = None
    remove: Pattern | None = None
    strip_prefix: str = ""
    strip_suffix: str = ""
    case: Literal["upper", "lower", ""] = ""
    map: dict[str, str] = {}
    other: Literal["keep", "empty", "reject"] = "keep"
    default: str = ""
    when: When | None = None
    take: Literal["first", "earliest", "latest", "same", ""] = ""
    required: bool = False
    formats: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Value:
        sources = [name for name in ("from_", "const", "join", "times", "plus") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError("a value has exactly one of: from, const, join, times, plus")
        if self.minus and not self.plus:
            raise ValueError("minus needs plus beside it")
        if self.extract and self.extract.groups != 1:
            raise ValueError("the expression of extract has exactly one group in parentheses")
        return self


Field_ = Annotated[Value, BeforeValidator(_as_value)]


class Buyer(Strict):
    kind: Field_
    scope: Field_
    value: Field_
    name: Field_ | None = None
    province: Field_ | None = None
    city: Field_ | None = None


class ShipToSpec(Strict):
    province: Field_ | None = None
    city: Field_ | None = None
    latitude: Field_ | None = None
    longitude: Field_ | None = None
    recipient: Field_ | None = None
    phone: Field_ | None = None
    address: Field_ | None = None


class Document(Strict):
    """The fields of the document that a row speaks of. ``at`` is when it happened, whatever its class."""

    external_id: Field_
    at: Field_
    shop: Field_ | None = None
    currency: Field_ | None = None
    version: Field_ | None = None
    channel_status: Field_ | None = None
    paid_at: Field_ | None = None
    dispatched_at: Field_ | None = None
    delivered_at: Field_ | None = None
    completed_at: Field_ | None = None
    cancelled_at: Field_ | None = None
    promised_at: Field_ | None = None
    paid: Field_ | None = None
    refunded: Field_ | None = None
    total: Field_ | None = None
    is_shipped: Field_ | None = None
    is_simulated: Field_ | None = None
    of_order: Field_ | None = None
    node: Field_ | None = None
    reason: Field_ | None = None
    buyer: Buyer | None = None
    ship_to: ShipToSpec | None = None
    known_statuses: tuple[str, ...] = ()


class Line(Strict):
    """A line of an order, a return or a correction. Without ``amount`` it is quantity × unit price."""

    kind: Literal["goods", "charge"] = "goods"
    charge_when: When | None = None
    when: When | None = None
    code: Field_
    name: Field_ | None = None
    qty: Field_ | None = None
    unit_price: Field_ | None = None
    amount: Field_ | None = None
    line_key: Field_ | None = None
    product_code: Field_ | None = None
    product_name: Field_ | None = None
    category: Field_ | None = None
    wanted_node: Field_ | None = None

    @model_validator(mode="after")
    def _has_money(self) -> Line:
        if self.amount is None and (self.unit_price is None or self.qty is None):
            raise ValueError("a line needs amount, or qty and unit_price")
        if self.kind == "goods" and self.qty is None:
            raise ValueError("a line of goods needs qty")
        return self


class StockChange(Strict):
    """What a row of class "adjustment" does to stock; ``skip_when`` names rows that touch none."""

    skip_when: When | None = None
    code: Field_
    qty: Field_
    bucket: Field_ | None = None
    name: Field_ | None = None
    note: Field_ | None = None


class PaymentSpec(Strict):
    when: When | None = None
    method: Field_
    amount: Field_
    seq: Field_ | None = None
    paid_at: Field_ | None = None


class StockLevel(Strict):
    """One counted quantity. Rows of one node and one time of counting are one count."""

    node: Field_
    code: Field_
    qty: Field_
    at: Field_ | None = None
    bucket: Field_ | None = None
    name: Field_ | None = None
    note: Field_ | None = None
    reason: Field_ | None = None
    is_simulated: Field_ | None = None


class ChannelDaySpec(Strict):
    channel: Field_
    day: Field_
    visitors: Field_
    cost: Field_
    is_simulated: Field_ | None = None


class NodeSpec(Strict):
    """A place that ships goods. serves, takes_returns_of: codes of shops, with blanks, commas or ; between.

    serves_import_shop: the nodes serve the shop that the import is for.
    """

    code: Field_
    kind: Field_
    name: Field_ | None = None
    province: Field_ | None = None
    city: Field_ | None = None
    division: Field_ | None = None
    latitude: Field_ | None = None
    longitude: Field_ | None = None
    zone: Field_ | None = None
    tracks_stock: Field_ | None = None
    serves: Field_ | None = None
    takes_returns_of: Field_ | None = None
    is_simulated: Field_ | None = None
    serves_import_shop: bool = False


class ShopSpec(Strict):
    code: Field_
    channel: Field_
    name: Field_ | None = None
    kind: Field_ | None = None
    account: Field_ | None = None
    capacity: Field_ | None = None
    currency: Field_ | None = None
    zone: Field_ | None = None
    channel_name_zh: Field_ | None = None
    channel_name_en: Field_ | None = None
    is_simulated: Field_ | None = None


class ParcelSpec(Strict):
    """A parcel that left. shop, order and node name what was sent; at is when."""

    order: Field_
    carrier: Field_
    number: Field_
    at: Field_
    shop: Field_ | None = None
    node: Field_ | None = None


class TrackingSpec(Strict):
    """What a carrier told of a parcel. kind: a word that the section's values turn into one of ours."""

    carrier: Field_
    number: Field_
    kind: Field_
    at: Field_
    place: Field_ | None = None
    text: Field_ | None = None
    event: Field_ | None = None


class ClassRule(Strict):
    class_: Literal["sale", "return", "adjustment", "correction", "ignore"] = Field(alias="class")
    when: When | None = None


class Lookup(Strict):
    """Columns of another table of the mapping, reached as NAME.column: its ``where`` columns equal ours."""

    table: str
    where: dict[str, str] = Field(min_length=1)


RecordSection = StockLevel | ChannelDaySpec | NodeSpec | ShopSpec | ParcelSpec | TrackingSpec


class Table(Strict):
    """One table (file) of a format and what its rows give."""

    file: tuple[str, ...] = ()
    columns: dict[str, Annotated[Column, BeforeValidator(_as_column)]] = Field(min_length=1)
    optional: bool = False
    key: Names = ()
    line_key: tuple[str, ...] = ()
    duplicates: Literal["keep", "reject"] | None = None
    lookups: dict[str, Lookup] = {}
    classes: tuple[ClassRule, ...] = (ClassRule.model_validate({"class": "sale"}),)
    document: Document | None = None
    lines: Annotated[tuple[Line, ...], BeforeValidator(_as_sections)] = ()
    adjustments: StockChange | None = None
    payments: PaymentSpec | None = None
    levels: StockLevel | None = None
    channel_days: ChannelDaySpec | None = None
    nodes: NodeSpec | None = None
    shops: ShopSpec | None = None
    parcels: ParcelSpec | None = None
    tracking: TrackingSpec | None = None

    @property
    def records(self) -> RecordSection | None:
        """The section of rows that are complete in themselves, None for a table of documents."""
        return self.levels or self.channel_days or self.nodes or self.shops or self.parcels or self.tracking


class Title(Strict):
    zh: str
    en: str


class ShopDefaults(Strict):
    """What a shop gets that the import itself creates."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    zone: str = "Asia/Shanghai"


class Times(Strict):
    formats: tuple[str, ...] = ()
    zone: str = ""


class Mapping(Strict):
    """A whole mapping file. With one table its keys may stand at the top; with several they stand in tables."""

    format: str = Field(pattern="^[a-z0-9][a-z0-9-]{1,39}$")
    title: Title
    about: str
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""
    shop: ShopDefaults = ShopDefaults()
    nulls: tuple[str, ...] = ("NULL", "null", "\\N")
    times: Times = Times()
    decimal_comma: bool = False
    priority: int = 0
    detect: tuple[str, ...] = ()
    tables: dict[str, Table] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_table(cls, raw: Any) -> Any:
        """Fold the keys of a single table under ``tables``, so that everything after sees one shape."""
        if not isinstance(raw, MappingABC):
            raise ValueError("a mapping file is a table of keys")
        if "tables" in raw:
            return raw
        own = set(cls.model_fields)
        return {key: value for key, value in raw.items() if key in own} | {
            "tables": {"rows": {key: value for key, value in raw.items() if key not in own}}
        }

    @property
    def is_single(self) -> bool:
        return len(self.tables) == 1
