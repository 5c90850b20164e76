"""What became of a case that a person or a rule changed, and where each step leads. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

OPEN = ("requested", "approved", "in_transit", "received", "inspected")
"""A case in one of these waits for its next step."""
ENDED_WITHOUT_GOODS = ("refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """The outcome for one case, at the position at which it was named.

    done: it is in ``status`` now. unchanged: it was so already. refused: code and reason say why, and nothing of it
    was changed. case_id is None for a request that was refused.
    """

    case_id: int | None
    state: Literal["done", "unchanged", "refused"]
    status: str = ""
    code: str = ""
    reason: str = ""


def unknown_case(case_id: int) -> CaseOutcome:
    return CaseOutcome(case_id, "refused", code="case.unknown", reason=f"There is no case AS{case_id}.")


def refused_step(case_id: int, status: str, step: str, from_statuses: Collection[str]) -> CaseOutcome:
    """Why a case in ``status`` cannot take ``step``, which leads on from ``from_statuses``."""
    sentence = (
        f"Case AS{case_id} is {status.replace('_', ' ')}; it can be {step} only while it is "
        f"{' or '.join(s.replace('_', ' ') for s in from_statuses)}."
    )
    return CaseOutcome(case_id, "refused", status, "case.status", sentence)
