"""Codes that people name: what each stands for, and why one cannot be used. Wrong ones are counted."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from tongpan.access.vault import blind_index
from tongpan.core.bulk import execute, fetch_all, texts, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.promotions.codes import LENGTH, Coder, looks_like_code, tidy

MOST_FAILURES = 20
"""Wrong codes that one customer or source may name within ``_WITHIN``."""
_WITHIN = timedelta(minutes=10)
_REMEMBERED = 20_000


@functools.cache
def coder() -> Coder:
    """The coder of this installation: its key comes from the vault and never changes."""
    return Coder(blind_index("promotions", "coupon codes", "1") + blind_index("promotions", "coupon codes", "2"))


class Presented(NamedTuple):
    """A code named by ``customer_id`` (None: nobody known) with what the front says of the customer."""

    code: str
    customer_id: int | None = None
    segments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """What a code stands for. problem: why it cannot be used now, "" when it can; a key of ``PROBLEMS``.

    coupon_id: None for a public code, which every order uses anew. count, per_customer: of a public code.
    """

    code: str
    problem: str
    batch_id: int = 0
    rule: str = ""
    coupon_id: int | None = None
    count: int | None = None
    per_customer: int | None = None
    state: str = ""


PROBLEMS = {
    "unknown": "There is no coupon {code}; check every letter and digit.",
    "used": "Coupon {code} is used already.",
    "locked": "Coupon {code} is held by another order.",
    "void": "Coupon {code} is void.",
    "stopped": "Coupon {code} is not valid any more.",
    "early": "Coupon {code} is not valid yet.",
    "expired": "Coupon {code} has expired.",
    "foreign": "Coupon {code} belongs to another customer.",
    "targeted": "Coupon {code} is meant for other customers.",
    "spent": "Coupon {code} was used as often as it may be.",
}


def refuse(found: Found) -> Refusal:
    """The refusal of a code that has a problem: its code is "coupon." and the problem."""
    return Refusal(f"coupon.{found.problem}", PROBLEMS[found.problem].format(code=found.code))


def look_up(presented: Sequence[Presented], *, now: datetime, order_id: int | None = None) -> list[Found]:
    """What each of ``presented`` stands for, at the same position. order_id: whose own coupons are no hindrance.

    One statement when any could be a code or a word, none for what is mistyped.
    """
    numbers: dict[int, list[int]] = {}
    words: dict[str, list[int]] = {}
    tidied = [tidy(one.code)[:40].replace("\x00", "") for one in presented]
    for at, code in enumerate(tidied):
        number = coder().number(code) if len(code) == LENGTH else None
        if number is not None:
            numbers.setdefault(number, []).append(at)
        elif len(code) != LENGTH and code.isalnum() and code.isascii():
            words.setdefault(code, []).append(at)
    results = [Found(code, "unknown") for code in tidied]
    if not numbers and not words:
        return results
    rows = fetch_all(
        """SELECT c.number, NULL, b.id, b.rule, c.id, b.count, b.per_customer, c.state, c.customer_id, c.order_id,
                  b.is_stopped, b.valid_from, b.valid_until, c.expires_at, b.segment, b.has_targets,
                  ARRAY(SELECT t.customer_id FROM promotions_batchtarget t
                        WHERE b.has_targets AND t.batch_id = b.id AND t.customer_id = ANY(%(customers)s::bigint[])), 0
           FROM promotions_coupon c JOIN promotions_couponbatch b ON b.id = c.batch_id
           WHERE c.number = ANY(%(numbers)s::bigint[])
           UNION ALL
           SELECT NULL, b.word, b.id, b.rule, NULL, b.count, b.per_customer, '', NULL, NULL,
                  b.is_stopped, b.valid_from, b.valid_until, NULL, b.segment, b.has_targets,
                  ARRAY(SELECT t.customer_id FROM promotions_batchtarget t
                        WHERE b.has_targets AND t.batch_id = b.id AND t.customer_id = ANY(%(customers)s::bigint[])),
                  coalesce((SELECT k.used FROM promotions_counter k WHERE k.key = 'batch:' || b.id || ':uses'), 0)
           FROM promotions_couponbatch b WHERE b.word = ANY(%(words)s::text[])""",
        {
            "numbers": whole_numbers(numbers),
            "words": texts(words),
            "customers": whole_numbers({one.customer_id for one in presented if one.customer_id is not None}),
        },
    )
    for row in rows:
        seen = _Row(*row)
        places = numbers[seen.number] if seen.number is not None else words[seen.word or ""]
        for at in places:
            problem = _problem(seen, presented[at], now, order_id)
            results[at] = Found(
                tidied[at],
                problem,
                seen.batch_id,
                seen.rule,
                seen.coupon_id,
                seen.count if seen.coupon_id is None else None,
                seen.per_customer if seen.coupon_id is None else None,
                seen.state,
            )
    return results


@dataclass(frozen=True, slots=True)
class _Row:
    number: int | None
    word: str | None
    batch_id: int
    rule: str
    coupon_id: int | None
    count: int | None
    per_customer: int | None
    state: str
    customer_id: int | None
    order_id: int | None
    is_stopped: bool
    valid_from: datetime
    valid_until: datetime | None
    expires_at: datetime | None
    segment: str
    has_targets: bool
    targets: list[int]
    uses: int


def _problem(row: _Row, one: Presented, now: datetime, order_id: int | None) -> str:
    if row.state == "used" or (row.state == "locked" and (order_id is None or row.order_id != order_id)):
        return row.state
    if row.state == "void" or row.is_stopped:
        return "void" if row.state == "void" else "stopped"
    if now < row.valid_from:
        return "early"
    if any(end is not None and now >= end for end in (row.valid_until, row.expires_at)):
        return "expired"
    if row.customer_id is not None and row.customer_id != one.customer_id:
        return "foreign"
    if (row.segment and row.segment not in one.segments) or (row.has_targets and one.customer_id not in row.targets):
        return "targeted"
    if row.coupon_id is None and row.count is not None and row.uses >= row.count:
        return "spent"
    return ""


class _Misses:
    """Mistyped codes of the last minutes, in this process alone: they cost no statement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, list[datetime]] = OrderedDict()

    def add(self, who: str, now: datetime) -> None:
        with self._lock:
            self._seen.setdefault(who, []).append(now)
            self._seen.move_to_end(who)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)

    def count(self, who: str, now: datetime) -> int:
        with self._lock:
            recent = [at for at in self._seen.get(who, ()) if at > now - _WITHIN]
            if who in self._seen:
                self._seen[who] = recent
            return len(recent)


