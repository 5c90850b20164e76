"""The settings of prices and the bands of single channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store
from tongpan.pricing.actions.log import Logged, log_changes
from tongpan.pricing.engine import PriceSettings, read_settings
from tongpan.pricing.events import LIMITS_CHANGED
from tongpan.pricing.queries import SETTING, price_settings


def save_settings(values: Mapping[str, Any], *, why: str = "", actor: str, now: datetime) -> PriceSettings:
    """Change the settings that ``values`` names, the others stay. Raises Refusal price.settings with every fault."""

    def work() -> PriceSettings:
        # One row of settings for the whole platform: two that save at once come one after the other.
        fetch_all("SELECT pg_advisory_xact_lock(hashtext(%s))", [SETTING])
        before = price_settings()
        settings, problems = read_settings({**before.as_json(), **values})
        if problems:
            raise Refusal("price.settings", " ".join(problems))
        store(SETTING, settings.as_json())
        log_changes([Logged("settings", before.as_json(), settings.as_json())], actor=actor, why=why, now=now)
        audit(actor, "price.settings_saved", "setting", SETTING, settings.as_json(), now=now)
        append([NewEvent(LIMITS_CHANGED, "", {})])
        return settings

    return run_in_transaction(work)


@dataclass(frozen=True, slots=True)
class BandSpec:
    """The band of a channel in percent; None in a part: as the settings say. mode: band, identical, or "" for the
    settings'. follows: its listings follow the price book. With all at their defaults the channel has no own band."""

    channel_code: str
    lower_pct: Decimal | None = None
    upper_pct: Decimal | None = None
    mode: str = ""
    follows: bool = False


def save_bands(specs: Sequence[BandSpec], *, why: str = "", actor: str, now: datetime) -> int:
    """Give channels a band of their own, or take it away; how many. Raises Refusal band.channel or band.value."""
    for spec in specs:
        for value, most in ((spec.lower_pct, 99), (spec.upper_pct, 999)):
            if value is not None and not (value.is_finite() and 0 <= value <= most):
                raise Refusal("band.value", f"The band of {spec.channel_code}: percent from 0 to {most}.")
        if spec.mode not in ("", "band", "identical"):
            raise Refusal("band.value", f"The band of {spec.channel_code}: a mode is band or identical.")

    def work() -> int:
        codes = sorted({spec.channel_code for spec in specs})
        ids = dict(
            fetch_all(
                "SELECT code, id FROM channels_channel WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [codes]
            )
        )
        if missing := [code for code in codes if code not in ids]:
            raise Refusal("band.channel", f"There is no channel {missing[0]!r}.")
        before = {
            channel_id: _shown(*rest)
            for channel_id, *rest in fetch_all(
                """SELECT channel_id, lower_pct, upper_pct, mode, follows FROM pricing_channel_band
                   WHERE channel_id = ANY(%s)""",
                [list(ids.values())],
            )
        }
        given = {ids[spec.channel_code]: spec for spec in specs}
        kept = {key: spec for key, spec in given.items() if spec != BandSpec(spec.channel_code)}
        execute("DELETE FROM pricing_channel_band WHERE channel_id = ANY(%s)", [sorted(set(given) - set(kept))])
        execute(
            """INSERT INTO pricing_channel_band (channel_id, lower_pct, upper_pct, mode, follows,
                                                 changed_by, changed_at)
               SELECT channel, lower, upper, mode, follows, %s, %s
               FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::text[], %s::bool[])
                 AS g(channel, lower, upper, mode, follows)
               ON CONFLICT (channel_id) DO UPDATE SET lower_pct = excluded.lower_pct, upper_pct = excluded.upper_pct,
                 mode = excluded.mode, follows = excluded.follows, changed_by = excluded.changed_by,
                 changed_at = excluded.changed_at""",
            [
                actor,
                now,
                list(kept),
                [spec.lower_pct for spec in kept.values()],
                [spec.upper_pct for spec in kept.values()],
                [spec.mode for spec in kept.values()],
                [spec.follows for spec in kept.values()],
            ],
        )
        log_changes(
            [
                Logged(
                    "band",
                    channel_id=key,
                    before=before.get(key),
                    after=_shown(spec.lower_pct, spec.upper_pct, spec.mode, spec.follows) if key in kept else None,
                )
                for key, spec in given.items()
            ],
            actor=actor,
            why=why,
            now=now,
        )
        audit(actor, "price.bands_saved", "channel", as_json(codes)[:200], {"bands": len(kept)}, now=now)
        append([NewEvent(LIMITS_CHANGED, "", {})])
        return len(given)

    return run_in_transaction(work) if specs else 0


def _shown(lower: Decimal | None, upper: Decimal | None, mode: str, follows: bool) -> dict[str, Any]:
    def text(value: Decimal | None) -> str | None:
        return None if value is None else f"{value:.2f}"

    return {"lower_pct": text(lower), "upper_pct": text(upper), "mode": mode, "follows": follows}
