"""Pulls orders that were changed on a platform into the hub.

1. The span since the cursor, less an overlap, is cut into windows that the platform takes.
2. A window that is paged by number is read from its last page to its first: an order that changes meanwhile leaves
   the window, everything behind it moves one place forward, and is met again instead of being jumped over.
3. A window with more pages than one may turn is cut in two.
4. Orders are taken by the one intake, which knows a copy when it sees it; what it refuses is kept with the reason.
5. The cursor moves when a window is in. A process that dies pulls the window again, which changes nothing.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tongpan.access import vault
from tongpan.connectors.accounts.actions import move_cursor, note_failure, note_success
from tongpan.connectors.accounts.calling import caller_for
from tongpan.connectors.accounts.engine import halves, windows
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.platforms.contract import Answer, Failure, Listed, Window
from tongpan.connectors.platforms.transport import Caller, new_client
from tongpan.connectors.platforms.values import payload
from tongpan.core.bulk import execute
from tongpan.core.errors import Refusal
from tongpan.orders.actions import accept
from tongpan.orders.engine import OrderDoc

if TYPE_CHECKING:
    import httpx

OVERLAP = timedelta(minutes=10)
FIRST_DAYS = 7
MOST_PAGES = 90
BATCH = 100
_SHORTEST = timedelta(seconds=2)


@dataclass
class Pulled:
    """What one pull did. taken: how many documents came to each outcome."""

    since: datetime
    until: datetime
    taken: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "calls": self.calls,
            **{state: self.taken.get(state, 0) for state in ("accepted", "updated", "unchanged", "stale", "refused")},
        }


def pull(
    account: Account, *, now: datetime, client: httpx.Client | None = None, sleep: Callable[[float], None] = time.sleep
) -> Pulled:
    """Take every order of ``account`` that was changed since its cursor, and move the cursor.

    Without a cursor the last FIRST_DAYS days are taken (the account's option ``first_days``). Raises Failure when
    the platform could not be asked; what was taken until then stays, and the account says that it is failing.
    """
    days = int(account.options.get("first_days", FIRST_DAYS))
    since = account.cursor - OVERLAP if account.cursor else now - timedelta(days=days)
    return _run(account, since, now, is_back_fill=False, now=now, client=client, sleep=sleep)


def back_fill(
    account: Account,
    since: datetime,
    until: datetime,
    *,
    now: datetime,
    client: httpx.Client | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Pulled:
    """Take every order of ``account`` that was changed in [since, until); the cursor stays. Raises as ``pull``."""
    return _run(account, since, until, is_back_fill=True, now=now, client=client, sleep=sleep)


def _run(
    account: Account,
    since: datetime,
    until: datetime,
    *,
    is_back_fill: bool,
    now: datetime,
    client: httpx.Client | None,
    sleep: Callable[[float], None],
) -> Pulled:
    result = Pulled(since, until)
    own = client or new_client()
    caller: Caller | None = None
    try:
        caller = caller_for(account, own, sleep)
        # What the platform may still list late is left to the next pull.
        result.until = min(until, now - caller.platform.settling)
        for window in windows(since, result.until, caller.platform.longest_window):
            _take_window(account, caller, window, result, now)
            if not is_back_fill:
                move_cursor(account.pk, window.until)
        note_success(account.pk, result.as_json(), caller.skew_seconds, now=now)
    except Failure as failure:
        note_failure(account.pk, failure.sentence, caller.skew_seconds if caller else None, now=now)
        raise
    finally:
        result.calls = caller.calls if caller else 0
        if client is None:
            own.close()
    return result


def _take_window(account: Account, caller: Caller, window: Window, result: Pulled, now: datetime) -> None:
    batch: list[dict[str, Any]] = []
    for raw in _orders(caller, window, now):
        batch.append(raw)
        if len(batch) == BATCH:
            result.taken += take(account, caller, batch, now=now)
            batch = []
    result.taken += take(account, caller, batch, now=now)


def _orders(caller: Caller, window: Window, now: datetime) -> Iterator[dict[str, Any]]:
    """The orders of the window as the platform gives them; one that changes meanwhile may come twice."""
    platform = caller.platform
    seen: set[str] = set()
    for page in _pages(caller, window):
        yield from page.orders
        for number in page.numbers:
            if number not in seen:
                seen.add(number)
                answer = caller.send(lambda access, n=number: platform.get_order(access, n, caller.clock()))  # type: ignore[misc]
                yield _read(caller, platform.order, answer)


def _pages(caller: Caller, window: Window) -> Iterator[Listed]:
    if caller.platform.pages == "cursor":
        yield from _pages_by_cursor(caller, window)
    else:
        yield from _pages_by_number(caller, window)


def _pages_by_cursor(caller: Caller, window: Window) -> Iterator[Listed]:
    cursor = ""
    while True:
        page = _page(caller, window, cursor)
        yield page
        if not page.next_page or page.next_page == cursor:
            return
        cursor = page.next_page


def _pages_by_number(caller: Caller, window: Window) -> Iterator[Listed]:
    platform = caller.platform
    first = _page(caller, window, str(platform.first_page))
    count = -(-(first.total or 0) // platform.page_size)
    if count <= 1:
        yield first
        return
    if count > MOST_PAGES and window.until - window.since > _SHORTEST:
        for half in halves(window):
            yield from _pages_by_number(caller, half)
        return
    for number in reversed(range(platform.first_page, platform.first_page + count)):
        yield _page(caller, window, str(number))


def _page(caller: Caller, window: Window, page: str) -> Listed:
    platform = caller.platform
    answer = caller.send(lambda access: platform.list_orders(access, window, page, caller.clock()))
    found: Listed = _read(caller, platform.listed, answer)
    return found


def _read(caller: Caller, reader: Callable[[Answer], Any], answer: Answer) -> Any:
    """Raises Failure when the answer has another form than the platform's contract says."""
    try:
        return reader(answer)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(
            "refused",
            "form",
            f"The answer of {caller.platform.title} has another form than its contract says: {error!r} is not there.",
        ) from None


def take(account: Account, caller: Caller, raws: Sequence[dict[str, Any]], *, now: datetime) -> Counter[str]:
    """Give orders of the platform to the hub; how many came to each outcome.

    One that cannot be read, or that the hub refuses, is kept with the reason until a later copy is taken.
    """
    docs: list[OrderDoc] = []
    refused: list[tuple[str, str, str, bytes]] = []
    access = caller.access()
    for raw in raws:
        try:
            docs.append(caller.platform.document(raw, access))
        except (KeyError, TypeError, ValueError, AttributeError, Refusal) as error:
            content = payload(raw)
            number = hashlib.sha256(content).hexdigest()[:32]
            refused.append((number, "order.unreadable", f"The order could not be read: {error!r}", content))
    counts = Counter({"refused": len(refused)} if refused else {})
    if docs:
        taken = []
        for doc, outcome in zip(docs, accept(docs, actor=f"account:{access.shop_code}", now=now), strict=True):
            counts[outcome.state] += 1
            if outcome.state == "refused":
                refused.append((doc.external_id[:120], outcome.code, outcome.reason, doc.raw))
            else:
                taken.append(doc.external_id)
        execute(
            "DELETE FROM connectors_refusedorder WHERE account_id = %s AND external_id = ANY(%s)",
            [account.pk, taken],
        )
    _keep(account, refused, now)
    return counts


def _keep(account: Account, refused: Sequence[tuple[str, str, str, bytes]], now: datetime) -> None:
    last = {number: (number, code, reason, raw) for number, code, reason, raw in refused}
    if not last:
        return
    sealed = vault.seal_bytes([raw for _, _, _, raw in last.values()])
    execute(
        """INSERT INTO connectors_refusedorder (account_id, external_id, code, reason, raw, refused_at)
           SELECT %s, r.number, r.code, r.reason, r.raw, %s
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[]) AS r(number, code, reason, raw)
           ON CONFLICT (account_id, external_id) DO UPDATE
           SET code = excluded.code, reason = excluded.reason, raw = excluded.raw, refused_at = excluded.refused_at""",
        [
            account.pk,
            now,
            list(last),
            [code[:60] for _, code, _, _ in last.values()],
            [reason.replace("\x00", "") for _, _, reason, _ in last.values()],
            sealed,
        ],
    )
