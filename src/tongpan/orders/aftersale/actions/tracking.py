"""What carriers tell of parcels that come back: it is written into the story of the case, and nothing is restocked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.orders.aftersale.cases import Case, lock_cases, move, write_story
from tongpan.orders.aftersale.policies import policies_of

MOVING = ("collected", "in_transit", "out_for_delivery", "delivered")
"""Kinds of events that prove that the carrier has the parcel."""
PARCEL = "parcel_"
"""Before the kind of the carrier's event in the story of a case, as "parcel_delivered"."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One event of a carrier. key: what tells a repeat of it."""

    carrier: str
    tracking_number: str
    kind: str
    at: datetime
    key: str
    place: str = ""
    text: str = ""


def follow_returns(scans: Sequence[Scan], *, actor: str, now: datetime) -> list[tuple[int, bool] | None]:
    """(case id, whether it said something new) of each scan, at the same position; None where no case has the parcel.

    An approved case is on its way with the first scan that moves its parcel; when the parcel has arrived, the hours to
    look at the goods begin. They are received, inspected and restocked by people only. A scan that is known changes
    nothing. Locks orders, then cases.
    """

    def work() -> list[tuple[int, bool] | None]:
        found = _cases_of(scans)
        cases = lock_cases(sorted({case_id for ids in found.values() for case_id in ids}))
        known = {
            (case_id, key)
            for case_id, key in fetch_all(
                "SELECT case_id, data->>'key' FROM orders_caseevent WHERE case_id = ANY(%s) AND kind LIKE %s",
                [list(cases), f"{PARCEL}%"],
            )
        }
        answers: list[tuple[int, bool] | None] = []
        fresh: list[tuple[Case, Scan]] = []
        for scan in scans:
            ids = found.get((scan.carrier, scan.tracking_number))
            new = [cases[i] for i in ids or () if (i, scan.key) not in known]
            known |= {(case.id, scan.key) for case in new}
            fresh += [(case, scan) for case in new]
            answers.append((ids[0], bool(new)) if ids else None)
        _take(fresh, actor=actor, now=now)
        return answers

    return run_in_transaction(work) if scans else []


def _cases_of(scans: Sequence[Scan]) -> dict[tuple[str, str], list[int]]:
    keys = sorted({(scan.carrier, scan.tracking_number) for scan in scans})
    found: dict[tuple[str, str], list[int]] = {}
    for carrier, number, case_id in fetch_all(
        """SELECT c.carrier, c.tracking_number, c.id FROM orders_returncase c
           JOIN unnest(%s::text[], %s::text[]) AS k(carrier, number)
             ON (c.carrier, c.tracking_number) = (k.carrier, k.number)
           WHERE c.tracking_number <> '' ORDER BY c.id""",
        [[carrier for carrier, _ in keys], [number for _, number in keys]],
    ):
        found.setdefault((carrier, number), []).append(case_id)
    return found


def _take(fresh: Sequence[tuple[Case, Scan]], *, actor: str, now: datetime) -> None:
    """Write the scans into the stories of their cases, which the caller holds, and let these follow them."""
    if not fresh:
        return
    write_story(
        [
            (
                case.id,
                f"{PARCEL}{scan.kind}",
                scan.at,
                actor,
                None,
                as_json({"key": scan.key, "place": scan.place, "text": scan.text}),
            )
            for case, scan in fresh
        ]
    )
    policies = policies_of({case.policy_version for case, _ in fresh})
    moving = {case.id: case for case, scan in fresh if scan.kind in MOVING and case.status == "approved"}
    dues = {i: now + timedelta(hours=policies[case.policy_version].receive_hours) for i, case in moving.items()}
    move(list(moving.values()), "in_transit", due_at=dues, actor=actor, now=now)
    arrived = {case.id: case for case, scan in fresh if scan.kind == "delivered" and case.status == "in_transit"}
    execute(
        """UPDATE orders_returncase c SET due_at = least(c.due_at, n.due_at)
           FROM unnest(%s::bigint[], %s::timestamptz[]) AS n(id, due_at) WHERE c.id = n.id""",
        [
            list(arrived),
            [now + timedelta(hours=policies[case.policy_version].inspect_hours) for case in arrived.values()],
        ],
    )
