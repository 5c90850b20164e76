"""Writes of the channel registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.channels.engine import (
    ChannelSpec,
    ShopSpec,
    channels_of,
    check_channel,
    check_once,
    check_shop,
    facets_of,
)
from tongpan.channels.queries import read_presets
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal


def load_presets(channels: Sequence[str] | None = None) -> None:
    """Add the facet trees and the preset channels (all, or those named) that are missing.

    What is there stays as it is, so it may run any number of times. Raises Refusal channel.no_preset.
    """
    presets = read_presets()
    catalogue = {spec.code: spec for spec in channels_of(presets)}
    wanted = list(catalogue) if channels is None else list(channels)
    if unknown := sorted(set(wanted) - set(catalogue)):
        raise Refusal("channel.no_preset", f"There is no preset of the channels {', '.join(unknown)}.")
    facets = _json([asdict(spec) for spec in facets_of(presets)])
    with transaction.atomic():
        execute(
            """INSERT INTO channels_facet (tree, code, name_zh, name_en, position)
               SELECT tree, code, name_zh, name_en, position FROM jsonb_to_recordset(%s::jsonb)
                 AS f(tree text, code text, name_zh text, name_en text, position smallint)
               ON CONFLICT (code) DO NOTHING""",
            [facets],
        )
        execute(
            """UPDATE channels_facet c SET parent_id = p.id
               FROM jsonb_to_recordset(%s::jsonb) AS f(code text, parent text)
               JOIN channels_facet p ON p.code = f.parent
               WHERE c.code = f.code AND c.parent_id IS NULL""",
            [facets],
        )
        missing = set(wanted) - {
            row[0] for row in fetch_all("SELECT code FROM channels_channel WHERE code = ANY(%s)", [wanted])
        }
        _write_channels([spec for code, spec in catalogue.items() if code in missing])


def save_channels(specs: Sequence[ChannelSpec], *, actor: str, now: datetime) -> dict[str, int]:
    """Make each channel as its spec says, new or changed; code -> id. All or none, at most five statements.

    Raises Refusal channel.* (a bad value, an unknown facet, the same code twice).
    """
    check_once("channel", [spec.code for spec in specs])
    for spec in specs:
        check_channel(spec)
    with transaction.atomic():
        ids = _write_channels(specs)
        audit_many([Note("channel.saved", "channel", spec.code) for spec in specs], actor=actor, now=now)
    return ids


def save_channel(spec: ChannelSpec, *, actor: str, now: datetime) -> int:
    """``save_channels`` of one; its id."""
    return save_channels([spec], actor=actor, now=now)[spec.code]


def save_shops(specs: Sequence[ShopSpec], *, actor: str, now: datetime) -> dict[str, int]:
    """Make each shop as its spec says, new or changed; code -> id. All or none, at most four statements.

    A shop stays on its channel, because its orders are booked there. Locks the shops named, by id. Raises
    Refusal shop.* (a bad value, an unknown channel, another channel than before, the same code twice).
    """
    codes = [spec.code for spec in specs]
    check_once("shop", codes)
    for spec in specs:
        check_shop(spec)
    with transaction.atomic():
        channels = dict(
            fetch_all(
                "SELECT code, id FROM channels_channel WHERE code = ANY(%s)",
                [[s.channel_code for s in specs]],
            )
        )
        if unknown := sorted({spec.channel_code for spec in specs} - set(channels)):
            raise Refusal("shop.channel", f"There is no channel {', '.join(unknown)}. Save the channel first.")
        before = dict(
            fetch_all(
                "SELECT code, channel_id FROM channels_shop WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                [codes],
            )
        )
        for spec in specs:
            if before.get(spec.code, channels[spec.channel_code]) != channels[spec.channel_code]:
                raise Refusal(
                    "shop.channel_fixed",
                    f"Shop {spec.code} belongs to another channel than {spec.channel_code}, and its orders "
                    "are booked there. Give the new shop a code of its own.",
                )
        rows = [asdict(spec) | {"channel_id": channels[spec.channel_code]} for spec in specs]
        ids = dict(fetch_all(_SAVE_SHOPS, [_json(rows)]))
        audit_many([Note("shop.saved", "shop", code) for code in codes], actor=actor, now=now)
    return ids


def save_shop(spec: ShopSpec, *, actor: str, now: datetime) -> int:
    """``save_shops`` of one; its id."""
    return save_shops([spec], actor=actor, now=now)[spec.code]


_SAVE_CHANNELS = """
INSERT INTO channels_channel
  (code, name_zh, name_en, zone, currency, launched_on, closed_on, is_simulated, position)
SELECT code, name_zh, name_en, zone, currency, launched_on, closed_on, is_simulated, position
FROM jsonb_to_recordset(%s::jsonb) AS c(code text, name_zh text, name_en text, zone text, currency text,
  launched_on date, closed_on date, is_simulated bool, position smallint) ORDER BY code
ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, zone = excluded.zone,
  currency = excluded.currency, launched_on = excluded.launched_on, closed_on = excluded.closed_on,
  is_simulated = excluded.is_simulated, position = excluded.position
RETURNING code, id"""

_SAVE_SHOPS = """
INSERT INTO channels_shop
  (code, channel_id, name, kind, external_account, capacity, is_active, is_simulated)
SELECT code, channel_id, name, kind, external_account, capacity, is_active, is_simulated
FROM jsonb_to_recordset(%s::jsonb) AS s(code text, channel_id bigint, name text, kind text,
  external_account text, capacity int, is_active bool, is_simulated bool) ORDER BY code
ON CONFLICT (code) DO UPDATE SET name = excluded.name, kind = excluded.kind,
  external_account = excluded.external_account, capacity = excluded.capacity,
  is_active = excluded.is_active, is_simulated = excluded.is_simulated
RETURNING code, id"""


def _write_channels(specs: Sequence[ChannelSpec]) -> dict[str, int]:
    if not specs:
        return {}
    named = sorted({facet for spec in specs for facet in spec.facets})
    facets = dict(fetch_all("SELECT code, id FROM channels_facet WHERE code = ANY(%s)", [named]))
    if unknown := sorted(set(named) - set(facets)):
        raise Refusal("channel.facet", f"There is no facet {', '.join(unknown)}; the registry lists them.")
    ids = dict(fetch_all(_SAVE_CHANNELS, [_json([asdict(spec) for spec in specs])]))
    pairs = sorted({(ids[spec.code], facets[facet]) for spec in specs for facet in spec.facets})
    channel_ids, facet_ids = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    execute(
        """DELETE FROM channels_channel_facets WHERE channel_id = ANY(%s) AND (channel_id, facet_id) NOT IN
             (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))""",
        [list(ids.values()), channel_ids, facet_ids],
    )
    execute(
        """INSERT INTO channels_channel_facets (channel_id, facet_id)
           SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING""",
        [channel_ids, facet_ids],
    )
    return ids


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, default=str)
