"""Routing policies: versions, where they count, and dry runs on past orders."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Day, Id, In, Instant, Name80, Out, Text60, Text80, Text300
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.fulfillment.dryrun.actions import ask_dry_run
from tongpan.fulfillment.dryrun.engine import Ask
from tongpan.fulfillment.dryrun.queries import changes_of, dry_run_by_id, dry_runs
from tongpan.fulfillment.models import DryRun, DryRunChange, PolicyVersion
from tongpan.fulfillment.routing.actions import assign, discard_draft, publish, save_draft
from tongpan.fulfillment.routing.language import BadPolicy, read_policy
from tongpan.fulfillment.routing.presets import PRESETS, VERSION
from tongpan.fulfillment.routing.queries import assignments, document_of, list_policies, scope_of, versions_of

router = Router(tags=["routing"])
PolicyCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Document = dict[str, Any]


class RoutingPolicyOut(Out):
    code: str
    name: str
    is_preset: bool = Field(description="It comes with Tongpan and stays as it is")
    published: int | None = Field(description="The version that counts")
    draft: int | None
    scopes: list[str] = Field(description='Where it counts: "" wherever nothing narrower does, channel:CODE, shop:CODE')


class RoutingPoliciesOut(Out):
    items: list[RoutingPolicyOut]


class RoutingVersionOut(Out):
    policy: str
    number: int
    status: Literal["draft", "published"]
    note: str
    changed_by: str
    changed_at: Instant | None
    published_by: str
    published_at: Instant | None
    document: Document


class RoutingVersionsOut(Out):
    items: list[RoutingVersionOut]


class RoutingDraftIn(In):
    document: Document
    name: Text80 = Field("", description='"" keeps the name')
    note: Text300 = ""


class RoutingDocumentIn(In):
    document: Document


class PolicyProblemOut(Out):
    where: str = Field(description="The path to the word that is wrong: rules[2].nodes.within_km")
    sentence: str


class RoutingCheckOut(Out):
    is_valid: bool
    problems: list[PolicyProblemOut]


class RoutingAssignIn(In):
    policy: Text60 = Field(description='"" gives the scope back')
    channel: Text60 = ""
    shop: Text60 = ""


class RoutingAssignmentOut(Out):
    id: int
    scope: str
    policy: str
    assigned_by: str
    assigned_at: Instant


class DryRunIn(In):
    """What to try: a version of a policy, or a document that is not kept."""

    policy: Name80 = Field(description="Its code, or what to call the document")
    version: Annotated[int, Field(ge=1, le=10**6)] | Literal["draft", "published"] | None = None
    document: Document | None = None
    day_from: Day
    day_to: Day = Field(description="Not included")
    stock: Literal["now", "recorded", "unlimited"] = "now"
    channel: Text60 = ""


class DryRunOut(Out):
    id: int
    policy: str
    version: int = Field(description="0: a document that was not kept as a version")
    day_from: Day
    day_to: Day
    stock: str
    channel: str
    done: int
    total: int
    created_by: str
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    error: str
    result: dict[str, Any] | None = Field(
        description="before and after: orders, routed, parcels, split, distance (tenths of a kilometre), cost (minor "
        "units), on_time of judged, rules; the load of each node; null until it is over"
    )


class DryRunChangeOut(Out):
    id: int
    shop: str
    number: str
    before_rule: str
    after_rule: str
    before_nodes: str
    after_nodes: str
    before_distance: int | None
    after_distance: int | None
    before_cost: int | None
    after_cost: int | None
    before_on_time: bool | None
    after_on_time: bool | None


class RunQuery(PageQuery):
    policy: Text60 = ""


@read(router, "/routing/policies", "network.view", RoutingPoliciesOut)
def list_routing_policies(request: HttpRequest) -> RoutingPoliciesOut:
    """Every policy, those of the company first, and where each counts."""
    return RoutingPoliciesOut(
        items=[
            RoutingPolicyOut(
                code=row.code,
                name=row.name,
                is_preset=row.is_preset,
                published=row.published,
                draft=row.draft,
                scopes=list(row.scopes),
            )
            for row in list_policies()
        ]
    )


@read(router, "/routing/policies/{code}/versions", "network.view", RoutingVersionsOut)
def list_routing_versions(request: HttpRequest, code: Path[PolicyCode]) -> RoutingVersionsOut:
    """The versions of a policy with their documents, the newest first."""
    if code in PRESETS:
        return RoutingVersionsOut(
            items=[
                RoutingVersionOut(
                    policy=code,
                    number=VERSION,
                    status="published",
                    note="",
                    changed_by="",
                    changed_at=None,
                    published_by="",
                    published_at=None,
                    document=dict(PRESETS[code]),
                )
            ]
        )
    found = versions_of(code)
    if not found:
        raise not_found("routing policy", code)
    return RoutingVersionsOut(items=[_version(one) for one in found])


@write(router, "POST", "/routing/policies/check", "network.view", RoutingCheckOut)
def check_routing_policy(request: HttpRequest, body: RoutingDocumentIn) -> RoutingCheckOut:
    """Every problem of a document, at its place; nothing is kept."""
    try:
        read_policy(body.document, "check", 1)
    except BadPolicy as bad:
        told = [PolicyProblemOut(where=where, sentence=sentence) for where, sentence in bad.problems]
        return RoutingCheckOut(is_valid=False, problems=told)
    return RoutingCheckOut(is_valid=True, problems=[])


@write(router, "PUT", "/routing/policies/{code}/draft", "network.edit", RoutingVersionOut)
def save_routing_draft(request: HttpRequest, code: Path[PolicyCode], body: RoutingDraftIn) -> RoutingVersionOut:
    """Keep a document as the draft of a policy, which is made when there is none."""
    draft = save_draft(code, body.document, name=body.name, note=body.note, actor=actor_of(request), now=utc_now())
    return _version(draft)


@write(router, "DELETE", "/routing/policies/{code}/draft", "network.edit", RoutingPoliciesOut)
def discard_routing_draft(request: HttpRequest, code: Path[PolicyCode]) -> RoutingPoliciesOut:
    """Throw a draft away; the policies that are left."""
    _known(lambda: discard_draft(code, actor=actor_of(request), now=utc_now()))
    return list_routing_policies(request)


@write(router, "POST", "/routing/policies/{code}/publish", "network.edit", RoutingVersionOut)
def publish_routing_draft(request: HttpRequest, code: Path[PolicyCode]) -> RoutingVersionOut:
    """Publish the draft: from now on it counts wherever the policy is assigned, and it is never changed again."""
    return _version(_known(lambda: publish(code, actor=actor_of(request), now=utc_now())))


@read(router, "/routing/assignments", "network.view", Page[RoutingAssignmentOut])
def list_routing_assignments(request: HttpRequest, query: Query[PageQuery]) -> Page[RoutingAssignmentOut]:
    """Every assignment there was, the newest first; the newest of a scope counts."""
    return page_of(
        assignments(),
        ("-id",),
        query,
        lambda row: RoutingAssignmentOut(
            id=row.pk,
            scope=scope_of(row),
            policy=row.policy,
            assigned_by=row.assigned_by,
            assigned_at=row.assigned_at,
        ),
    )


@write(router, "POST", "/routing/assignments", "network.edit", RoutingPoliciesOut)
def assign_routing_policy(request: HttpRequest, body: RoutingAssignIn) -> RoutingPoliciesOut:
    """Let a policy count for a channel, a shop, or wherever nothing narrower does."""
    assign(body.policy, channel=body.channel, shop=body.shop, actor=actor_of(request), now=utc_now())
    return list_routing_policies(request)


@read(router, "/routing/dry-runs", "network.view", Page[DryRunOut])
def list_dry_runs(request: HttpRequest, query: Query[RunQuery]) -> Page[DryRunOut]:
    """Dry runs with their results, the newest first."""
    return page_of(dry_runs(query.policy), ("-id",), query, _run)


@write(router, "POST", "/routing/dry-runs", "network.edit", DryRunOut)
def start_dry_run(request: HttpRequest, body: DryRunIn) -> DryRunOut:
    """Try a policy on past orders; a job does it, and this address gives its progress."""
    if body.document is not None:
        number, document = 0, body.document
    else:
        number, kept = document_of(body.policy, body.version or "published")
        document = dict(kept)
    ask = Ask(body.policy[:40], number, document, body.day_from, body.day_to, body.stock, body.channel)
    return _run(ask_dry_run(ask, actor=actor_of(request), now=utc_now()))


@read(router, "/routing/dry-runs/{run_id}", "network.view", DryRunOut)
def one_dry_run(request: HttpRequest, run_id: Path[Id]) -> DryRunOut:
    """One dry run: how far it is, and what came of it."""
    return _run(_known(lambda: dry_run_by_id(run_id)))


@read(router, "/routing/dry-runs/{run_id}/changes", "network.view", Page[DryRunChangeOut])
def list_dry_run_changes(request: HttpRequest, run_id: Path[Id], query: Query[PageQuery]) -> Page[DryRunChangeOut]:
    """The orders that the tried policy routes otherwise."""
    _known(lambda: dry_run_by_id(run_id))
    return page_of(changes_of(run_id), ("id",), query, _change)


def _known(work: Any) -> Any:
    """What ``work`` gives; a policy, version or run that there is not is a 404."""
    try:
        return work()
    except Refusal as refusal:
        if refusal.code in ("policy.unknown", "policy.version", "policy.no_draft", "dry_run.unknown"):
            raise Problem(404, refusal.code, refusal.sentence) from refusal
        raise


def _version(row: PolicyVersion) -> RoutingVersionOut:
    return RoutingVersionOut(
        policy=row.policy.code,
        number=row.number,
        status="published" if row.published_at else "draft",
        note=row.note,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        published_by=row.published_by,
        published_at=row.published_at,
        document=row.document,
    )


def _run(row: DryRun) -> DryRunOut:
    return DryRunOut(
        id=row.pk,
        policy=row.policy,
        version=row.version,
        day_from=row.day_from,
        day_to=row.day_to,
        stock=row.stock,
        channel=row.channel.code if row.channel else "",
        done=row.done,
        total=row.total,
        created_by=row.created_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        result=row.result or None,
    )


def _change(row: DryRunChange) -> DryRunChangeOut:
    return DryRunChangeOut(
        id=row.pk,
        shop=row.order.shop.code,
        number=row.order.external_id,
        before_rule=row.before_rule,
        after_rule=row.after_rule,
        before_nodes=row.before_nodes,
        after_nodes=row.after_nodes,
        before_distance=row.before_distance,
        after_distance=row.after_distance,
        before_cost=row.before_cost,
        after_cost=row.after_cost,
        before_on_time=row.before_on_time,
        after_on_time=row.after_on_time,
    )
