"""Reads of runs, scores and the register, and the proof that a score follows from its inputs."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import QuerySet

from tongpan.core.errors import Refusal
from tongpan.risk.engine import Rules, Score, parse_rules, read_inputs, score
from tongpan.risk.models import CodeSighting, DiversionRules, DiversionRun, DiversionScore, GoodsCode


def rules_in_force() -> tuple[int, Rules]:
    """(version, rules) that count now; version 0 is the defaults. One statement."""
    newest = DiversionRules.objects.order_by("-version").first()
    return (newest.version, parse_rules(newest.rules)) if newest else (0, Rules())


def rule_versions() -> QuerySet[DiversionRules]:
    """All versions of the rules, the newest first."""
    return DiversionRules.objects.order_by("-version")


def last_run() -> DiversionRun | None:
    """The newest run, or None."""
    return DiversionRun.objects.order_by("-pk").first()


def select_scores(run_id: int, *, level: str = "", text: str = "") -> QuerySet[DiversionScore]:
    """The scores of a run with dealer and shop. text: the beginning of a code or part of a name."""
    rows = DiversionScore.objects.filter(run=run_id).select_related("dealer", "shop", "run")
    if level:
        rows = rows.filter(level=level)
    if text := text.strip():
        rows = (
            rows.filter(dealer__name__icontains=text)
            | rows.filter(shop__name__icontains=text)
            | (rows.filter(dealer__code__startswith=text) | rows.filter(shop__code__startswith=text))
        )
    return rows


def score_by_id(score_id: int) -> DiversionScore | None:
    """One score with its run, dealer and shop, or None."""
    return DiversionScore.objects.filter(pk=score_id).select_related("run", "dealer", "shop").first()


class Recomputed(NamedTuple):
    """made: what the stored inputs and rules give today. is_same: it is the stored score, signal by signal."""

    stored: DiversionScore
    made: Score
    is_same: bool


def recompute(score_id: int) -> Recomputed:
    """Make a score once more from its stored inputs and the rules of its run. Raises Refusal diversion.unknown."""
    stored = score_by_id(score_id)
    if stored is None:
        raise Refusal("diversion.unknown", f"There is no score {score_id}.")
    made = score(read_inputs(stored.inputs), parse_rules(stored.run.rules))
    is_same = (made.total, made.level, made.signals_json()) == (stored.score, stored.level, stored.signals)
    return Recomputed(stored, made, is_same)


def select_codes(*, text: str = "") -> QuerySet[GoodsCode]:
    """Serials and batches that went to dealers. text: the beginning of a code, or a dealer's code."""
    rows = GoodsCode.objects.select_related("sku", "dealer")
    if text := text.strip():
        rows = rows.filter(code__startswith=text) | rows.filter(dealer__code=text)
    return rows


def select_sightings(*, text: str = "") -> QuerySet[CodeSighting]:
    """Where codes turned up. text: the beginning of a code."""
    rows = CodeSighting.objects.all()
    return rows.filter(code__startswith=text.strip()) if text.strip() else rows
