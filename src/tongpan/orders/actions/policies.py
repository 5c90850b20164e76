"""What the review goes by: its rules and the blacklist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.access.actions import audit
from tongpan.access.vault import mask
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.actions.reviewing import findings_of
from tongpan.orders.contacts import phone_index
from tongpan.orders.events import CHANGED
from tongpan.orders.review import parse_rules

_MOST_TRIED = 10_000


def save_rules(rules: Mapping[str, Any], note: str, *, actor: str, now: datetime) -> int:
    """Make ``rules`` (JSON of ``review.Rules``) the newest version; its number. They count for orders from now on,
    and for open ones after ``review_again``. Raises Refusal review.rules or review.note."""
    parsed = parse_rules(rules)
    note = checked_text(note, "review.note")

    def work() -> int:
        execute("LOCK TABLE orders_reviewpolicy IN SHARE ROW EXCLUSIVE MODE")
        version: int = fetch_all(
            """INSERT INTO orders_reviewpolicy (version, rules, note, actor, created_at)
               SELECT coalesce(max(version), 0) + 1, %s::jsonb, %s, %s, %s FROM orders_reviewpolicy
               RETURNING version""",
            [as_json(parsed.as_json()), note, actor, now],
        )[0][0]
        audit(actor, "review.rules_saved", "review_policy", str(version), parsed.as_json(), now=now)
        return version

    return run_in_transaction(work)


def review_again() -> int:
    """Let every placed or paid order be reviewed once more, by an order.changed for each; how many. One statement."""
    return execute(
        """INSERT INTO core_event (name, key, payload)
           SELECT %s, id::text, jsonb_build_object('day', business_date, 'route', false)
           FROM orders_order WHERE status IN ('placed', 'paid') ORDER BY id""",
        [CHANGED],
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules would have done: to how many orders, how many of them would wait, and for what (by rule)."""

    orders: int
    held: int
    by_rule: Mapping[str, int]


def try_rules(rules: Mapping[str, Any], *, last: int = 1000) -> Trial:
    """What ``rules`` would find in the ``last`` newest placed or paid orders; nothing is written.

    Raises Refusal review.rules.
    """
    parsed = parse_rules(rules)
    rows = fetch_all(
        "SELECT id FROM orders_order WHERE status IN ('placed', 'paid') ORDER BY placed_at DESC, id DESC LIMIT %s",
        [min(max(last, 1), _MOST_TRIED)],
    )
    found = findings_of([order_id for (order_id,) in rows], parsed)
    by_rule: Counter[str] = Counter()
    held = 0
    for findings in found.values():
        names = {finding.rule for finding in findings} - {"unpaid"}
        by_rule.update(names)
        held += bool(names)
    return Trial(len(found), held, dict(sorted(by_rule.items())))


def blacklist(kind: str, value: str, note: str, *, actor: str, now: datetime) -> int:
    """Put a buyer (by customer number) or a phone on the blacklist; how many identifiers are new on it.

    Raises Refusal blacklist.kind, blacklist.phone, customer.unknown or blacklist.note.
    """
    note = checked_text(note, "blacklist.note")
    digests = _digests(kind, value)
    hint = mask(value) if kind == "phone" else value

    def work() -> int:
        added = execute(
            """INSERT INTO orders_blacklistentry (kind, digest, hint, note, added_by, added_at, removed_by)
               SELECT %s, d, %s, %s, %s, %s, '' FROM unnest(%s::bytea[]) AS d ON CONFLICT DO NOTHING""",
            [kind, hint[:80], note, actor, now, digests],
        )
        audit(actor, "blacklist.added", kind, hint, {"note": note}, now=now)
        return added

    return run_in_transaction(work)


def unblacklist(kind: str, value: str, *, actor: str, now: datetime) -> int:
    """Take a buyer or a phone from the blacklist; how many entries ended. Raises as ``blacklist``."""
    digests = _digests(kind, value)

    def work() -> int:
        ended = execute(
            """UPDATE orders_blacklistentry SET removed_at = %s, removed_by = %s
               WHERE kind = %s AND digest = ANY(%s) AND removed_at IS NULL""",
            [now, actor, kind, digests],
        )
        audit(actor, "blacklist.removed", kind, mask(value) if kind == "phone" else value, now=now)
        return ended

    return run_in_transaction(work)


def _digests(kind: str, value: str) -> list[bytes]:
    if kind == "phone":
        digest = phone_index(value)
        if not digest:
            raise Refusal("blacklist.phone", "A phone number has at least seven digits and no stars.")
        return [digest]
    if kind != "buyer":
        raise Refusal("blacklist.kind", f"There is a blacklist of buyers and of phones, not of {kind!r}.")
    rows = fetch_all(
        """SELECT i.digest FROM customers_identifier i JOIN customers_customer c ON c.id = i.customer_id
           WHERE c.code = %s ORDER BY i.digest""",
        [value.replace("\x00", "")],
    )
    if not rows:
        raise Refusal("customer.unknown", f"There is no customer {value!r} with an identifier.")
    return [bytes(digest) for (digest,) in rows]
