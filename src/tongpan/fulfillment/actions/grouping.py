"""What is routed as one: an order, a part of a split one, or all goods of orders that are sent together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tongpan.fulfillment.actions.snapshot import Job
from tongpan.fulfillment.routing.basics import Need, Plan
from tongpan.fulfillment.routing.choosing import Policies
from tongpan.fulfillment.routing.facts import OrderFacts, holds
from tongpan.fulfillment.routing.policy import Policy


@dataclass(frozen=True, slots=True)
class Group:
    """Needs that one plan covers. jobs: whose they are, the one placed first first."""

    jobs: Sequence[Job]
    needs: Sequence[Need]

    def owners(self) -> dict[int, Job]:
        """The job of each order line that has needs."""
        return {need.order_line_id: job for job in self.jobs for need in job.needs}

    def take(self, made: Plan, policy: Policy) -> None:
        """Give each job what ``made`` decided for it by ``policy``."""
        for job in self.jobs:
            lines = {need.order_line_id for need in job.needs}
            own = replace(made, picks=[pick for pick in made.picks if pick.order_line_id in lines])
            if len(self.jobs) > 1:
                others = sorted(other.order_id for other in self.jobs if other is not job)
                own = replace(own, explanation=own.explanation | {"together_with": others})
            job.policy = (policy.code, policy.version)
            job.made = own if job.made is None else _joined(job.made, own)
            if made.outcome == "unfillable":
                job.failed = made.rule
                job.moves.extend(made.transfers)


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


def in_turn(
    groups: Sequence[Group], policies: Policies, orders: Mapping[int, OrderFacts]
) -> list[tuple[Group, Policy]]:
    """The groups with their policies, in the order in which the policies want them planned.

    Policies that sort alike share one queue; of queues that sort differently the one with the order placed first
    goes first.
    """
    queues: dict[tuple[str, ...], list[tuple[Group, Policy]]] = {}
    for group in groups:
        policy = policies.of(group.jobs[0].channel_id, group.jobs[0].shop_id)
        queues.setdefault(tuple(policy.batch.sort), []).append((group, policy))
    turns = []
    for sort, queue in queues.items():
        if sort != ("placed_at", "id"):
            queue.sort(key=lambda pair: _urgency(pair[1], orders[pair[0].jobs[0].order_id]))
        turns.extend(queue)
    return turns


def _urgency(policy: Policy, order: OrderFacts) -> tuple[Any, ...]:
    conditions = policy.batch.priority
    keys: dict[str, Any] = {
        "promise_at": (True,) if order.promised_at is None else (False, order.promised_at),
        "priority": next((i for i, one in enumerate(conditions) if holds(one, order)), len(conditions)),
        "placed_at": order.placed_at,
        "id": order.order_id,
    }
    return tuple(keys[key] for key in policy.batch.sort)


def waits_for_others(jobs: Sequence[Job]) -> set[int]:
    """The ids of the orders that wait because one that they are sent together with is held back or not paid."""
    waiting = {
        job.merge_id
        for job in jobs
        if job.merge_id is not None and not job.is_shipped and (job.is_blocked or job.status == "placed")
    }
    return {job.order_id for job in jobs if job.merge_id in waiting and not job.is_shipped}
