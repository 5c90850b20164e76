"""What buyers say of goods: taken in from channels, moderated, shown (OFF-03)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.catalog.models import Review, ReviewState
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal


@dataclass(frozen=True, slots=True)
class ReviewSpec:
    """A review as the channel has it; (channel, external id) is its natural key. rating: 1 to 5. said_at: aware."""

    channel_code: str
    external_id: str
    sku_code: str
    rating: int
    said_at: datetime
    text: str = ""
    state: str = "shown"


class Rating(NamedTuple):
    """Shown reviews of a SKU: how many, and the sum of their ratings."""

    number: int
    total: int

    @property
    def mean(self) -> float | None:
        """From 1 to 5, None without any."""
        return self.total / self.number if self.number else None


def save_reviews(specs: Sequence[ReviewSpec], *, actor: str, now: datetime) -> int:
    """Take reviews in, new or changed; how many were new or changed. All or none; constantly many statements.

    A later copy never shows again what was hidden here. Raises Refusal review.* (an unknown channel or SKU, a
    rating outside 1 to 5, a text that is too long, the same review twice).
    """
    keys = [(spec.channel_code, spec.external_id) for spec in specs]
    if len(set(keys)) != len(keys):
        raise Refusal("review.twice", "The same review is named twice in one request.")
    for spec in specs:
        _check(spec)
    rows: list[dict[str, Any]] = [asdict(spec) | {"said_at": spec.said_at.isoformat()} for spec in specs]
    with transaction.atomic():
        for noun, table, codes in (
            ("channel", "channels_channel", {spec.channel_code for spec in specs}),
            ("SKU", "catalog_sku", {spec.sku_code for spec in specs}),
        ):
            wanted = [code for code in codes if "\x00" not in code]
            found = {code for (code,) in fetch_all(f"SELECT code FROM {table} WHERE code = ANY(%s)", [wanted])}
            if unknown := sorted(codes - found):
                raise Refusal("review.unknown", f"There is no {noun} {', '.join(map(repr, unknown))}.")
        changed = fetch_all(
            """INSERT INTO catalog_review AS r (channel_id, external_id, sku_id, rating, text, said_at, state)
               SELECT c.id, g.external_id, s.id, g.rating, g.text, g.said_at, g.state
               FROM jsonb_to_recordset(%s::jsonb) AS g(channel_code text, external_id text, sku_code text,
                 rating smallint, text text, said_at timestamptz, state text)
               JOIN channels_channel c ON c.code = g.channel_code JOIN catalog_sku s ON s.code = g.sku_code
               ORDER BY 1, 2
               ON CONFLICT (channel_id, external_id) DO UPDATE SET sku_id = excluded.sku_id,
                 rating = excluded.rating, text = excluded.text, said_at = excluded.said_at,
                 state = CASE WHEN r.state = 'hidden' THEN r.state ELSE excluded.state END
               WHERE (r.sku_id, r.rating, r.text, r.said_at) IS DISTINCT FROM
                 (excluded.sku_id, excluded.rating, excluded.text, excluded.said_at) RETURNING id""",
            [json.dumps(rows, ensure_ascii=False)],
        )
        audit_many(
            [Note("reviews.saved", "channel", code) for code in sorted({spec.channel_code for spec in specs})],
            actor=actor,
            now=now,
        )
    return len(changed)


@transaction.atomic
def moderate(states: Mapping[int, str], *, actor: str, now: datetime) -> int:
    """Show or hide reviews, by id; how many changed. Raises Refusal review.state."""
    if bad := [state for state in states.values() if state not in ReviewState.values]:
        raise Refusal("review.state", f"{bad[0]!r} is not one of {', '.join(ReviewState.values)}.")
    changed = fetch_all(
        """UPDATE catalog_review r SET state = g.state FROM unnest(%s::bigint[], %s::text[]) AS g(id, state)
           WHERE r.id = g.id AND r.state <> g.state RETURNING r.id""",
        [list(states), list(states.values())],
    )
    notes = [Note("review.moderated", "review", str(pk), {"state": states[pk]}) for (pk,) in sorted(changed)]
    audit_many(notes, actor=actor, now=now)
    return len(changed)


def shown_reviews(sku_id: int, limit: int = 20) -> list[Review]:
    """The newest shown reviews of a SKU, with their channel."""
    rows = Review.objects.filter(sku=sku_id, state=ReviewState.SHOWN).select_related("channel")
    return list(rows.order_by("-said_at", "-id")[:limit])


def ratings_of(sku_ids: Collection[int]) -> dict[int, Rating]:
    """SKU id -> its shown reviews; a SKU without any is absent. One statement."""
    rows = fetch_all(
        """SELECT sku_id, count(*), sum(rating) FROM catalog_review
           WHERE state = 'shown' AND sku_id = ANY(%s) GROUP BY 1""",
        [list(sku_ids)],
    )
    return {sku_id: Rating(count, int(total)) for sku_id, count, total in rows}


def _check(spec: ReviewSpec) -> None:
    if not 0 < len(spec.external_id) <= 120 or len(spec.text) > 5000 or "\x00" in spec.external_id + spec.text:
        raise Refusal("review.text", f"Review {spec.external_id[:40]!r} must have an id and at most 5000 characters.")
    if not 1 <= spec.rating <= 5:
        raise Refusal("review.rating", f"Review {spec.external_id}: {spec.rating} is no rating from 1 to 5.")
    if spec.state not in ReviewState.values:
        raise Refusal("review.state", f"{spec.state!r} is not one of {', '.join(ReviewState.values)}.")
    if spec.said_at.tzinfo is None:
        raise Refusal("review.time", f"The time of review {spec.external_id} has no zone.")
