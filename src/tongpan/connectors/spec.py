"""The mapping language: what a mapping file may say, as typed and validated objects.

A mapping says which columns a table has, which rows belong to one document, which class each row is of, and
which field of the document each column fills. ``docs/reference/mapping-files.md`` explains it to people.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from tongpan.connectors.spec_records import (
    ChannelDaySpec,
    CostSpec,
    CustomerSpec,
    DoorSpec,
    FloorSpec,
    GoodsCodeSpec,
    LedgerSpec,
    NodeSpec,
    ParcelSpec,
    PriceSeenSpec,
    PriceSpec,
    RecordSection,
    ShopSpec,
    SightingSpec,
    StockLevel,
    TrackingSpec,
)
from tongpan.connectors.spec_values import Column, Field_, Names, Strict, Value, When, as_column, as_sections

CLASSES = ("sale", "return", "adjustment", "correction", "ignore")
__all__ = ["Column", "Field_", "Mapping", "Strict", "Table", "Value"]


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


class DiscountSpec(Strict):
    """What somebody bears of a price. An amount that is empty or not above zero is no discount."""

    payer: Literal["platform", "shop", "influencer", "dealer", "bank", "unknown"]
    amount: Field_
    code: Field_ | None = None
    name: Field_ | None = None
    when: When | None = None


class ChargeSpec(Strict):
    """A charge of the whole document, such as postage: once, however many rows repeat it. Zero is none."""

    code: Field_
    amount: Field_
    name: Field_ | None = None
    when: When | None = None


class InvoiceSpec(Strict):
    kind: Field_ | None = None
    title: Field_ | None = None
    tax_number: Field_ | None = None
    content: Field_ | None = None


class DeliverySpec(Strict):
    method: Field_ | None = None
    node: Field_ | None = None
    slot_start: Field_ | None = None
    slot_end: Field_ | None = None
    contactless: Field_ | None = None
    gift_wrap: Field_ | None = None
    gift_card: Field_ | None = None
    fee: Field_ | None = None


class Balance(Strict):
    """The charge that takes up what ``total`` has beyond the goods and the charges."""

    code: str
    name: str = ""


Discounts = Annotated[tuple[DiscountSpec, ...], BeforeValidator(as_sections)]
Charges = Annotated[tuple[ChargeSpec, ...], BeforeValidator(as_sections)]


class Document(Strict):
    """The fields of the document that a row speaks of. ``at`` is when it happened, whatever its class.

    goods: what the buyer owes for all goods together, spread over the lines in proportion to their amounts.
    """

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
    goods: Field_ | None = None
    charges: Charges = ()
    balance: Balance | None = None
    discounts: Discounts = ()
    invoice: InvoiceSpec | None = None
    delivery: DeliverySpec | None = None
    buyer_note: Field_ | None = None
    seller_note: Field_ | None = None
    tags: tuple[Field_, ...] = ()


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
    discounts: Discounts = ()

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


class ClassRule(Strict):
    class_: Literal["sale", "return", "adjustment", "correction", "ignore"] = Field(alias="class")
    when: When | None = None


class Lookup(Strict):
    """Columns of another table of the mapping, reached as NAME.column: its ``where`` columns equal ours."""

    table: str
    where: dict[str, str] = Field(min_length=1)


class Signs(Strict):
    """Headers that tell a table from others when the format is not given.

    all: every one is there; any: at least one; none: not a single one.
    """

    all: Names = ()
    any: Names = ()
    none: Names = ()


class Split(Strict):
    """Rows that hold several lines, a separator between: ``by`` gives how many lines a row has.

    columns: hold one part for each line, or nothing. once: belong to the first line of the row when they hold one part.
    Other columns stand for every line.
    """

    by: str
    separator: str = ";"
    columns: Names
    once: Names = ()


class Table(Strict):
    """One table (file) of a format and what its rows give."""

    file: tuple[str, ...] = ()
    signs: Signs = Signs()
    split: Split | None = None
    columns: dict[str, Annotated[Column, BeforeValidator(as_column)]] = Field(min_length=1)
    optional: bool = False
    key: Names = ()
    line_key: tuple[str, ...] = ()
    duplicates: Literal["keep", "reject"] | None = None
    lookups: dict[str, Lookup] = {}
    classes: tuple[ClassRule, ...] = (ClassRule.model_validate({"class": "sale"}),)
    document: Document | None = None
    lines: Annotated[tuple[Line, ...], BeforeValidator(as_sections)] = ()
    adjustments: StockChange | None = None
    payments: PaymentSpec | None = None
    levels: StockLevel | None = None
    channel_days: ChannelDaySpec | None = None
    doors: DoorSpec | None = None
    nodes: NodeSpec | None = None
    shops: ShopSpec | None = None
    parcels: ParcelSpec | None = None
    tracking: TrackingSpec | None = None
    customers: CustomerSpec | None = None
    ledger: LedgerSpec | None = None
    prices: PriceSpec | None = None
    floors: FloorSpec | None = None
    costs: CostSpec | None = None
    prices_seen: PriceSeenSpec | None = None
    goods_codes: GoodsCodeSpec | None = None
    sightings: SightingSpec | None = None

    @property
    def records(self) -> RecordSection | None:
        """The section of rows that are complete in themselves, None for a table of documents."""
        return (
            self.levels
            or self.channel_days
            or self.doors
            or self.nodes
            or self.shops
            or self.parcels
            or self.tracking
            or self.customers
            or self.ledger
            or self.prices
            or self.floors
            or self.costs
            or self.prices_seen
            or self.goods_codes
            or self.sightings
        )


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
    """A whole mapping file. With one table its keys may stand at the top; with several they stand in tables.

    separate: its files come one at a time, in any order, and are joined by document number; exported_at: when a file of
    it was made, from its name, so that an older file never takes the place of a newer one. refuse: why a file that is
    recognised as this format is not imported.
    """

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
    separate: bool = False
    exported_at: Field_ | None = None
    refuse: str = ""
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
