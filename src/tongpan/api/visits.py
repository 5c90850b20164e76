"""Visits to stores, footfall, and what became of the visitors."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from tongpan.analytics.queries.visits import store_days, with_bought
from tongpan.api.operations import read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Code, Day, In, Instant, Name60, Name120, Out, Text60, Text80, Text120, Text300
from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now
from tongpan.network.queries import node_ids
from tongpan.tracking.actions import count_doors, record_visits
from tongpan.tracking.engine import DoorDoc, Identifier, TrackOutcome, VisitDoc
from tongpan.tracking.models import Visit, VisitKind
from tongpan.tracking.queries import VisitFilter, footfall, select_visits

router = Router(tags=["visits"])
DAYS = 30


class VisitorIn(In):
    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,20}$", examples=["phone"])]
    scope: Text60 = Field("company", description="Within which the value is one person")
    value: Name120


class VisitIn(In):
    source: Name60 = Field(description="Your system; with number it names the visit for good")
    number: Name120
    node: Code
    at: Instant
    kind: VisitKind = VisitKind.ENTER
    staff: Text80 = ""
    goods: list[Name120] = Field([], max_length=50, description="SKUs that were shown or tried")
    visitor: VisitorIn | None = None
    note: Text300 = Field("", description="Without phone numbers and addresses of e-mail")


class VisitsIn(In):
    visits: list[VisitIn] = Field(min_length=1, max_length=1000)


class DoorCountIn(In):
    node: Code
    hour: Instant = Field(description="Any time within the hour")
    entered: Annotated[int, Field(strict=True, ge=0, le=100_000)]


class DoorCountsIn(In):
    counts: list[DoorCountIn] = Field(min_length=1, max_length=5000)


class TrackedOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    id: int | None
    code: str
    reason: str


class TrackedsOut(Out):
    outcomes: list[TrackedOut]


class VisitOut(Out):
    """bought: the visitor is known and ordered on the same day what this store hands over or sends."""

    id: int
    source: str
    number: str
    node: str
    at: Instant
    day: date
    kind: VisitKind
    staff: str
    goods: list[str]
    customer: str | None = Field(description="Number of the customer")
    note: str
    bought: bool


class VisitQuery(PageQuery):
    q: Text120 = ""
    node: Text60 = ""
    kind: VisitKind | Literal[""] = ""
    day_from: Day | None = None
    day_to: Day | None = Field(None, description="The day to end before")


class FootfallQuery(BaseModel):
    node: Code
    day_from: Day
    day_to: Day = Field(description="The day to end before")


class FootfallHourOut(Out):
    hour: int = Field(description="0 to 23, by the clock of the store")
    entered: int
    days: int = Field(description="On how many days the hour was counted")


class FootfallOut(Out):
    node: str
    hours: list[FootfallHourOut]


class StoreDaysQuery(BaseModel):
    node: Text60 = ""
    days: int = Field(DAYS, ge=1, le=366)


class StoreDayOut(Out):
    """known: visits of known customers; bought: of these, with a purchase here on the day; entered: by door counter."""

    node: str = Field(description="Name of the node")
    day: date
    entered: int | None
    visits: int
    experiences: int
    known: int
    bought: int


class StoreDaysOut(Out):
    rows: list[StoreDayOut]


def _answer(outcomes: list[TrackOutcome]) -> TrackedsOut:
    rendered = [TrackedOut(state=o.state, id=o.visit_id, code=o.code, reason=o.reason) for o in outcomes]
    if all(outcome.state == "refused" for outcome in rendered):
        found = {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]}
        raise Problem(422, rendered[0].code, rendered[0].reason, found)
    return TrackedsOut(outcomes=rendered)


@write(router, "POST", "/visits", "customers.edit", TrackedsOut)
def post_visits(request: HttpRequest, body: VisitsIn) -> TrackedsOut:
    """Keep visits. One that is in already is unchanged; one that cannot be taken is refused on its own."""
    docs = [
        VisitDoc(
            one.source,
            one.number,
            one.node,
            one.at,
            one.kind,
            one.staff,
            one.goods,
            Identifier(one.visitor.kind, one.visitor.scope, one.visitor.value) if one.visitor else None,
            one.note,
        )
        for one in body.visits
    ]
    return _answer(record_visits(docs, now=utc_now()))


def _visit(row: Visit) -> VisitOut:
    return VisitOut(
        id=row.pk,
        source=row.source,
        number=row.number,
        node=row.node.code,
        at=row.at,
        day=row.day,
        kind=VisitKind(row.kind),
        staff=row.staff,
        goods=[one.sku.code for one in row.tried],  # type: ignore[attr-defined]
        customer=row.customer.code if row.customer else None,
        note=row.note,
        bought=row.bought,  # type: ignore[attr-defined]
    )


@read(router, "/visits", "customers.view", Page[VisitOut])
def list_visits(request: HttpRequest, query: Query[VisitQuery]) -> Page[VisitOut]:
    """Visits, the last recorded first."""
    node_id = node_ids([query.node]).get(query.node, 0) if query.node else None
    wanted = VisitFilter(query.q, query.kind, node_id, query.day_from, query.day_to)
    return page_of(with_bought(select_visits(wanted)), ["-id"], query, _visit)


@write(router, "POST", "/door-counts", "customers.edit", TrackedsOut)
def post_door_counts(request: HttpRequest, body: DoorCountsIn) -> TrackedsOut:
    """Set how many came in by store and hour; another figure of the same hour replaces it."""
    return _answer(count_doors([DoorDoc(c.node, c.hour, c.entered) for c in body.counts], now=utc_now()))


@read(router, "/footfall", "customers.view", FootfallOut)
def get_footfall(request: HttpRequest, query: Query[FootfallQuery]) -> FootfallOut:
    """How many came in at a store by the hour of the day, over some days."""
    node_id = node_ids([query.node]).get(query.node, 0)
    hours = [
        FootfallHourOut(hour=h.hour, entered=h.entered, days=h.days)
        for h in footfall(node_id, query.day_from, query.day_to)
    ]
    return FootfallOut(node=query.node, hours=hours)


@read(router, "/visits/by-store", "customers.view", StoreDaysOut)
def get_store_days(request: HttpRequest, query: Query[StoreDaysQuery]) -> StoreDaysOut:
    """From the door to the till by store and day, the latest day first; at most 200 rows."""
    node_id = node_ids([query.node]).get(query.node, 0) if query.node else None
    end = business_day(utc_now(), DEFAULT_ZONE) + timedelta(days=1)
    return StoreDaysOut(
        rows=[
            StoreDayOut(
                node=row.node,
                day=row.day,
                entered=row.entered,
                visits=row.visits,
                experiences=row.experiences,
                known=row.known,
                bought=row.bought,
            )
            for row in store_days(end - timedelta(days=query.days), end, node_id)
        ]
    )
