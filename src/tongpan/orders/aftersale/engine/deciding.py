"""May these units come back, and on which terms? Pure: policy, facts and clock in, an answer and its reason out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tongpan.core.money import to_decimal
from tongpan.orders.aftersale.engine.policy import Override, Policy, Reason

LEFT = ("dispatched", "delivered", "completed")


@dataclass(frozen=True, slots=True)
class LineFacts:
    """Units of one order line that a request names. taken: units that came back or are asked for already.

    category: of the goods, "" when unknown.
    """

    line_no: int
    sku: str
    category: str
    bought: int
    taken: int
    qty: int
    reason: str
    is_opened: bool = False
    is_partly_credited: bool = False


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The order that goods come back of. Times are aware or None; zone is the channel's. tier: the buyer's, or ""."""

    kind: str
    number: str
    status: str
    channel: str
    tier: str
    zone: str
    dispatched_at: datetime | None
    delivered_at: datetime | None
    lines: Sequence[LineFacts]


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """By which layer of the policy a line may come back: no_reason, extended, quality, or undelivered.

    rule: the field or override that decided it. until: when that window ends.
    """

    line_no: int
    layer: str
    rule: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Allowed or not, and why. code: of the refusal. freight_payer: who pays the way back, buyer or shop.

    charges: what of the postage is refunded; charges_for: the line numbers whose reason has it refunded.
    """

    is_allowed: bool
    sentence: str
    code: str = ""
    lines: Sequence[LineAnswer] = ()
    freight_payer: str = "shop"
    charges: str = "none"
    charges_for: Sequence[int] = ()

    def as_json(self) -> dict[str, Any]:
        """What is stored with the case."""
        return {
            "is_allowed": self.is_allowed,
            "sentence": self.sentence,
            "code": self.code,
            "freight_payer": self.freight_payer,
            "charges": self.charges,
            "charges_for": list(self.charges_for),
            "lines": [
                {
                    "line": line.line_no,
                    "layer": line.layer,
                    "rule": line.rule,
                    "until": line.until.isoformat() if line.until else None,
                }
                for line in self.lines
            ],
        }


def arrived_at(facts: CaseFacts, policy: Policy, now: datetime) -> datetime | None:
    """When the goods arrived, or are presumed to have; None while they are on their way or here."""
    if facts.delivered_at is not None:
        return facts.delivered_at
    if facts.status in {"delivered", "completed"}:
        return facts.dispatched_at
    if facts.status == "dispatched" and facts.dispatched_at is not None:
        presumed = facts.dispatched_at + timedelta(days=policy.presumed_delivery_days)
        return presumed if presumed <= now else None
    return None


def window_end(arrived: datetime, days: int, zone: str) -> datetime:
    """The end (exclusive) of a window of ``days`` whole days that begins the day after ``arrived``, local time."""
    local = arrived.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=days + 1), time(0), local.tzinfo)


def decide(policy: Policy, facts: CaseFacts, now: datetime) -> Answer:
    """Whether the request is allowed by ``policy`` at ``now``. The first line that is refused refuses the whole.

    1. Goods that have not left are cancelled, not returned; those on their way may only be refunded or sent again
       for a reason that says so (lost).
    2. No more units than were bought, counting what came back or is asked for already.
    3. A reason of quality within the warranty. 4. Excluded goods do not come back for another. 5. No reason needed
       within the first window, for unopened goods. 6. The same within the extended window. 7. Too late.
    """
    if not facts.lines:
        return _refused("return.empty", "Name at least one line and how many units of it come back.")
    if facts.status not in LEFT:
        what = "is cancelled" if facts.status == "cancelled" else "has not left; cancel it instead"
        return _refused("return.not_shipped", f"Order {facts.number} {what}.")
    arrived = arrived_at(facts, policy, now)
    answers = []
    reasons: list[tuple[LineFacts, Reason]] = []
    for line in facts.lines:
        refused = _units_problem(line)
        if refused:
            return refused
        reason = policy.reason(line.reason)
        if reason is None:
            known = ", ".join(r.code for r in policy.reasons)
            return _refused("return.reason", f"There is no return reason {line.reason!r}; the reasons are {known}.")
        reasons.append((line, reason))
        found = _line(policy, facts, line, reason, arrived=arrived, now=now)
        if isinstance(found, Answer):
            return found
        answers.append(found)
    faults = {reason.fault for _, reason in reasons}
    payers = {policy.return_freight.get(fault, "shop") for fault in faults}
    modes = {reason.fault: policy.charges.get(reason.fault, "none") for _, reason in reasons}
    refunding = [mode for mode in modes.values() if mode != "none"]
    return Answer(
        True,
        _sentence(answers, facts),
        lines=answers,
        freight_payer="shop" if "shop" in payers else "buyer",
        charges=("share" if "share" in refunding else refunding[0]) if refunding else "none",
        charges_for=[line.line_no for line, reason in reasons if modes[reason.fault] != "none"],
    )


def _units_problem(line: LineFacts) -> Answer | None:
    if line.qty < 1:
        return _refused("return.units", f"Line {line.line_no} ({line.sku}): name at least one unit.")
    left = line.bought - line.taken
    if line.qty > left:
        already = f"; {line.taken} came back or are asked for already" if line.taken else ""
        code = "return.twice" if line.taken and not left else "return.too_many"
        return _refused(
            code,
            f"Line {line.line_no} ({line.sku}): {line.bought} were bought{already}, so {max(left, 0)} can come back, "
            f"not {line.qty}.",
        )
    return None


def _line(
    policy: Policy, facts: CaseFacts, line: LineFacts, reason: Reason, *, arrived: datetime | None, now: datetime
) -> LineAnswer | Answer:
    if arrived is None:
        if facts.kind in ("refund_only", "claim") and reason.before_delivery:
            return LineAnswer(line.line_no, "undelivered", f"reason {reason.code}", None)
        return _refused(
            "return.not_delivered",
            f"Order {facts.number} has not arrived yet; wait for its delivery, or refund it as lost.",
        )
    if now < arrived:
        return _refused("return.not_delivered", f"Order {facts.number} arrives only on {arrived:%Y-%m-%d}.")
    days, rules = _days(policy, facts, line)
    what = f"Line {line.line_no} ({line.sku})"
    if reason.is_quality:
        until = window_end(arrived, days["warranty_days"], facts.zone)
        if now < until:
            return LineAnswer(line.line_no, "quality", rules["warranty_days"], until)
        return _refused("return.too_late", f"{what}: its warranty ended on {until - timedelta(days=1):%Y-%m-%d}.")
    if days["is_excluded"]:
        return _refused(
            "return.excluded",
            f"{what} comes back for faults of quality only (rule {rules['is_excluded']}).",
        )
    # What the shop or the carrier did wrong is not cured by an open box.
    if policy.needs_unopened and line.is_opened and reason.fault == "buyer":
        return _refused("return.opened", f"{what} was opened; only unopened goods come back without a fault.")
    for layer in ("no_reason", "extended"):
        until = window_end(arrived, days[f"{layer}_days"], facts.zone)
        if now < until:
            return LineAnswer(line.line_no, layer, rules[f"{layer}_days"], until)
    last = max(window_end(arrived, days[f"{layer}_days"], facts.zone) for layer in ("no_reason", "extended"))
    return _refused("return.too_late", f"{what}: the time to return it ended on {last - timedelta(days=1):%Y-%m-%d}.")


def _days(policy: Policy, facts: CaseFacts, line: LineFacts) -> tuple[dict[str, Any], dict[str, str]]:
    """Each value that counts for a line, and the rule that it comes from."""
    values: dict[str, Any] = {
        "no_reason_days": policy.no_reason_days,
        "extended_days": policy.extended_days,
        "warranty_days": policy.warranty_days,
        "is_excluded": False,
    }
    rules = {name: f"returns.{name}" for name in values}
    for name in values:
        for override in policy.overrides:
            value = getattr(override, name)
            if value is not None and _matches(override, facts, line):
                values[name], rules[name] = value, override.name
                break
    return values, rules


def _matches(override: Override, facts: CaseFacts, line: LineFacts) -> bool:
    return all(
        not wanted or value in wanted
        for wanted, value in (
            (override.categories, line.category),
            (override.channels, facts.channel),
            (override.tiers, facts.tier),
        )
    )


def _sentence(answers: Sequence[LineAnswer], facts: CaseFacts) -> str:
    worst = min((a for a in answers if a.until), key=lambda a: a.until or datetime.max, default=None)
    if worst is None or worst.until is None:
        return f"Order {facts.number} did not arrive; it is refunded or sent again."
    last = f"{worst.until - timedelta(days=1):%Y-%m-%d}"
    if worst.layer == "no_reason":
        return f"Within the window without a reason, until {last} (rule {worst.rule})."
    if worst.layer == "extended":
        return f"Within the extended window, until {last} (rule {worst.rule})."
    return f"A fault of the goods within the warranty, until {last} (rule {worst.rule})."


def _refused(code: str, sentence: str) -> Answer:
    return Answer(False, sentence, code)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a refund without a look at the goods goes by. returns: of the buyer within the window, with this one.

    scanned: "carrier", "store" or "": who has the goods.
    """

    total_minor: int
    currency: str
    returns: int
    is_blacklisted: bool
    scanned: str


