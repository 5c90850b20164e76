"""What is routed as one: an order, a part of a split one, or all goods of orders that are sent together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tongpan.fulfillment.actions.snapshot import Job
from tongpan.fulfillment.engine import Need, Plan


@dataclass(frozen=True, slots=True)
class Group:
    """Needs that one plan covers. jobs: whose they are, the one placed first first."""

    jobs: Sequence[Job]
    needs: Sequence[Need]

    @property
    def shop_id(self) -> int:
        return self.jobs[0].shop_id

    @property
    def place(self) -> tuple[float, float] | None:
        return self.jobs[0].place

    def owners(self) -> dict[int, Job]:
        """The job of each order line that has needs."""
        return {need.order_line_id: job for job in self.jobs for need in job.needs}

    def take(self, made: Plan) -> None:
        """Give each job what ``made`` decided for it."""
        for job in self.jobs:
            lines = {need.order_line_id for need in job.needs}
            own = replace(made, picks=[pick for pick in made.picks if pick.order_line_id in lines])
            if len(self.jobs) > 1:
                others = sorted(other.order_id for other in self.jobs if other is not job)
                own = replace(own, explanation=own.explanation | {"together_with": others})
            job.made = own if job.made is None else _joined(job.made, own)
            if made.outcome == "unfillable":
                job.failed = made.rule


def _joined(first: Plan, then: Plan) -> Plan:
    """The plans of two parts as one: routed when either is, with the candidates of both."""
    routed = [plan for plan in (first, then) if plan.outcome == "routed"]
    told = first.explanation | then.explanation
    for name in ("candidates", "short"):
        both = [*first.explanation.get(name, []), *then.explanation.get(name, [])]
        if both:
            told[name] = both
    return replace((routed or [first])[0], picks=[*first.picks, *then.picks], explanation=told)


def groups_of(jobs: Sequence[Job]) -> list[Group]:
    """The groups of ``jobs``, in the order in which the first of each was placed, parts in order of their number."""
    together: dict[int, list[Job]] = {}
    for job in jobs:
        if job.merge_id is not None and not job.is_shipped:
            together.setdefault(job.merge_id, []).append(job)
    groups = []
    for job in jobs:
        merged = together.get(job.merge_id or 0, [job]) if not job.is_shipped else [job]
        if len(merged) > 1:
            if merged[0] is job:
                groups.append(Group(merged, [need for one in merged for need in one.needs]))
        elif len(set(job.parts.values())) <= 1:
            groups.append(Group([job], job.needs))
        else:
            for part in sorted(set(job.parts.values())):
                groups.append(Group([job], [need for need in job.needs if job.parts[need.order_line_id] == part]))
    return groups


def waits_for_others(jobs: Sequence[Job]) -> set[int]:
    """The ids of the orders that wait because one that they are sent together with is held back or not paid."""
    waiting = {
        job.merge_id
        for job in jobs
        if job.merge_id is not None and not job.is_shipped and (job.is_blocked or job.status == "placed")
    }
    return {job.order_id for job in jobs if job.merge_id in waiting and not job.is_shipped}
