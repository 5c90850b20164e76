"""Returns: read them, and take them in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.documents import OutcomesOut, ReturnsIn, answer, return_docs
from tongpan.api.operations import actor_of, read, write
from tongpan.api.order_values import plain
from tongpan.api.orders import shop_id
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Day, Id, Instant, MoneyOut, Out, Text40, Text120, money
from tongpan.core.clock import utc_now
from tongpan.orders.actions import accept_returns
from tongpan.orders.models import LineKind, Return, ReturnStatus
from tongpan.orders.queries import return_whole, select_returns

router = Router(tags=["returns"])


class ReturnQuery(PageQuery):
    number: Text120 = Field("", description="A return number or its beginning")
    shop: Text40 = ""


class ReturnSummaryOut(Out):
    id: int
    shop: str
    channel: str
    number: str
    status: ReturnStatus
    order: str | None = Field(description="Number of the order it belongs to, when that is known")
    customer: str | None
    business_date: Day
    returned_at: Instant
    goods: MoneyOut
    charges: MoneyOut
    total: MoneyOut
    units: int
    is_simulated: bool


class ReturnLineOut(Out):
    line: int
    kind: LineKind
    code: str
    name: str
    qty: int = Field(description="Units that came back")
    unit_price: str | None
    amount: MoneyOut = Field(description="What was given back, with a minus")


class ReturnOut(ReturnSummaryOut):
    lines: list[ReturnLineOut]


def _head(row: Return) -> dict[str, Any]:
    return {
        "id": row.pk,
        "shop": row.shop.code,
        "channel": row.channel.code,
        "number": row.external_id,
        "status": row.status,
        "order": row.order.external_id if row.order else None,
        "customer": row.customer.code if row.customer else None,
        "business_date": row.business_date,
        "returned_at": row.returned_at,
        "goods": money(row.goods_minor, row.currency),
        "charges": money(row.charges_minor, row.currency),
        "total": money(row.total_minor, row.currency),
        "units": row.units,
        "is_simulated": row.is_simulated,
    }


@read(router, "/returns", "orders.view", Page[ReturnSummaryOut])
def list_returns(request: HttpRequest, query: Query[ReturnQuery]) -> Page[ReturnSummaryOut]:
    """Returns, the last booked first."""
    rows = select_returns(shop_id(query.shop), query.number)
    return page_of(rows, ["-id"], query, lambda row: ReturnSummaryOut(**_head(row)))


@read(router, "/returns/{return_id}", "orders.view", ReturnOut)
def get_return(request: HttpRequest, return_id: Path[Id]) -> ReturnOut:
    """One return with its lines."""
    row = return_whole(return_id)
    if row is None:
        raise not_found("return", return_id)
    lines = [
        ReturnLineOut(
            line=line.line_no,
            kind=LineKind(line.kind),
            code=line.sku.code if line.sku else line.charge_code,
            name=line.name,
            qty=line.qty,
            unit_price=plain(line.unit_price),
            amount=money(line.amount_minor, row.currency),
        )
        for line in row.lines.all()
    ]
    return ReturnOut(**_head(row), lines=lines)


@write(router, "POST", "/returns", "orders.edit", OutcomesOut)
def post_returns(request: HttpRequest, body: ReturnsIn) -> OutcomesOut:
    """Take returns in; their goods go back on sale at the node that takes the shop's returns."""
    docs = return_docs(body.returns)
    outcomes = accept_returns(docs, actor=actor_of(request), now=utc_now())
    return answer(outcomes, [doc.external_id for doc in docs])
