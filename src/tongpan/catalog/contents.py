"""Contents of listings, the standards they are checked by, and what came of it (PRD-03, RET-08)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from django.db import transaction

from tongpan.access.actions import Note, audit, audit_many
from tongpan.catalog.events import LISTINGS_CHANGED
from tongpan.catalog.fit import Check, Content, Verdict, read_checks, verdict
from tongpan.catalog.models import FitStandard
from tongpan.channels.models import Channel
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.stored import store, stored

OnFail = Literal["refuse", "flag"]
_SETTING = "goods.fit"


def on_fail() -> OnFail:
    """What happens to a listing that fails a blocking check or review: it is refused the sale, or only flagged."""
    return "flag" if (stored(_SETTING) or {}).get("on_fail") == "flag" else "refuse"


@transaction.atomic
def set_on_fail(mode: OnFail, *, actor: str, now: datetime) -> None:
    """Raises Refusal fit.mode."""
    if mode not in ("refuse", "flag"):
        raise Refusal("fit.mode", f"{mode!r} is neither refuse nor flag.")
    store(_SETTING, {"on_fail": mode})
    audit(actor, "fit.mode", "setting", _SETTING, {"on_fail": mode}, now=now)


@transaction.atomic
def publish_standard(
    channel_code: str, checks: Sequence[Mapping[str, Any]], blocks: bool, *, actor: str, now: datetime
) -> int:
    """Make ``checks`` the standard of a channel ("" for every channel without one of its own); the new version.

    Earlier versions stay. The listings that it is for are checked at once; listings on sale that fail stay on sale
    until they are saved or re-checked with ``recheck(take_off_sale=True)``. Raises Refusal fit.channel, fit.checks.
    """
    read_checks(list(checks))
    channel = Channel.objects.filter(code=channel_code).first() if channel_code else None
    if channel_code and channel is None:
        raise Refusal("fit.channel", f"There is no channel {channel_code!r}.")
    # two publications at once: the later one waits, and gets the next number
    execute("SELECT pg_advisory_xact_lock(hashtext('catalog.fit_standard'))")
    channel_id = channel.pk if channel else None
    versions = FitStandard.objects.filter(channel=channel) if channel else FitStandard.objects.filter(channel=None)
    last = versions.order_by("-version").first()
    standard = FitStandard.objects.create(
        channel_id=channel_id,
        version=last.version + 1 if last else 1,
        checks=list(checks),
        blocks=blocks,
        created_at=now,
        created_by=actor,
    )
    audit(actor, "fit.published", "fit_standard", channel_code or "*", {"version": standard.version}, now=now)
    recheck(None, now=now)
    return standard.version


def current_standards() -> dict[int | None, tuple[FitStandard, tuple[Check, ...]]]:
    """channel id (None: of all others) -> the version in force with its checks. One statement."""
    rows = FitStandard.objects.order_by("channel_id", "-version").distinct("channel_id").select_related("channel")
    return {row.channel_id: (row, read_checks(row.checks)) for row in rows}


def recheck(listing_ids: Collection[int] | None, *, now: datetime) -> dict[int, tuple[Verdict, bool]]:
    """Check these listings (all when None) by the standards in force; id -> (verdict, does failing block).

    Writes the results; listings without a standard get none. The number of statements is constant.
    """
    standards = current_standards()
    if not standards:
        return {}
    rows = fetch_all(
        """SELECT l.id, h.channel_id, l.title, c.description, c.image_count, c.has_video, c.attributes::text,
             c.return_days, c.ship_hours, c.has_spares
           FROM catalog_listing l JOIN channels_shop h ON h.id = l.shop_id
           LEFT JOIN catalog_listing_content c ON c.listing_id = l.id
           WHERE %(ids)s::bigint[] IS NULL OR l.id = ANY(%(ids)s::bigint[])""",
        {"ids": None if listing_ids is None else list(listing_ids)},
    )
    results: dict[int, tuple[Verdict, bool]] = {}
    written = []
    for listing_id, channel_id, title, *rest in rows:
        standard = standards.get(channel_id) or standards.get(None)
        if standard is None:
            continue
        text, images, video, attributes, return_days, ship_hours, spares = rest
        content = Content(
            title,
            text or "",
            images or 0,
            bool(video),
            json.loads(attributes or "{}"),
            return_days,
            ship_hours,
            bool(spares),
        )
        found = verdict(standard[1], content)
        results[listing_id] = (found, standard[0].blocks)
        written.append(
            {
                "listing_id": listing_id,
                "standard_id": standard[0].pk,
                "score": found.score,
                "passed": found.passed,
                "findings": [asdict(finding) for finding in found.findings],
            }
        )
    execute(
        """INSERT INTO catalog_fit_result (listing_id, standard_id, score, passed, findings, checked_at)
           SELECT listing_id, standard_id, score, passed, findings, %s
           FROM jsonb_to_recordset(%s::jsonb) AS r(listing_id bigint, standard_id bigint, score smallint, passed bool,
             findings jsonb) ORDER BY listing_id
           ON CONFLICT (listing_id) DO UPDATE SET standard_id = excluded.standard_id, score = excluded.score,
             passed = excluded.passed, findings = excluded.findings, checked_at = excluded.checked_at""",
        [now, as_json(written)],
    )
    return results


def save_contents(contents: Mapping[int, Content], *, now: datetime) -> None:
    """Write what buyers see of listings, by id, inside the caller's transaction. Raises Refusal listing.content."""
    rows = []
    for listing_id, content in contents.items():
        _check(listing_id, content)
        row = asdict(content)
        del row["title"]
        rows.append(row | {"listing_id": listing_id})
    execute(
        """INSERT INTO catalog_listing_content (listing_id, description, image_count, has_video, attributes,
             return_days, ship_hours, has_spares, updated_at)
           SELECT listing_id, description, image_count, has_video, attributes, return_days, ship_hours, has_spares, %s
           FROM jsonb_to_recordset(%s::jsonb) AS r(listing_id bigint, description text, image_count int,
             has_video bool, attributes jsonb, return_days int, ship_hours int, has_spares bool) ORDER BY listing_id
           ON CONFLICT (listing_id) DO UPDATE SET description = excluded.description,
             image_count = excluded.image_count, has_video = excluded.has_video, attributes = excluded.attributes,
             return_days = excluded.return_days, ship_hours = excluded.ship_hours, has_spares = excluded.has_spares,
             updated_at = excluded.updated_at""",
        [now, as_json(rows)],
    )


