"""The rules of the patrol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.pricing.patrol.rules import parse_rules

NOTE_LENGTH = 500


def save_rules(rules: Mapping[str, Any], note: str, *, actor: str, now: datetime) -> int:
    """Make ``rules`` (JSON of ``rules.Rules``) the newest version; its number. They count for what is seen from now on.

    Raises Refusal patrol.rules or patrol.note.
    """
    parsed, note = parse_rules(rules), note.strip()
    if len(note) > NOTE_LENGTH or "\x00" in note:
        raise Refusal("patrol.note", f"A note has at most {NOTE_LENGTH} characters.")

    def work() -> int:
        execute("LOCK TABLE patrol_rules IN SHARE ROW EXCLUSIVE MODE")
        version: int = fetch_all(
            """INSERT INTO patrol_rules (version, rules, note, actor, created_at)
               SELECT coalesce(max(version), 0) + 1, %s::jsonb, %s, %s, %s FROM patrol_rules RETURNING version""",
            [as_json(parsed.as_json()), note, actor, now],
        )[0][0]
        audit(actor, "patrol.rules_saved", "patrol_rules", str(version), parsed.as_json(), now=now)
        return version

    return run_in_transaction(work)
