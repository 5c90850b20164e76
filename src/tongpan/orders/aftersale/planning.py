"""What would become of a request: the one calculation behind the quote, the request itself and its refund."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tongpan.core.money import allocate
from tongpan.orders.aftersale.engine import Given, LineRefund, RefundShares, Sale, Terms, refund_of
from tongpan.orders.aftersale.engine.deciding import Answer
from tongpan.orders.aftersale.engine.policy import KINDS, Policy
from tongpan.orders.aftersale.engine.refunds import pay_back
from tongpan.orders.aftersale.facts import OrderFacts, given_of, sale_of
from tongpan.orders.aftersale.specs import WAYS, CaseSpec

MOST_LINES = 500
MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Planned:
    """The answer of the policy and, where the request is allowed and money goes back, the refund.

    instant: why the refund would wait for a look at the goods, "" when it is paid at once. approval: why a person
    has to look at the request, "" when it is approved by itself.
    """

    answer: Answer
    refund: RefundShares | None = None
    instant: str = ""
    approval: str = ""
    facts: OrderFacts | None = field(default=None, repr=False)

    @property
    def order(self) -> OrderFacts:
        """The order of a request that is allowed. Raises ValueError for one that names no order."""
        if self.facts is None:
            raise ValueError("The request names no order.")
        return self.facts

    @property
    def total_minor(self) -> int:
        return self.refund.total_minor if self.refund else 0


def refused(code: str, sentence: str) -> Answer:
    return Answer(False, sentence, code)


def shape_problem(spec: CaseSpec) -> Answer | None:
    """What is wrong with a request whatever its order is, or None."""
    texts = [spec.note, spec.shop_code, spec.order_number, spec.node_code, spec.paid_with]
    texts += [text for line in spec.lines for text in (line.reason, line.wanted_sku)]
    if any("\x00" in text or len(text) > MOST_TEXT for text in texts):
        return refused("return.text", f"A text has at most {MOST_TEXT} characters and no NUL byte.")
    if spec.kind not in KINDS:
        return refused("return.kind", f"There is no kind {spec.kind!r}; the kinds are {', '.join(KINDS)}.")
    if spec.way not in WAYS:
        return refused("return.way", f"There is no way back {spec.way!r}; the ways are {', '.join(WAYS)}.")
    if not spec.lines or len(spec.lines) > MOST_LINES:
        return refused("return.empty", f"Name 1 to {MOST_LINES} lines and how many units of each come back.")
    numbers = [line.line_no for line in spec.lines]
    if len(set(numbers)) < len(numbers):
        return refused("return.lines", "Name each line once.")
    comes_back = spec.kind in ("return", "exchange")
    if comes_back == (spec.way == "none"):
        what = "brings goods back: say how" if comes_back else "brings no goods back: its way is none"
        return refused("return.way", f"A case of kind {spec.kind} {what}.")
    if (spec.slot_start is None) != (spec.slot_end is None) or (
        spec.slot_start and spec.slot_end and spec.slot_start >= spec.slot_end
    ):
        return refused("return.slot", "A pickup needs a time from which and one until which, in that order.")
    if spec.way == "pickup" and spec.slot_start is None:
        return refused("return.slot", "A door pickup needs its time slot.")
    if spec.amount_minor is not None and spec.kind != "refund_only":
        return refused("refund.amount", "Only a refund without a return can name its amount.")
    if any((line.wanted_sku or line.wanted_minor is not None) and spec.kind != "exchange" for line in spec.lines):
        return refused("exchange.goods", "Only an exchange names other goods.")
    if any(line.wanted_minor is not None and line.wanted_minor < 0 for line in spec.lines):
        return refused("exchange.amount", "What is sent instead cannot cost less than nothing.")
    return None


def terms_of(policy: Policy, answer: Answer, facts: OrderFacts, way: str, kind: str) -> Terms:
    """How the policy has a refund made. An exchange gives the price of the goods, and nothing else."""
    groups = policy.tender_groups
    if kind == "exchange":
        return Terms("none", "keep", groups)
    fee = policy.pickup_fee_minor.get(facts.currency, 0) if way == "pickup" and answer.freight_payer == "buyer" else 0
    ids = {line.line_no: line.id for line in facts.goods}
    return Terms(
        answer.charges,  # type: ignore[arg-type]  # a mode that parse_policy has checked
        policy.gifts,  # type: ignore[arg-type]
        groups,
        fee,
        frozenset(ids[line_no] for line_no in answer.charges_for if line_no in ids),
    )


def shares_of(facts: OrderFacts, units: Mapping[int, int], terms: Terms) -> RefundShares:
    """The refund of ``units`` by line number."""
    ids = {line.line_no: line.id for line in facts.goods}
    return refund_of(sale_of(facts), given_of(facts), {ids[no]: qty for no, qty in units.items()}, terms)


def goodwill_of(facts: OrderFacts, lines: Mapping[int, int], amount_minor: int, terms: Terms) -> RefundShares | str:
    """``amount_minor`` of the price of ``lines`` (units by line number) given back, the goods stay where they are.

    A sentence instead when that is more than what is left of these lines.
    """
    sale, given = sale_of(facts), given_of(facts)
    left = _left(sale, given, {line.id: lines[line.line_no] for line in facts.goods if line.line_no in lines})
    most = min(sum(left.values()), sale.paid_minor - given.total_minor)
    if not 0 < amount_minor <= most:
        return f"Between 1 and {max(most, 0)} minor units can be given back for these units, not {amount_minor}."
    shares = allocate(amount_minor, list(left.values()))
    back = [LineRefund(line_id, 0, share, ()) for line_id, share in zip(left, shares, strict=True) if share]
    tenders = pay_back(sale.tenders, given.tenders, amount_minor, terms)
    return RefundShares(back, (), 0, 0, 0, amount_minor, tenders)


def _left(sale: Sale, given: Given, units: Mapping[int, int]) -> dict[int, int]:
    return {
        line.line_id: max(0, line.amount_minor - given.buyer.get(line.line_id, 0))
        for line in sale.lines
        if line.line_id in units
    }
