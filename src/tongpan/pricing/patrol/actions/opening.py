"""What a new violation case is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class NewCase:
    """A violation that was found, with its first evidence: an observation, or ``reference`` and ``data``.

    party: "dealer:CODE", "shop:CODE" or "seller:CHANNEL:NAME". evidence: of models.Evidence.kind.
    """

    kind: str
    party: str
    party_name: str
    finding: str
    dealer_id: int | None = None
    shop_id: int | None = None
    sku_id: int | None = None
    channel_id: int | None = None
    currency: str = "CNY"
    observation_id: int | None = None
    evidence: str = "observation"
    reference: str = ""
    note: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    is_simulated: bool = False
