"""The shops that documents name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tongpan.core.bulk import fetch_all


@dataclass(frozen=True, slots=True)
class ShopInfo:
    id: int
    channel_id: int
    currency: str
    zone: str


def shops_by_code(codes: Collection[str]) -> dict[str, ShopInfo]:
    """What intake needs to know of the shops called ``codes``; unknown ones are absent."""
    texts = [code for code in codes if code.isprintable()]  # a NUL or half a character cannot be asked for
    rows = fetch_all(
        """SELECT s.code, s.id, c.id, c.currency, c.zone FROM channels_shop s
           JOIN channels_channel c ON c.id = s.channel_id WHERE s.code = ANY(%s)""",
        [sorted(set(texts))],
    )
    return {code: ShopInfo(*rest) for code, *rest in rows}
