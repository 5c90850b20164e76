"""Violation cases: opened once for a party and SKU, taken step by step by one person at a time, with evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.patrol import letters
from tongpan.pricing.patrol.actions.opening import NewCase
from tongpan.pricing.patrol.casework import ENDS, Standing, due_after, refusal_of
from tongpan.pricing.patrol.events import VIOLATION_OPENED, VIOLATION_STEP
from tongpan.pricing.patrol.models import CaseStep, Letter, ViolationCase
from tongpan.pricing.patrol.queries.cases import confirmed_counts, letter_fields
from tongpan.pricing.patrol.queries.rules import rules_in_force
from tongpan.pricing.patrol.rules import FINDINGS, SANCTIONS, Rules

TEXT_LENGTH = 4000
_MOST_FINE = 10**12
DECISIONS = ("granted", "rejected")


class CaseOutcome(NamedTuple):
    """state: "accepted" | "refused"."""

    state: str
    id: int
    status: str
    revision: int
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What shall be done to a case: a status to go to, "appeal", "granted" or "rejected".

    revision: of the case that was looked at. language: of the letter; "" for no letter. fields: of the letter, in place
    of those that the case itself gives.
    """

    case_id: int
    revision: int
    step: str
    reason: str = ""
    fine_minor: int = 0
    language: str = "zh"
    fields: Mapping[str, str] = field(default_factory=dict)


def open_cases(found: Sequence[NewCase], *, rules: Rules | None = None, actor: str, now: datetime) -> list[int]:
    """Open a case for each of ``found``, or add its evidence to the one that is open; their ids, at the same position.

    Of one party there is one open case for a kind and SKU; a worse finding takes the place of the one that it was
    opened for. Runs inside the transaction of the caller. Locks the open cases by id. Seven statements at most.
    """
    if not found:
        return []
    rules = rules or rules_in_force()[1]
    keys = sorted({(one.kind, one.party, one.sku_id or 0) for one in found})
    # Whoever opens cases of the same parties waits here; the key of the lock is this table's own.
    execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('patrol_case:' || k, 0)) FROM unnest(%s::text[]) AS k",
        [sorted({party for _, party, _ in keys})],
    )
    is_open = _open_of(keys)
    worst: dict[tuple[str, str, int], NewCase] = {}
    for one in found:
        key = (one.kind, one.party, one.sku_id or 0)
        if key not in worst or _rank(one.finding) < _rank(worst[key].finding):
            worst[key] = one
    fresh = [key for key in worst if key not in is_open]
    if fresh:
        made = ViolationCase.objects.bulk_create(_row(worst[key], rules, actor, now) for key in fresh)
        is_open |= {key: (case.pk, case.finding) for key, case in zip(fresh, made, strict=True)}
        ids = [is_open[key][0] for key in fresh]
        _log_steps([(case_id, "open", "", "", {}) for case_id in ids], actor, now)
        append(
            [
                NewEvent(
                    VIOLATION_OPENED, str(case_id), {"kind": key[0], "party": key[1], "finding": worst[key].finding}
                )
                for case_id, key in zip(ids, fresh, strict=True)
            ]
        )
    worse = [
        (is_open[key][0], one.finding) for key, one in worst.items() if _rank(one.finding) < _rank(is_open[key][1])
    ]
    if worse:
        execute(
            """UPDATE patrol_case c SET finding = k.finding, revision = revision + 1
               FROM unnest(%s::bigint[], %s::text[]) AS k(id, finding) WHERE c.id = k.id""",
            [[case_id for case_id, _ in worse], [finding for _, finding in worse]],
        )
    case_ids = [is_open[one.kind, one.party, one.sku_id or 0][0] for one in found]
    _add(found, case_ids, actor, now)
    return case_ids


def _rank(finding: str) -> int:
    return FINDINGS.index(finding) if finding in FINDINGS else len(FINDINGS)


def _open_of(keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], tuple[int, str]]:
    rows = fetch_all(
        """SELECT c.kind, c.party, coalesce(c.sku_id, 0), c.id, c.finding FROM patrol_case c
           JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS k(kind, party, sku_id)
             ON k.kind = c.kind AND k.party = c.party AND k.sku_id = coalesce(c.sku_id, 0)
           WHERE c.status NOT IN ('dismissed', 'closed') ORDER BY c.id FOR NO KEY UPDATE OF c""",
        [[kind for kind, _, _ in keys], [party for _, party, _ in keys], [sku for *_, sku in keys]],
    )
    return {(kind, party, sku): (case_id, finding) for kind, party, sku, case_id, finding in rows}