def guard_sale(listing_ids: Collection[int], *, now: datetime) -> None:
    """Check these listings, and refuse the sale to those that fail, inside the caller's transaction.

    Where failing is only flagged the results are written and nothing is refused. Raises Refusal listing.unfit,
    listing.untrue for a listing on sale that fails a blocking standard, or whose last truthfulness review failed.
    """
    results = recheck(listing_ids, now=now)
    if on_fail() == "flag":
        return
    on_sale = fetch_all(
        """SELECT l.id, l.external_item_id, h.code, (SELECT t.passed FROM catalog_truth_review t
             WHERE t.listing_id = l.id ORDER BY t.id DESC LIMIT 1)
           FROM catalog_listing l JOIN channels_shop h ON h.id = l.shop_id
           WHERE l.id = ANY(%s) AND l.is_on_sale ORDER BY l.id""",
        [list(listing_ids)],
    )
    for listing_id, item, shop, is_true in on_sale:
        found = results.get(listing_id)
        if found is not None and found[1] and not found[0].passed:
            failed = ", ".join(f.check for f in found[0].findings if f.is_required and not f.passed)
            raise Refusal(
                "listing.unfit", f"Listing {item} of shop {shop} cannot go on sale: it fails {failed} of the standard."
            )
        if is_true is False:
            raise Refusal(
                "listing.untrue",
                f"Listing {item} of shop {shop} cannot go on sale: its detail page was found untrue. Correct it and "
                "have it reviewed again.",
            )


def take_off_sale(listing_ids: Sequence[int]) -> list[int]:
    """Take those of ``listing_ids`` that are on sale off it, inside the caller's transaction; which they were."""
    changed = fetch_all(
        "UPDATE catalog_listing SET is_on_sale = false WHERE id = ANY(%s) AND is_on_sale RETURNING id, sku_id",
        [sorted(listing_ids)],
    )
    append([NewEvent(LISTINGS_CHANGED, str(pk), {"sku": sku_id}) for pk, sku_id in sorted(changed)])
    return sorted(pk for pk, _ in changed)


def review_truth(verdicts: Mapping[int, tuple[bool, str]], *, reviewer: str, now: datetime) -> list[int]:
    """Book a truthfulness review of each listing, by id: (passed, note). Returns those that it took off sale.

    A page that fails goes off sale at once, unless failing is only flagged. Raises Refusal listing.unknown,
    truth.note (a failure without a note says nothing to those who must correct the page).
    """
    if vague := [pk for pk, (passed, note) in verdicts.items() if not passed and not note.strip()]:
        raise Refusal("truth.note", f"Say what is untrue about listing {vague[0]}.")
    ids = sorted(verdicts)
    with transaction.atomic():
        known = {
            pk for (pk,) in fetch_all("SELECT id FROM catalog_listing WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
        }
        if unknown := [pk for pk in ids if pk not in known]:
            raise Refusal("listing.unknown", f"There is no listing {unknown[0]}.")
        execute(
            """INSERT INTO catalog_truth_review (listing_id, passed, note, reviewer, reviewed_at)
               SELECT *, %s, %s FROM unnest(%s::bigint[], %s::bool[], %s::text[])""",
            [reviewer, now, ids, [verdicts[pk][0] for pk in ids], [verdicts[pk][1].strip()[:2000] for pk in ids]],
        )
        audit_many(
            [Note("truth.reviewed", "listing", str(pk), {"passed": verdicts[pk][0]}) for pk in ids],
            actor=reviewer,
            now=now,
        )
        failed = [pk for pk in ids if not verdicts[pk][0]]
        return take_off_sale(failed) if failed and on_fail() == "refuse" else []


def _check(listing_id: int, content: Content) -> None:
    numbers = (content.image_count, content.return_days or 0, content.ship_hours or 0)
    if any(not 0 <= number <= 100_000 for number in numbers):
        raise Refusal("listing.content", f"Listing {listing_id}: images, days and hours must be 0 to 100000.")
    if len(content.description) > 100_000 or "\x00" in content.description or len(content.attributes) > 200:
        raise Refusal("listing.content", f"Listing {listing_id}: at most 100,000 characters and 200 attributes.")
    for name, value in content.attributes.items():
        if not isinstance(value, str) or len(name) > 60 or len(value) > 500 or "\x00" in name + value:
            raise Refusal("listing.content", f"Listing {listing_id}: attribute {name[:60]!r} must be a short text.")
