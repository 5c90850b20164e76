"""Reads of violation cases, their evidence and letters, and of the file of a dealer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, zone
from tongpan.core.money import to_decimal
from tongpan.pricing.patrol.casework import ENDS
from tongpan.pricing.patrol.models import CaseStep, Evidence, Letter, Observation, PriceComplaint, ViolationCase


def confirmed_counts(parties: Collection[str], since: datetime) -> dict[str, int]:
    """How many cases of each party were confirmed from ``since`` on and not dismissed later. One statement."""
    return dict(
        fetch_all(
            """SELECT party, count(*) FROM patrol_case
               WHERE party = ANY(%s) AND confirmed_at >= %s AND status <> 'dismissed' GROUP BY party""",
            [sorted(set(parties)), since],
        )
    )


def letter_fields(case_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """What letters of these cases are filled with, by case: the worst price seen and what it broke. One statement."""
    rows = fetch_all(
        """SELECT DISTINCT ON (c.id) c.id, c.party_name, c.currency, c.due_at, c.fine_minor, s.code, s.name, h.name_zh,
             o.effective_minor, (o.findings #>> '{0,limit_minor}')::bigint, o.observed_at, o.url
           FROM patrol_case c LEFT JOIN catalog_sku s ON s.id = c.sku_id
           LEFT JOIN channels_channel h ON h.id = c.channel_id
           LEFT JOIN patrol_evidence e ON e.case_id = c.id AND e.observation_id IS NOT NULL
           LEFT JOIN patrol_observation o ON o.id = e.observation_id
           WHERE c.id = ANY(%s) ORDER BY c.id, o.effective_minor, o.id""",
        [list(case_ids)],
    )
    return {row[0]: _fields(*row) for row in rows}


def _fields(  # noqa: PLR0917 - the columns of one row
    case_id: int,
    party: str,
    currency: str,
    due_at: datetime | None,
    fine_minor: int | None,
    sku: str | None,
    sku_name: str | None,
    channel: str | None,
    seen: int | None,
    limit: int | None,
    observed_at: datetime | None,
    url: str | None,
) -> dict[str, str]:
    def amount(minor: int | None) -> str:
        return "" if minor is None else f"{to_decimal(minor, currency)} {currency}"

    def day(at: datetime | None) -> str:
        return at.astimezone(zone(DEFAULT_ZONE)).strftime("%Y-%m-%d") if at else ""

    return {
        "number": f"VC{case_id}",
        "party": party,
        "sku": f"{sku} {sku_name}" if sku else "",
        "channel": channel or "",
        "seen": amount(seen),
        "limit": amount(limit),
        "observed_at": observed_at.astimezone(zone(DEFAULT_ZONE)).strftime("%Y-%m-%d %H:%M") if observed_at else "",
        "url": url or "",
        "due": day(due_at),
        "amount": amount(fine_minor),
    }


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """status: one, "open" for all that are not over, or ""; overdue_at: only what was due by then."""

    status: str = ""
    kind: str = ""
    party: str = ""
    text: str = ""
    overdue_at: datetime | None = None


def select_cases(wanted: CaseFilter) -> QuerySet[ViolationCase]:
    """The cases that ``wanted`` describes, with SKU, channel, dealer and shop. text: number, party or SKU."""
    rows = ViolationCase.objects.select_related("sku", "channel", "dealer", "shop")
    if wanted.status == "open":
        rows = rows.exclude(status__in=ENDS)
    elif wanted.status == "appeal":
        rows = rows.filter(appeal="filed")
    elif wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.party:
        rows = rows.filter(party=wanted.party)
    if wanted.overdue_at:
        rows = rows.filter(due_at__lte=wanted.overdue_at)
    if text := wanted.text.strip():
        number = text.upper().removeprefix("VC")
        by = Q(party_name__icontains=text) | Q(sku__code__startswith=text)
        rows = rows.filter(
            by | Q(pk=int(number)) if number.isascii() and number.isdecimal() and len(number) < 18 else by
        )
    return rows


@dataclass(frozen=True, slots=True)
class WholeCase:
    """A case with all that belongs to it. confirmed: confirmed cases of its party in the window of the rules."""

    case: ViolationCase
    evidence: list[Evidence]
    steps: list[CaseStep]
    letters: list[Letter]
    complaints: list[PriceComplaint]


def whole_case(case_id: int) -> WholeCase | None:
    """One case with its evidence, steps, letters and complaints, or None. Five statements."""
    case = select_cases(CaseFilter()).filter(pk=case_id).first()
    if case is None:
        return None
    seen = Prefetch("observation", Observation.objects.select_related("sku", "channel", "shop"))
    return WholeCase(
        case,
        list(case.evidence.prefetch_related(seen).order_by("pk")),
        list(case.steps.select_related("letter").order_by("pk")),
        list(case.letters.order_by("pk")),
        list(case.complaints.select_related("channel").order_by("pk")),
    )


@dataclass(frozen=True, slots=True)
class DealerFile:
    """The compliance file of a dealer (DLR-04) since a moment.

    seen, broken: prices seen of it, and those that broke a rule. by_status: its cases by status. warnings, fines,
    terminations: how many; fined_minor: by currency.
    """

    seen: int
    broken: int
    by_status: dict[str, int]
    warnings: int
    fines: int
    terminations: int
    fined_minor: dict[str, int]
    cases: list[ViolationCase]


def dealer_files(node_ids: Collection[int], since: datetime) -> dict[int, DealerFile]:
    """The compliance files of dealers, by node id; every one asked for is there. Three statements."""
    wanted = sorted(node_ids)
    seen = {
        node: (number, broken)
        for node, number, broken in fetch_all(
            """SELECT dealer_id, count(*), count(*) FILTER (WHERE finding <> '') FROM patrol_observation
               WHERE dealer_id = ANY(%s) AND observed_at >= %s GROUP BY 1""",
            [wanted, since],
        )
    }
    steps: dict[int, dict[str, int]] = {}
    fined: dict[int, dict[str, int]] = {}
    for node, kind, currency, number, total in fetch_all(
        """SELECT c.dealer_id, s.kind, c.currency, count(*),
             coalesce(sum((s.data ->> 'fine_minor')::bigint) FILTER (WHERE s.kind = 'fine'), 0)::bigint
           FROM patrol_step s JOIN patrol_case c ON c.id = s.case_id
           WHERE c.dealer_id = ANY(%s) AND s.at >= %s AND s.kind IN ('warning', 'fine', 'termination')
             AND c.status <> 'dismissed'
           GROUP BY 1, 2, 3""",
        [wanted, since],
    ):
        counted = steps.setdefault(node, {})
        counted[kind] = counted.get(kind, 0) + number
        if kind == "fine":
            fined.setdefault(node, {})[currency] = total
    cases: dict[int, list[ViolationCase]] = {}
    for case in select_cases(CaseFilter()).filter(dealer__in=wanted, opened_at__gte=since).order_by("-pk"):
        cases.setdefault(case.dealer_id or 0, []).append(case)
    return {
        node: DealerFile(
            *seen.get(node, (0, 0)),
            _counted(cases.get(node, [])),
            steps.get(node, {}).get("warning", 0),
            steps.get(node, {}).get("fine", 0),
            steps.get(node, {}).get("termination", 0),
            fined.get(node, {}),
            cases.get(node, []),
        )
        for node in wanted
    }


def _counted(cases: Sequence[ViolationCase]) -> dict[str, int]:
    found: dict[str, int] = {}
    for case in cases:
        found[case.status] = found.get(case.status, 0) + 1
    return found