_misses = _Misses()


def check_attempts(who: Collection[str], *, now: datetime) -> None:
    """Refuse somebody who named too many wrong codes lately: Refusal("coupon.too_many").

    who: "customer:ID", "source:NAME". One statement.
    """
    rows = fetch_all(
        """SELECT who, sum(count)::int FROM promotions_failedcode WHERE who = ANY(%s::text[]) AND minute > %s
           GROUP BY who""",
        [texts(_named(who)), now - _WITHIN],
    )
    stored: Mapping[str, int] = dict(rows)
    if any(stored.get(one, 0) + _misses.count(one, now) >= MOST_FAILURES for one in _named(who)):
        minutes = int(_WITHIN.total_seconds() // 60)
        raise Refusal(
            "coupon.too_many",
            f"{MOST_FAILURES} wrong codes were named within {minutes} minutes; try again later.",
        )


def note_failures(found: Sequence[Found], who: Collection[str], *, now: datetime) -> None:
    """Count the codes among ``found`` that nobody may use. A mistyped one is remembered by this process alone.

    At most one statement.
    """
    wrong = [one for one in found if one.problem in ("unknown", "foreign", "targeted")]
    guessed = sum(1 for one in wrong if one.batch_id or looks_like_code(one.code))
    for one in _named(who):
        for _ in range(len(wrong) - guessed):
            _misses.add(one, now)
    if guessed and who:
        execute(
            """INSERT INTO promotions_failedcode AS f (who, minute, count)
               SELECT who, %s, %s FROM unnest(%s::text[]) who
               ON CONFLICT (who, minute) DO UPDATE SET count = f.count + excluded.count""",
            [now.replace(second=0, microsecond=0), guessed, texts(_named(who))],
        )


def _named(who: Collection[str]) -> list[str]:
    return sorted({one[:120].replace("\x00", "") for one in who})
