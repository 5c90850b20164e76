"""The work of nodes: queues, steps, pickups, papers and the clocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.problems import Problem
from tongpan.api.values import Flag, Id, In, Instant, Out, Text40, Text80, Text300
from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions.desk import accept, make_ready, pack, pick
from tongpan.fulfillment.actions.handing import collect, hand_over
from tongpan.fulfillment.actions.offering import current_clocks, set_clocks
from tongpan.fulfillment.actions.refusing import reject
from tongpan.fulfillment.actions.scheduled import release
from tongpan.fulfillment.models import Fulfillment, FulfillmentStatus
from tongpan.fulfillment.papers.loading import print_papers
from tongpan.fulfillment.promises import Clocks
from tongpan.fulfillment.queues import MOST_AT_ONCE, most_urgent, queue, work_of_nodes
from tongpan.fulfillment.states import StepOutcome
from tongpan.network.queries import node_ids
from tongpan.orders.models import DeliveryMethod

router = Router(tags=["fulfillment"])
Step = Literal["accept", "pick", "pack", "ready", "release"]
Whole = Annotated[int, Field(strict=True)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]
_STEPS = {"accept": accept, "pick": pick, "pack": pack, "ready": make_ready, "release": release}


class StepOutcomeOut(Out):
    """What became of one step of one fulfilment, at the position at which it was named."""

    fulfillment: int = Field(description="0 for a code that nobody has")
    state: Literal["done", "unchanged", "refused"]
    status: str = Field(description="The fulfilment's status now; empty for one that does not exist")
    code: str = Field(description="Why it was refused, for programs")
    reason: str = Field(description="Why it was refused, for people")


class StepOutcomesOut(Out):
    outcomes: list[StepOutcomeOut]


class FulfillmentsIn(In):
    fulfillments: Ids


class RejectIn(In):
    fulfillments: Ids
    reason: Literal["stock_missing", "damaged", "no_capacity", "closed", "address", "other"]
    note: Text300 = ""


class CollectIn(In):
    code: Text300 = Field(description="The pickup code, typed or scanned, or the link that holds it")


class HandOverIn(In):
    fulfillments: Ids
    reason: Text300 = Field(description="How the buyer was recognised without the code; 5 to 200 characters")


class QueueQuery(Out):
    node: Text40 = ""
    stage: Literal["", "offered", "pick", "pack", "dispatch", "collect", "later"] = Field(
        "", description="Empty: all of them"
    )
    method: DeliveryMethod | Literal[""] = ""
    limit: int = Field(100, ge=1, le=500)


class QueuedLineOut(Out):
    sku: str
    name: str
    qty: int


class QueuedOut(Out):
    """A fulfilment that waits for its next step."""

    id: int
    order: str
    order_id: int
    shop: str
    node: str
    status: FulfillmentStatus
    method: DeliveryMethod
    due: Instant | None = Field(description="Until when the next step should be taken")
    accept_by: Instant | None
    ready_by: Instant | None
    due_at: Instant | None
    offer_from: Instant | None = Field(description="When what waits for its slot is offered to its node")
    collect_by: Instant | None
    contactless: bool
    gift_wrap: str
    lines: list[QueuedLineOut]


class QueueOut(Out):
    items: list[QueuedOut] = Field(description="Instant deliveries, then the others, of each what is due first first")


class NodeWorkOut(Out):
    node: str
    offered: int
    pick: int
    pack: int
    dispatch: int
    collect: int
    later: int = Field(description="Waits for the slots of its buyers")
    late: int = Field(description="Past its clock")
    today: int = Field(description="Orders that came to it in the last 24 hours and are still there")
    limit: int | None = Field(description="Orders that it takes on one day")


class NodesWorkOut(Out):
    nodes: list[NodeWorkOut]


class PaperQuery(Out):
    ids: Text300 = Field(description="Ids of fulfilments with commas between")


class ClocksOut(Out):
    """The clocks of the promises."""

    pickup_minutes: int
    ship_hours: int
    ship_clock: str
    pause_outside_hours: bool
    keep_days: int
    remind_hours: int
    after_expiry: str
    instant_minutes: int = Field(description="Open minutes from the order to the door of an instant delivery")
    instant_accept_minutes: int
    slot_lead_minutes: int = Field(description="What is wanted in a later slot is offered so long before it begins")


class ClocksIn(In):
    """What is left out stays."""

    pickup_minutes: Whole | None = None
    ship_hours: Whole | None = None
    ship_clock: Literal["delivered", "dispatched"] | None = None
    pause_outside_hours: Flag | None = None
    keep_days: Whole | None = None
    remind_hours: Whole | None = None
    after_expiry: Literal["hold", "cancel"] | None = None
    instant_minutes: Whole | None = None
    instant_accept_minutes: Whole | None = None
    slot_lead_minutes: Whole | None = None


def _answer(outcomes: Sequence[StepOutcome]) -> StepOutcomesOut:
    """Refusals are answers, not errors: a clerk works through a list, and a wrong code must be remembered."""
    return StepOutcomesOut(
        outcomes=[
            StepOutcomeOut(fulfillment=o.fulfillment_id, state=o.state, status=o.status, code=o.code, reason=o.reason)
            for o in outcomes
        ]
    )


def _queued(row: Any) -> QueuedOut:
    order = row.order
    return QueuedOut(
        id=row.pk,
        order=order.external_id,
        order_id=order.pk,
        shop=order.shop.code,
        node=row.node.code,
        status=FulfillmentStatus(row.status),
        method=DeliveryMethod(order.delivery_method),
        due=row.due,
        accept_by=row.accept_by,
        ready_by=row.ready_by,
        due_at=row.due_at,
        offer_from=row.offer_from,
        collect_by=row.collect_by,
        contactless=order.contactless,
        gift_wrap=order.gift_wrap,
        lines=[
            QueuedLineOut(sku=line.sku.code, name=line.order_line.name or line.sku.name, qty=line.qty)
            for line in row.lines.all()
        ],
    )


@read(router, "/fulfillment-queue", "orders.view", QueueOut)
def get_queue(request: HttpRequest, query: Query[QueueQuery]) -> QueueOut:
    """What waits for its next step at one node or at all. Without personal data. Instant deliveries come first."""
    nodes = None
    if query.node:
        nodes = list(node_ids([query.node]).values())
        if not nodes:
            raise Problem(422, "node.unknown", f"There is no node {query.node!r}.")
    rows: list[Fulfillment] = list(most_urgent(queue(query.stage, nodes, method=query.method))[: query.limit])
    return QueueOut(items=[_queued(row) for row in rows])


@read(router, "/fulfillment-work", "orders.view", NodesWorkOut)
def get_work(request: HttpRequest) -> NodesWorkOut:
    """How much each node has to do."""
    return NodesWorkOut(
        nodes=[
            NodeWorkOut(
                node=w.code,
                offered=w.offered,
                pick=w.pick,
                pack=w.pack,
                dispatch=w.dispatch,
                collect=w.collect,
                later=w.later,
                late=w.late,
                today=w.today,
                limit=w.limit,
            )
            for w in work_of_nodes(None, utc_now())
        ]
    )


@write(router, "POST", "/fulfillments/steps/{step}", "fulfillment.work", StepOutcomesOut)
def post_step(request: HttpRequest, step: Path[Step], body: FulfillmentsIn) -> StepOutcomesOut:
    """Take one step: accept what was offered, begin to pick, pack, or keep ready for the buyer; or release what
    waits for its slot. Each counts once."""
    return _answer(_STEPS[step](body.fulfillments, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/fulfillments/reject", "fulfillment.work", StepOutcomesOut)
def post_reject(request: HttpRequest, body: RejectIn) -> StepOutcomesOut:
    """The node does not send these: their goods are free again, and their orders go elsewhere."""
    return _answer(reject(body.fulfillments, body.reason, body.note, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/fulfillments/collect", "fulfillment.work", StepOutcomesOut)
def post_collect(request: HttpRequest, body: CollectIn) -> StepOutcomesOut:
    """Verify a pickup code and hand the goods over, once. After ten wrong codes in ten minutes none is looked at."""
    return _answer([collect(body.code, actor=actor_of(request), now=utc_now())])


@write(router, "POST", "/fulfillments/hand-over", "fulfillment.work", StepOutcomesOut)
def post_hand_over(request: HttpRequest, body: HandOverIn) -> StepOutcomesOut:
    """Hand pickups over without their codes, for a reason that is kept."""
    return _answer(hand_over(body.fulfillments, body.reason, actor=actor_of(request), now=utc_now()))


@read(router, "/fulfillment-papers/{kind}", "fulfillment.work", None, media_type="application/pdf")
def get_papers(request: HttpRequest, kind: Path[Text80], query: Query[PaperQuery]) -> HttpResponse:
    """Papers as one PDF: pick-list, packing-slips, labels or pickup-slips. Labels hold addresses: it is audited."""
    parts = [part.strip() for part in query.ids.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        raise Problem(422, "paper.ids", "ids must be whole numbers with commas between.")
    link = request.build_absolute_uri("/p/") + "{code}"
    content = print_papers(kind, [int(part) for part in parts], link=link, actor=actor_of(request), now=utc_now())
    return HttpResponse(content, content_type="application/pdf")


def _clocks(clocks: Clocks) -> ClocksOut:
    return ClocksOut(**{name: getattr(clocks, name) for name in ClocksOut.model_fields})


@read(router, "/fulfillment-clocks", "orders.view", ClocksOut)
def get_clocks(request: HttpRequest) -> ClocksOut:
    """The clocks of pickup and shipping as they are set."""
    return _clocks(current_clocks())


@write(router, "PUT", "/fulfillment-clocks", "orders.edit", ClocksOut)
def put_clocks(request: HttpRequest, body: ClocksIn) -> ClocksOut:
    """Set clocks for what is routed from now on."""
    with transaction.atomic():
        return _clocks(
            set_clocks(body.model_dump(exclude_none=True, mode="json"), actor=actor_of(request), now=utc_now())
        )
