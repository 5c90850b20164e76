"""The steps of a violation case: which may follow which, until when, and which sanction the policy names. Pure.

open -> evidence -> confirmed -> warning -> fine -> termination -> closed, or dismissed. A sanction can be appealed;
while an appeal waits for its decision no other step is taken. An appeal that is granted dismisses the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tongpan.pricing.patrol.rules import SANCTIONS, Rules, Rung

ENDS = ("dismissed", "closed")
STATUSES = ("open", "evidence", "confirmed", *SANCTIONS, *ENDS)
FOLLOWS: dict[str, tuple[str, ...]] = {
    "open": ("evidence", "confirmed", "dismissed"),
    "evidence": ("confirmed", "dismissed"),
    "confirmed": (*SANCTIONS, "closed"),
    "warning": ("fine", "termination", "closed"),
    "fine": ("termination", "closed"),
    "termination": ("closed",),
    "dismissed": (),
    "closed": (),
}
NEED_REASON = ("dismissed", "closed")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands. appeal: "" | "filed" | "rejected" | "granted". confirmed: confirmed cases of the party
    within the window of the policy, this one included once it is. sanctioned_at: of the last sanction."""

    status: str
    appeal: str = ""
    due_at: datetime | None = None
    confirmed: int = 0
    sanctioned_at: datetime | None = None


def rung_of(confirmed: int, rules: Rules) -> Rung:
    """The rung of the ladder for a party with so many confirmed cases (at least the first)."""
    fitting = [rung for rung in rules.ladder if rung.cases <= max(1, confirmed)]
    return fitting[-1]


def proposed(standing: Standing, rules: Rules, now: datetime) -> str:
    """The step that the policy names next: "" when nothing is to be done yet, or a person has to judge first.

    A confirmed case gets the sanction of its rung. A sanction whose deadline passed is followed by the next one.
    """
    if standing.appeal == "filed":
        return ""
    if standing.status == "confirmed":
        return rung_of(standing.confirmed, rules).sanction
    is_late = standing.due_at is not None and standing.due_at <= now
    if standing.status in ("warning", "fine") and is_late:
        return SANCTIONS[SANCTIONS.index(standing.status) + 1]
    return ""


def refusal_of(
    standing: Standing, step: str, rules: Rules, now: datetime, *, reason: str = "", fine_minor: int = 0
) -> str:
    """Why ``step`` (a status to go to, "appeal", "granted" or "rejected") cannot be taken now; "" when it can."""
    at = standing.status
    if step == "appeal":
        return _appeal(standing, rules, now, reason)
    if step in ("granted", "rejected"):
        if standing.appeal != "filed":
            return "No appeal waits for a decision."
        return "" if reason else "Say why the appeal is decided so."
    if standing.appeal == "filed":
        return "An appeal waits for its decision; decide it first."
    if step not in FOLLOWS[at]:
        ways = ", ".join(FOLLOWS[at])
        return f"From {at} a case cannot become {step}" + (f"; it can become {ways}." if ways else ": it is over.")
    if step in NEED_REASON and not reason:
        return "Say why the case ends."
    if step == "fine" and fine_minor <= 0:
        return "A fine needs its amount."
    if step in SANCTIONS and step != proposed(standing, rules, now) and not reason:
        wanted = proposed(standing, rules, now)
        return (
            f"The policy names {wanted} now: say why it shall be {step}."
            if wanted
            else (f"The policy names no {step} before the deadline: say why it shall be one.")
        )
    return ""


def _appeal(standing: Standing, rules: Rules, now: datetime, reason: str) -> str:
    if standing.status not in ("confirmed", *SANCTIONS):
        return "Only a confirmed case or a sanction can be appealed."
    if standing.appeal == "filed":
        return "An appeal waits for its decision already."
    if not reason:
        return "Say what the appeal is based on."
    since = standing.sanctioned_at
    if since is not None and now > since + timedelta(days=rules.appeal_days):
        return f"The {rules.appeal_days} days to appeal are over."
    return ""


def due_after(step: str, rules: Rules, now: datetime) -> datetime | None:
    """Until when a case that stands at ``step`` needs its next one; None at its end."""
    return None if step in ENDS else now + timedelta(days=rules.days[step])
