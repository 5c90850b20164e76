"""Taking proposals up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from tongpan.forecasting.queries import Proposal
from tongpan.inventory.actions import create_transfers
from tongpan.inventory.engine.transfers import TransferDoc, TransferOutcome, Wanted

SOURCE = "allocation"


def take_up(proposals: Sequence[Proposal], *, actor: str, now: datetime) -> list[TransferOutcome]:
    """Make a draft transfer of each pair of nodes that ``proposals`` name; the outcomes, by from and to.

    A draft takes no stock yet. The number of a transfer is made of the day and of what it moves, so the same
    proposals taken up twice on one day (UTC) make one set of transfers: the second time they are unchanged.
    """
    pairs: dict[tuple[str, str], list[Wanted]] = {}
    for p in sorted(proposals, key=lambda p: (p.from_code, p.to_code, p.sku_code)):
        pairs.setdefault((p.from_code, p.to_code), []).append(Wanted(p.sku_code, p.units))
    docs = [
        TransferDoc(SOURCE, _number(from_code, to_code, lines, now), from_code, to_code, lines)
        for (from_code, to_code), lines in pairs.items()
    ]
    return create_transfers(docs, actor=actor, now=now)


def _number(from_code: str, to_code: str, lines: Sequence[Wanted], now: datetime) -> str:
    content = hashlib.blake2b(repr((from_code, to_code, lines)).encode(), digest_size=4).hexdigest()
    return f"{now:%Y%m%d}-{content}"
