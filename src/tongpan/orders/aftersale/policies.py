"""The policy of returns in force, and its versions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.aftersale.engine.policy import Policy, parse_policy


def current_policy() -> tuple[int, Policy]:
    """The newest version and its number; 0 and the defaults when none was ever saved."""
    rows = fetch_all("SELECT version, rules::text FROM orders_returnpolicy ORDER BY version DESC LIMIT 1")
    return (rows[0][0], parse_policy(json.loads(rows[0][1]))) if rows else (0, Policy())


def policies_of(versions: Collection[int]) -> dict[int, Policy]:
    """The policies with these numbers; 0 is the defaults."""
    rows = fetch_all(
        "SELECT version, rules::text FROM orders_returnpolicy WHERE version = ANY(%s)", [sorted(set(versions))]
    )
    return {0: Policy()} | {version: parse_policy(json.loads(rules)) for version, rules in rows}


def save_policy(rules: Mapping[str, Any], note: str, *, seen: int | None = None, actor: str, now: datetime) -> int:
    """Make ``rules`` (JSON of ``Policy``) the newest version; its number. It counts for requests from now on: a case
    keeps the version that it was asked for under.

    seen: the version that was changed; another one saved meanwhile is not overwritten. Raises Refusal
    returns.policy, returns.version or returns.note.
    """
    parsed = parse_policy(rules)
    note = checked_text(note, "returns.note")

    def work() -> int:
        execute("LOCK TABLE orders_returnpolicy IN SHARE ROW EXCLUSIVE MODE")
        last = fetch_all("SELECT coalesce(max(version), 0) FROM orders_returnpolicy")[0][0]
        if seen is not None and seen != last:
            raise Refusal(
                "returns.version",
                f"The policy of returns was changed meanwhile: it has version {last}, you looked at {seen}. "
                "Look at it again and repeat your change.",
            )
        version: int = last + 1
        execute(
            """INSERT INTO orders_returnpolicy (version, rules, note, actor, created_at)
               VALUES (%s, %s::jsonb, %s, %s, %s)""",
            [version, as_json(parsed.as_json()), note, actor, now],
        )
        audit(actor, "returns.policy_saved", "return_policy", str(version), parsed.as_json(), now=now)
        return version

    return run_in_transaction(work)
