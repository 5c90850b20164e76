"""How lots are drawn, so that everybody can compute it again. Pure.

Before the first entry the SHA-256 of a secret seed is published; after the last one the seed. The number drawn for
entry n of the lottery CODE is the first 8 bytes of HMAC-SHA256(key: the seed's 32 bytes, message: "CODE:n"), as an
unsigned big-endian integer, modulo 1,000,000. Prizes take the numbers from 0 on in the order in which they are
announced, each as many as its chance in millionths; the rest wins nothing. 2**64 is no multiple of a million: a number
is likelier than another by at most one in 18 trillion.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

OUT_OF = 1_000_000
NO_CHAIN = "0" * 64


@dataclass(frozen=True, slots=True)
class LoggedDraw:
    """A row of the fairness log. prize: its place among the prizes (from 0), None for none."""

    number: int
    customer: str
    source: str
    reference: str
    drawn: int
    prize: int | None
    chain: str


def hash_of(seed: bytes) -> str:
    """What is published of the seed before it is revealed."""
    return hashlib.sha256(seed).hexdigest()


def draw(seed: bytes, lottery: str, number: int) -> int:
    """The number drawn for an entry, 0 to 999,999."""
    digest = hmac.new(seed, f"{lottery}:{number}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") % OUT_OF


def prize_at(chances: Sequence[int], drawn: int) -> int | None:
    """Which prize (by its place in ``chances``, in millionths) a number means; None for none."""
    for place, chance in enumerate(chances):
        if drawn < chance:
            return place
        drawn -= chance
    return None


def link(before: str, row: LoggedDraw) -> str:
    """The chain after ``row``: SHA-256 of the chain before and of what the row says."""
    said = f"{before}|{row.number}|{row.customer}|{row.source}|{row.reference}|{row.drawn}|{row.prize}"
    return hashlib.sha256(said.encode()).hexdigest()


def faults(lottery: str, seed: bytes, seed_hash: str, chances: Sequence[int], log: Sequence[LoggedDraw]) -> list[str]:
    """What is wrong with a fairness log, a sentence each; nothing of an honest one."""
    found = [] if hash_of(seed) == seed_hash else ["The seed is not the one whose hash was published."]
    before = NO_CHAIN
    for place, row in enumerate(log, 1):
        if row.number != place:
            found.append(f"Entry {place} is missing.")
            break
        if row.drawn != draw(seed, lottery, row.number):
            found.append(f"Entry {row.number} drew {row.drawn}, not {draw(seed, lottery, row.number)}.")
        if row.prize != prize_at(chances, row.drawn):
            found.append(f"The prize of entry {row.number} is not the one that its number means.")
        before = link(before, row)
        if before != row.chain:
            found.append(f"The log was changed at entry {row.number} or before.")
            break
    return found
