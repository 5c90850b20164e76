"""What is asked of after-sale, as faces and files give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WAYS = ("store", "mail", "pickup", "none")


@dataclass(frozen=True, slots=True)
class CaseLineSpec:
    """Units of an order line that come back, or that the buyer is credited or sent again.

    wanted_sku, wanted_minor: of an exchange: the SKU that is sent instead ("" for the same) and the amount of all
    its units in minor units (None: at no charge, whatever it costs).
    """

    line_no: int
    qty: int
    reason: str
    is_opened: bool = False
    wanted_sku: str = ""
    wanted_minor: int | None = None


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """A request. It names its order by id, or by shop and number; with all three they must agree.

    kind: return, refund_only, exchange or claim. way: one of WAYS; node: the code of the store or warehouse where
    the goods come back ("" for the one that takes the shop's returns). slot: of a door pickup. amount_minor: of a
    refund_only that leaves the goods with the buyer and gives back a part of the price. paid_with: how the buyer
    pays what an exchange costs more. is_simulated, currency (of its amounts): must agree with the order where given.
    """

    kind: str
    lines: Sequence[CaseLineSpec]
    order_id: int | None = None
    shop_code: str = ""
    order_number: str = ""
    way: str = "mail"
    node_code: str = ""
    slot_start: datetime | None = None
    slot_end: datetime | None = None
    amount_minor: int | None = None
    paid_with: str = ""
    note: str = ""
    is_simulated: bool | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What an inspection found: units of one line of a case that are alike."""

    line_no: int
    disposition: str
    qty: int
    note: str = ""
