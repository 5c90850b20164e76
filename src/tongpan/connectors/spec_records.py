"""The sections of mappings whose rows stand for themselves: counts, nodes, shops, parcels, entries of a ledger."""

from __future__ import annotations

from tongpan.connectors.spec_values import Field_, Strict, When


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


class DoorSpec(Strict):
    """How many came in at a node within the hour of ``at``."""

    node: Field_
    at: Field_
    entered: Field_
    is_simulated: Field_ | None = None


class NodeSpec(Strict):
    """A place that ships goods. serves, takes_returns_of: codes of shops, with blanks, commas or ; between.

    What an empty cell of groups and the fields behind it says nothing of stays; "-" takes a list or hours away.
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
    groups: Field_ | None = None
    order_limit: Field_ | None = None
    accept_minutes: Field_ | None = None
    cut_off: Field_ | None = None
    base_cost: Field_ | None = None
    cost_per_km: Field_ | None = None
    cost_currency: Field_ | None = None
    priority: Field_ | None = None
    territory: Field_ | None = None
    facilities: Field_ | None = None
    in_pool: Field_ | None = None
    hours: Field_ | None = None
    special_days: Field_ | None = None
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


class CustomerSpec(Strict):
    """A person known by an identifier, without an order."""

    kind: Field_
    scope: Field_
    value: Field_
    name: Field_ | None = None
    province: Field_ | None = None
    city: Field_ | None = None


class LedgerSpec(Strict):
    """An entry of a shop's account. Where ``outgoing`` holds, the amount went out: it is stored below zero.

    parts: what the amount is made of, by the names of ``orders.ledger.PARTS``, in the signs of the file.
    """

    number: Field_
    at: Field_
    amount: Field_
    outgoing: When | None = None
    shop: Field_ | None = None
    currency: Field_ | None = None
    scene: Field_ | None = None
    kind: Field_ | None = None
    account: Field_ | None = None
    order: Field_ | None = None
    line: Field_ | None = None
    after_sale: Field_ | None = None
    balance: Field_ | None = None
    note: Field_ | None = None
    parts: dict[str, Field_] = {}


class PriceSpec(Strict):
    """A price of a list: "guide", the code of a channel, or that of a price list. Without a time from: at once."""

    price_list: Field_
    code: Field_
    price: Field_
    units: Field_ | None = None
    starts: Field_ | None = None
    ends: Field_ | None = None


class FloorSpec(Strict):
    """The least that a unit may be offered for, and the least after all discounts; everywhere, or in a province."""

    code: Field_
    floor: Field_
    least: Field_ | None = None
    region: Field_ | None = None
    currency: Field_ | None = None


class CostSpec(Strict):
    """What a unit costs the company, from a time on. Without one: at once."""

    code: Field_
    cost: Field_
    currency: Field_ | None = None
    starts: Field_ | None = None


class PriceSeenSpec(Strict):
    """A price that was seen. discounts: in words, as ``pricing.patrol.wording`` reads them."""

    sku: Field_
    channel: Field_
    seller_class: Field_
    listed: Field_
    at: Field_
    seller: Field_ | None = None
    shop: Field_ | None = None
    dealer: Field_ | None = None
    discounts: Field_ | None = None
    units: Field_ | None = None
    currency: Field_ | None = None
    goods: Field_ | None = None
    region: Field_ | None = None
    url: Field_ | None = None
    evidence: Field_ | None = None
    hash: Field_ | None = None
    observer: Field_ | None = None
    is_simulated: Field_ | None = None


class GoodsCodeSpec(Strict):
    """A serial number or batch that went to a dealer; without ``kind`` a serial number."""

    code: Field_
    sku: Field_
    dealer: Field_
    at: Field_
    kind: Field_ | None = None
    qty: Field_ | None = None
    document: Field_ | None = None


class SightingSpec(Strict):
    """Where a serial number or batch turned up."""

    code: Field_
    what: Field_
    province: Field_
    at: Field_
    city: Field_ | None = None
    kind: Field_ | None = None
    source: Field_ | None = None


RecordSection = (
    StockLevel
    | ChannelDaySpec
    | DoorSpec
    | NodeSpec
    | ShopSpec
    | ParcelSpec
    | TrackingSpec
    | CustomerSpec
    | LedgerSpec
    | PriceSpec
    | FloorSpec
    | CostSpec
    | PriceSeenSpec
    | GoodsCodeSpec
    | SightingSpec
)