def _row(one: NewCase, rules: Rules, actor: str, now: datetime) -> ViolationCase:
    return ViolationCase(
        kind=one.kind,
        status="open",
        party=one.party,
        party_name=one.party_name[:120],
        dealer_id=one.dealer_id,
        shop_id=one.shop_id,
        sku_id=one.sku_id,
        channel_id=one.channel_id,
        finding=one.finding,
        currency=one.currency,
        opened_at=now,
        opened_by=actor,
        due_at=due_after("open", rules, now),
        is_simulated=one.is_simulated,
    )


def _add(found: Sequence[NewCase], case_ids: Sequence[int], actor: str, now: datetime) -> None:
    execute(
        """INSERT INTO patrol_evidence (case_id, kind, observation_id, reference, hash, note, data, added_by, at)
           SELECT k.case_id, k.kind, k.observation_id, k.reference, '', k.note, k.data::jsonb, %s, %s
           FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY
             AS k(case_id, kind, observation_id, reference, note, data, n)
           ORDER BY n ON CONFLICT DO NOTHING""",
        [
            actor,
            now,
            list(case_ids),
            [one.evidence for one in found],
            [one.observation_id for one in found],
            [one.reference for one in found],
            [one.note for one in found],
            [as_json(one.data) for one in found],
        ],
    )


def add_evidence(
    case_id: int, *, kind: str, reference: str = "", hash: str = "", note: str = "", actor: str, now: datetime
) -> None:
    """Add a file (by reference and hash) or a statement to a case that is not over.

    Locks the case. Raises Refusal violation.unknown, violation.over or violation.evidence.
    """
    note, reference = note.strip(), reference.strip()
    if kind not in ("file", "statement") or (kind == "file" and not reference) or (kind == "statement" and not note):
        raise Refusal("violation.evidence", "Evidence is a file with its reference, or a statement in words.")
    if len(reference) > 500 or len(note) > TEXT_LENGTH or len(hash) > 64 or "\x00" in reference + note + hash:
        raise Refusal("violation.evidence", "The reference has at most 500 characters, the words at most 4,000.")

    def work() -> None:
        case = ViolationCase.objects.select_for_update(no_key=True).filter(pk=case_id).first()
        if case is None:
            raise Refusal("violation.unknown", f"There is no case VC{case_id}.")
        if case.status in ENDS:
            raise Refusal("violation.over", f"Case {case.number} is over; nothing is added to it.")
        execute(
            """INSERT INTO patrol_evidence (case_id, kind, reference, hash, note, data, added_by, at)
               VALUES (%s, %s, %s, %s, %s, '{}', %s, %s) ON CONFLICT DO NOTHING""",
            [case_id, kind, reference, hash, note, actor, now],
        )

    run_in_transaction(work)