def refusal_of_instant(policy: Policy, standing: Standing) -> str:
    """Why a refund has to wait until the goods were looked at, in a sentence; "" when it is paid at once."""
    rules = policy.instant
    cap = rules.cap_minor.get(standing.currency)
    if not rules.is_on:
        return "The policy has no instant refunds."
    if standing.is_blacklisted:
        return "The buyer is blacklisted."
    if cap is None or standing.total_minor > cap:
        amount = f"{to_decimal(standing.total_minor, standing.currency)} {standing.currency}"
        most = f"{to_decimal(cap, standing.currency)}" if cap is not None else "nothing"
        return f"{amount} is above the cap of instant refunds ({most})."
    if standing.returns > rules.most_returns:
        return f"The buyer has {standing.returns} returns within {rules.within_days} days; {rules.most_returns} may be."
    if standing.scanned not in rules.on:
        return "The goods have not been scanned by the carrier or a store yet."
    return ""


def refusal_of_auto_approval(policy: Policy, kind: str, total_minor: int, currency: str) -> str:
    """Why a person has to look at a request, in a sentence; "" when it is approved by itself."""
    rules = policy.auto_approve
    cap = rules.cap_minor.get(currency)
    if not rules.is_on:
        return "The policy approves nothing by itself."
    if kind not in rules.kinds:
        return f"Requests of kind {kind} are approved by a person."
    if cap is None or total_minor > cap:
        most = f"{to_decimal(cap, currency)}" if cap is not None else "nothing"
        return f"{to_decimal(total_minor, currency)} {currency} is above what is approved by itself ({most})."
    return ""
