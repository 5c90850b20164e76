"""After-sale: requests for what comes back, their steps, and their refunds."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Query, Router

from tongpan.api.aftersale_values import (
    CaseEndIn,
    CaseIdsIn,
    CaseInspectIn,
    CaseOut,
    CaseOutcomesOut,
    CaseParcelsIn,
    CaseQuery,
    CaseReceiveIn,
    CasesIn,
    CaseSummaryOut,
    QuotesOut,
    RefundIdsIn,
    RefundsFailedIn,
    RefundsPaidIn,
    ReturnPolicyIn,
    ReturnPolicyOut,
    answer,
    case_of,
    quote_of,
    specs,
    summary,
)
from tongpan.api.operations import actor_of, read, write
from tongpan.api.orders import shop_id
from tongpan.api.pages import Page, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Id
from tongpan.core.clock import utc_now
from tongpan.network.queries import node_ids
from tongpan.orders.aftersale import actions
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.aftersale.queries import CaseFilter, select_cases, whole_case
from tongpan.orders.aftersale.specs import Found

router = Router(tags=["after-sale"])


@read(router, "/return-cases", "orders.view", Page[CaseSummaryOut])
def list_cases(request: HttpRequest, query: Query[CaseQuery]) -> Page[CaseSummaryOut]:
    """Cases of after-sale, the last asked for first."""
    wanted = CaseFilter(
        query.status,
        query.kind,
        query.owner,
        utc_now() if query.overdue else None,
        node_ids([query.node]).get(query.node, 0) if query.node else None,
        shop_id(query.shop),
        query.quality,
        query.text,
    )
    return page_of(select_cases(wanted), ["-id"], query, lambda row: CaseSummaryOut(**summary(row)))


@write(router, "POST", "/return-cases/quote", "returns.edit", QuotesOut)
def postquote_of(request: HttpRequest, body: CasesIn) -> QuotesOut:
    """What each request would come to, and why; nothing is written."""
    return QuotesOut(quotes=[quote_of(planned) for planned in actions.quote(specs(body), now=utc_now())])


@write(router, "POST", "/return-cases", "returns.edit", CaseOutcomesOut)
def post_cases(request: HttpRequest, body: CasesIn) -> CaseOutcomesOut:
    """Ask for units to come back, for a refund, an exchange or goods sent again."""
    return answer(actions.request(specs(body), actor=actor_of(request), now=utc_now(), source="api"))


@write(router, "POST", "/return-cases/approve", "returns.approve", CaseOutcomesOut)
def post_approve(request: HttpRequest, body: CaseIdsIn) -> CaseOutcomesOut:
    """Approve requests that the policy leaves to a person."""
    return answer(actions.approve(body.cases, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/return-cases/refuse", "returns.approve", CaseOutcomesOut)
def post_refuse(request: HttpRequest, body: CaseEndIn) -> CaseOutcomesOut:
    """Refuse requests; their units may be asked for again."""
    return answer(actions.refuse(body.cases, body.reason, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/return-cases/withdraw", "returns.edit", CaseOutcomesOut)
def post_withdraw(request: HttpRequest, body: CaseEndIn) -> CaseOutcomesOut:
    """The buyer keeps the goods."""
    return answer(actions.withdraw(body.cases, body.reason, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/return-cases/send", "returns.edit", CaseOutcomesOut)
def post_case_parcels(request: HttpRequest, body: CaseParcelsIn) -> CaseOutcomesOut:
    """The carrier has scanned the goods on their way back; what the policy refunds at once is refunded."""
    parcels = [(one.case, one.carrier, one.tracking_number) for one in body.parcels]
    return answer(actions.send(parcels, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/return-cases/receive", "returns.edit", CaseOutcomesOut)
def post_case_receive(request: HttpRequest, body: CaseReceiveIn) -> CaseOutcomesOut:
    """The goods have arrived at a node that takes returns; they wait there to be looked at."""
    return answer(actions.receive(body.cases, body.node, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/return-cases/{case_id}/inspect", "returns.edit", CaseOutcomesOut)
def post_inspect(request: HttpRequest, case_id: Path[Id], body: CaseInspectIn) -> CaseOutcomesOut:
    """Say what became of every unit of a case; what is accepted is refunded and booked."""
    found = [Found(one.line, one.disposition.value, one.qty, one.note) for one in body.found]
    return answer([actions.inspect(case_id, found, actor=actor_of(request), now=utc_now())])


@read(router, "/return-cases/{case_id}", "orders.view", CaseOut)
def get_case(request: HttpRequest, case_id: Path[Id]) -> CaseOut:
    """One case with its lines, story, inspections and refunds."""
    whole = whole_case(case_id)
    if whole is None:
        raise not_found("case", case_id)
    return case_of(whole)


@write(router, "POST", "/refunds/approve", "returns.approve", CaseOutcomesOut)
def post_refunds_approve(request: HttpRequest, body: RefundIdsIn) -> CaseOutcomesOut:
    """Approve refunds that are above what was quoted."""
    return answer(actions.approve_refunds(body.refunds, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/refunds/paid", "returns.approve", CaseOutcomesOut)
def post_refunds_paid(request: HttpRequest, body: RefundsPaidIn) -> CaseOutcomesOut:
    """Note that approved refunds were paid back, by whoever moves the money."""
    return answer(actions.pay_refunds(body.refunds, body.reference, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/refunds/failed", "returns.approve", CaseOutcomesOut)
def post_refunds_failed(request: HttpRequest, body: RefundsFailedIn) -> CaseOutcomesOut:
    """Note that refunds could not be paid; what they took of the order's limit is free again."""
    return answer(actions.fail_refunds(body.refunds, body.reason, actor=actor_of(request), now=utc_now()))


@read(router, "/return-policy", "orders.view", ReturnPolicyOut)
def get_return_policy(request: HttpRequest) -> ReturnPolicyOut:
    """The policy of returns in force; version 0 is the default."""
    version, policy = current_policy()
    return ReturnPolicyOut(version=version, rules=policy.as_json())


@write(router, "POST", "/return-policy", "returns.approve", ReturnPolicyOut)
def post_return_policy(request: HttpRequest, body: ReturnPolicyIn) -> ReturnPolicyOut:
    """Save a new version; it counts for requests from now on."""
    actions.save_policy(body.rules, body.note, seen=body.version, actor=actor_of(request), now=utc_now())
    return get_return_policy(request)