def take_step(steps: Sequence[Step], *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Take the next step of each case; the outcome of each, at the same position.

    Who looked at another revision than the case has by now is refused: of two people at one case one wins. Locks the
    cases by id. A step that ``letters.KINDS`` names writes its letter.
    """
    if len({step.case_id for step in steps}) != len(steps):
        raise Refusal("violation.twice", "The same case is named twice in one request.")
    return run_in_transaction(lambda: _take(steps, actor, now))


def _take(steps: Sequence[Step], actor: str, now: datetime) -> list[CaseOutcome]:
    rules = rules_in_force()[1]
    cases = {
        case.pk: case
        for case in ViolationCase.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk__in=[step.case_id for step in steps])
        .order_by("pk")
    }
    confirmed = confirmed_counts([case.party for case in cases.values()], now - timedelta(days=rules.repeat_days))
    outcomes: list[CaseOutcome] = []
    taken: list[tuple[ViolationCase, Step, str]] = []
    for step in steps:
        case = cases.get(step.case_id)
        if case is None:
            outcomes.append(_no(step.case_id, "", 0, "violation.unknown", f"There is no case VC{step.case_id}."))
            continue
        if case.revision != step.revision:
            said = f"Case {case.number} was changed meanwhile; look at it again and repeat your step."
            outcomes.append(_no(case.pk, case.status, case.revision, "violation.changed", said))
            continue
        if said := _said_against(step) or refusal_of(
            standing_of(case, confirmed), step.step, rules, now, reason=step.reason.strip(), fine_minor=step.fine_minor
        ):
            outcomes.append(_no(case.pk, case.status, case.revision, "violation.step", said))
            continue
        before = case.status
        _apply(case, step, rules, now)
        taken.append((case, step, before))
        outcomes.append(CaseOutcome("accepted", case.pk, case.status, case.revision))
    _save(taken, actor, now)
    return outcomes


def standing_of(case: ViolationCase, confirmed: Mapping[str, int]) -> Standing:
    """Where ``case`` stands; confirmed: the confirmed cases of each party."""
    return Standing(case.status, case.appeal, case.due_at, confirmed.get(case.party, 0), case.sanctioned_at)


def _no(case_id: int, status: str, revision: int, code: str, sentence: str) -> CaseOutcome:
    return CaseOutcome("refused", case_id, status, revision, code, sentence)


def _said_against(step: Step) -> str:
    if step.language not in ("", "zh", "en"):
        return "A letter is written in zh or en."
    if len(step.reason) > TEXT_LENGTH or "\x00" in step.reason:
        return f"A reason has at most {TEXT_LENGTH} characters."
    if not 0 <= step.fine_minor <= _MOST_FINE:
        return "The fine is no amount."
    return ""


def _apply(case: ViolationCase, step: Step, rules: Rules, now: datetime) -> None:
    case.revision += 1
    if step.step == "appeal":
        case.appeal, case.due_at = "filed", due_after("appeal", rules, now)
        return
    if step.step in DECISIONS:
        case.appeal = step.step
        if step.step == "rejected":
            case.due_at = due_after(case.status, rules, now)
            return
        case.status, case.due_at, case.closed_at = "dismissed", None, now
        return
    case.status, case.due_at = step.step, due_after(step.step, rules, now)
    if step.step == "confirmed":
        case.confirmed_at = now
    if step.step in SANCTIONS:
        case.sanctioned_at, case.appeal = now, ""
    if step.step == "fine":
        case.fine_minor = step.fine_minor
    if step.step in ENDS:
        case.closed_at = now


def _save(taken: Sequence[tuple[ViolationCase, Step, str]], actor: str, now: datetime) -> None:
    if not taken:
        return
    ViolationCase.objects.bulk_update(
        [case for case, _, _ in taken],
        ["status", "appeal", "fine_minor", "confirmed_at", "sanctioned_at", "due_at", "closed_at", "revision"],
    )
    rows = CaseStep.objects.bulk_create(
        CaseStep(
            case=case,
            kind=step.step,
            before=before,
            reason=step.reason.strip(),
            data={"fine_minor": step.fine_minor, "currency": case.currency} if step.step == "fine" else {},
            actor=actor,
            at=now,
        )
        for case, step, before in taken
    )
    writing = [
        (case, step, row)
        for (case, step, _), row in zip(taken, rows, strict=True)
        if step.language and step.step in letters.KINDS
    ]
    known = letter_fields([case.pk for case, _, _ in writing]) if writing else {}
    Letter.objects.bulk_create(_letter(case, step, row, known[case.pk], actor, now) for case, step, row in writing)
    append(
        [NewEvent(VIOLATION_STEP, str(case.pk), {"step": step.step, "status": case.status}) for case, step, _ in taken]
    )
    audit_many(
        [Note("violation.step", "violation", str(case.pk), {"step": step.step}) for case, step, _ in taken],
        actor=actor,
        now=now,
    )


def _letter(  # noqa: PLR0917 - what one letter is made of
    case: ViolationCase, step: Step, row: CaseStep, known: Mapping[str, str], actor: str, now: datetime
) -> Letter:
    fields = {**known, "reason": step.reason.strip(), **{k: v for k, v in step.fields.items() if v}}
    subject, text = letters.compose(step.step, step.language, fields)
    return Letter(
        case=case,
        step=row,
        kind=step.step,
        language=step.language,
        subject=subject[:200],
        text=text,
        fields=fields,
        actor=actor,
        at=now,
    )


def _log_steps(rows: Sequence[tuple[int, str, str, str, dict[str, Any]]], actor: str, now: datetime) -> None:
    copy_rows(
        "patrol_step",
        ("case_id", "kind", "before", "reason", "data", "actor", "at"),
        ((case_id, kind, before, reason, as_json(data), actor, now) for case_id, kind, before, reason, data in rows),
    )
