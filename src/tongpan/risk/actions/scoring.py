"""Scoring all dealers and shops, and the rules of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all, next_ids
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.patrol.actions import open_cases
from tongpan.pricing.patrol.actions.opening import NewCase
from tongpan.risk.engine import Inputs, Rules, Score, parse_rules, score
from tongpan.risk.events import DIVERSION_FOUND
from tongpan.risk.queries.inputs import gather
from tongpan.risk.queries.scores import rules_in_force
from tongpan.risk.queries.subjects import Subject, geography, subjects

_RANK = {"none": 0, "watch": 1, "case": 2}


class Looked(NamedTuple):
    """What a run found. cases: the open cases that it opened or added to."""

    run_id: int
    subjects: int
    watched: int
    striking: int
    cases: list[int]


def save_rules(rules: Mapping[str, Any], note: str, *, actor: str, now: datetime) -> int:
    """Make ``rules`` (JSON of ``engine.Rules``) the newest version; its number. Raises Refusal diversion.rules."""
    parsed = parse_rules(rules)
    if len(note) > 500 or "\x00" in note:
        raise Refusal("diversion.note", "A note has at most 500 characters.")

    def work() -> int:
        execute("LOCK TABLE risk_rules IN SHARE ROW EXCLUSIVE MODE")
        version: int = fetch_all(
            """INSERT INTO risk_rules (version, rules, note, actor, created_at)
               SELECT coalesce(max(version), 0) + 1, %s::jsonb, %s, %s, %s FROM risk_rules RETURNING version""",
            [as_json(parsed.as_json()), note.strip(), actor, now],
        )[0][0]
        audit(actor, "diversion.rules_saved", "diversion_rules", str(version), parsed.as_json(), now=now)
        return version

    return run_in_transaction(work)


def look_for_diversion(*, actor: str, now: datetime) -> Looked:
    """Score every dealer and every shop over the window of the rules that ends at ``now``, and keep the scores.

    A dealer, or a shop that dealers serve, whose score calls for a case gets one, or its evidence is added to the one
    that is open; the same inputs are added once. Shops of the company itself are only shown. A constant number of
    statements, whatever the number of subjects.
    """
    return run_in_transaction(lambda: _look(actor, now))


def _look(actor: str, now: datetime) -> Looked:
    version, rules = rules_in_force()
    start = now - timedelta(days=rules.window_days)
    known = geography()
    found = subjects(start, now, known)
    inputs = gather(found, known, rules, start=start, end=now)
    before = _levels_before()
    run_id = fetch_all(
        """INSERT INTO risk_run (window_from, window_to, rules, rules_version, subjects, started_by, at)
           VALUES (%s, %s, %s::jsonb, %s, %s, %s, %s) RETURNING id""",
        [start, now, as_json(rules.as_json()), version, len(found), actor, now],
    )[0][0]
    made = [(subject, inputs[subject.party], score(inputs[subject.party], rules)) for subject in found]
    ids = next_ids("risk_score", len(made))
    copy_rows(
        "risk_score",
        ("id", "run_id", "dealer_id", "shop_id", "score", "level", "signals", "inputs", "digest"),
        (
            (
                score_id,
                run_id,
                subject.dealer_id,
                subject.shop_id,
                told.total,
                told.level,
                as_json(told.signals_json()),
                as_json(given.as_json()),
                _digest(given, rules),
            )
            for score_id, (subject, given, told) in zip(ids, made, strict=True)
        ),
    )
    append(
        [
            NewEvent(DIVERSION_FOUND, str(score_id), {"party": subject.party, "score": told.total, "level": told.level})
            for score_id, (subject, _, told) in zip(ids, made, strict=True)
            if _RANK[told.level] > _RANK[before.get((subject.dealer_id, subject.shop_id), "none")]
        ]
    )
    cases = open_cases(
        [
            _case(score_id, subject, given, told, rules)
            for score_id, (subject, given, told) in zip(ids, made, strict=True)
            if told.level == "case" and subject.is_partner
        ],
        actor=actor,
        now=now,
    )
    levels = [told.level for _, _, told in made]
    return Looked(run_id, len(made), levels.count("watch"), levels.count("case"), cases)


def _levels_before() -> dict[tuple[int | None, int | None], str]:
    """(dealer, shop) -> its level in the last run."""
    return {
        (dealer, shop): level
        for dealer, shop, level in fetch_all(
            """SELECT dealer_id, shop_id, level FROM risk_score
               WHERE run_id = (SELECT max(id) FROM risk_run) AND level <> 'none'"""
        )
    }


def _digest(given: Inputs, rules: Rules) -> bytes:
    text = as_json({"inputs": given.as_json(), "rules": rules.as_json()})
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _case(score_id: int, subject: Subject, given: Inputs, told: Score, rules: Rules) -> NewCase:
    return NewCase(
        kind="diversion",
        party=subject.party,
        party_name=subject.name,
        finding="diversion",
        dealer_id=subject.dealer_id,
        shop_id=subject.shop_id,
        evidence="diversion",
        reference=f"score:{_digest(given, rules).hex()}",
        data={
            "score_id": score_id,
            "score": told.total,
            "signals": {one.code: one.value for one in told.signals},
        },
        is_simulated=subject.is_simulated,
    )
