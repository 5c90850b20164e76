"""Price lists: made, changed in what does not alter the meaning of their prices, switched off."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.catalog.regions import province_of
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.actions.log import Logged, log_changes
from tongpan.pricing.engine import KINDS, PRIORITIES, PUBLIC
from tongpan.pricing.events import LIMITS_CHANGED

GUIDE = "guide"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_OF_A_PERIOD = ("live", "community", "seasonal")


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A price list as it shall be. "" in channel, tier or region: everywhere. currency "": that of the channel, or
    CNY. priority None: as its kind has it. starts, ends: its period; live, community and seasonal lists need an end."""

    code: str
    kind: str
    name_zh: str = ""
    name_en: str = ""
    channel: str = ""
    tier: str = ""
    region: str = ""
    currency: str = ""
    priority: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_active: bool = True
    note: str = ""


def save_lists(specs: Sequence[ListSpec], *, actor: str, why: str = "", now: datetime) -> dict[str, int]:
    """Make each list as its spec says, new or changed; ids by code. All or none; the statements are constant.

    Kind, channel, tier, region and currency of a list are its meaning: they cannot change. Raises Refusal
    price_list.* for a spec that cannot be.
    """
    for spec in specs:
        _check(spec)

    def save() -> dict[str, int]:
        return _save(specs, actor=actor, why=why, now=now)

    return run_in_transaction(save, constraints=["pricing_pricelist_code_key"]) if specs else {}


def _save(specs: Sequence[ListSpec], *, actor: str, why: str, now: datetime) -> dict[str, int]:
    wanted = sorted({spec.channel for spec in specs if spec.channel})
    channels = {
        code: (channel_id, currency)
        for code, channel_id, currency in fetch_all(
            "SELECT code, id, currency FROM channels_channel WHERE code = ANY(%s)", [wanted]
        )
    }
    if unknown := [code for code in wanted if code not in channels]:
        raise Refusal("price_list.channel", f"There is no channel {unknown[0]!r}.")
    before = {
        row[0]: row[1:]
        for row in fetch_all(
            """SELECT code, id, kind, coalesce(channel_id, 0), tier, region, currency, priority, lower(valid)::text,
                      upper(valid)::text, is_active, name_zh, name_en, note
               FROM pricing_pricelist WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE""",
            [[spec.code for spec in specs]],
        )
    }
    rows = []
    for spec in specs:
        channel_id, of_channel = channels.get(spec.channel, (None, "CNY"))
        meaning = (spec.kind, channel_id or 0, spec.tier, _region(spec), spec.currency or of_channel)
        if spec.code in before and before[spec.code][1:6] != meaning:
            raise Refusal(
                "price_list.meaning",
                f"List {spec.code} has another kind or scope; that is what its prices mean. Make a new list.",
            )
        priority = PRIORITIES[spec.kind] if spec.priority is None else spec.priority
        rows.append((spec, channel_id, meaning, priority))
    _refuse_second_guide(rows)
    ids = dict(
        fetch_all(
            """INSERT INTO pricing_pricelist AS l (code, name_zh, name_en, kind, channel_id, tier, region, currency,
                 priority, valid, is_active, note, created_by, created_at)
               SELECT code, zh, en, kind, channel, tier, region, currency, priority, tstzrange(starts, ends), active,
                      note, %s, %s
               FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[],
                           %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::bool[], %s::text[])
                 AS g(code, zh, en, kind, channel, tier, region, currency, priority, starts, ends, active, note)
               ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
                 priority = excluded.priority, valid = excluded.valid, is_active = excluded.is_active,
                 note = excluded.note
               RETURNING code, id""",
            [
                actor,
                now,
                [spec.code for spec, *_ in rows],
                [spec.name_zh or spec.name_en or spec.code for spec, *_ in rows],
                [spec.name_en or spec.name_zh or spec.code for spec, *_ in rows],
                [spec.kind for spec, *_ in rows],
                [channel_id for _, channel_id, *_ in rows],
                [meaning[2] for _, _, meaning, _ in rows],
                [meaning[3] for _, _, meaning, _ in rows],
                [meaning[4] for _, _, meaning, _ in rows],
                [priority for *_, priority in rows],
                [spec.starts_at for spec, *_ in rows],
                [spec.ends_at for spec, *_ in rows],
                [spec.is_active for spec, *_ in rows],
                [spec.note for spec, *_ in rows],
            ],
        )
    )
    log_changes(
        [
            Logged(
                "list",
                list_id=ids[spec.code],
                channel_id=channel_id,
                before=_shown(*before[spec.code][6:10]) if spec.code in before else None,
                after=_shown(priority, _text(spec.starts_at), _text(spec.ends_at), spec.is_active),
                scope={"kind": spec.kind},
            )
            for spec, channel_id, _, priority in rows
        ],
        actor=actor,
        why=why,
        now=now,
    )
    audit_many([Note("price_list.saved", "price_list", spec.code) for spec in specs], actor=actor, now=now)
    append([NewEvent(LIMITS_CHANGED, "", {})])
    return ids


def ensure_lists(codes: Collection[str], *, actor: str, now: datetime) -> None:
    """Make those lists of ``codes`` that everybody expects and that do not exist: "guide", "guide-USD" for the guide
    prices of another currency, and for the code of a channel the list of that channel. Others are left alone."""
    missing = sorted(set(codes))
    if missing:
        there = {code for (code,) in fetch_all("SELECT code FROM pricing_pricelist WHERE code = ANY(%s)", [missing])}
        missing = [code for code in missing if code not in there]
    if not missing:
        return
    specs = []
    for code in missing:
        currency = "CNY" if code == GUIDE else code.removeprefix("guide-") if code.startswith("guide-") else ""
        if _CURRENCY.fullmatch(currency):
            tail = "" if code == GUIDE else f" {currency}"
            specs.append(ListSpec(code, "guide", f"指导价{tail}", f"Guide price{tail}", currency=currency))
    for code, name_zh, name_en in fetch_all(
        "SELECT code, name_zh, name_en FROM channels_channel WHERE code = ANY(%s)", [missing]
    ):
        specs.append(ListSpec(code, "channel", name_zh, name_en, channel=code))
    save_lists(specs, actor=actor, now=now)


def _refuse_second_guide(rows: Sequence[tuple[ListSpec, int | None, tuple[str, int, str, str, str], int]]) -> None:
    wanted = {meaning[4]: spec.code for spec, _, meaning, _ in rows if spec.kind == "guide"}
    if wanted:
        for currency, code in fetch_all(
            "SELECT currency, code FROM pricing_pricelist WHERE kind = 'guide' AND currency = ANY(%s)", [list(wanted)]
        ):
            if code != wanted[currency]:
                raise Refusal("price_list.guide", f"The guide prices in {currency} are the list {code}; use that one.")


def _shown(priority: int, starts: str | None, ends: str | None, is_active: bool) -> dict[str, object]:
    return {"priority": priority, "starts": starts, "ends": ends, "is_active": is_active}


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _region(spec: ListSpec) -> str:
    return province_of(spec.region.strip(), "") if spec.region.strip() else ""


def _check(spec: ListSpec) -> None:
    of = f"Price list {spec.code[:40]!r}"
    if not _CODE.fullmatch(spec.code):
        raise Refusal("price_list.code", f"{of}: a code has 1 to 40 letters, digits, points, hyphens and underscores.")
    if spec.kind not in KINDS:
        raise Refusal("price_list.kind", f"{of}: there is no kind {spec.kind!r}; there are {', '.join(KINDS)}.")
    if max(len(spec.name_zh), len(spec.name_en)) > 80 or len(spec.note) > 2000 or "\x00" in spec.note:
        raise Refusal("price_list.text", f"{of}: names have at most 80 characters, its note 2000.")
    if spec.currency and not _CURRENCY.fullmatch(spec.currency):
        raise Refusal("price_list.currency", f"{of}: {spec.currency!r} is not a currency code of three capitals.")
    if spec.region.strip() and not _region(spec):
        raise Refusal("price_list.region", f"{of}: there is no province {spec.region!r}; write it as 新疆 or 浙江省.")
    needed = {"channel": spec.channel, "tier": spec.tier, "region": spec.region.strip()}
    if spec.kind in needed and not needed[spec.kind]:
        raise Refusal("price_list.scope", f"{of} is of the kind {spec.kind}; name its {spec.kind}.")
    if spec.kind == "guide" and (spec.channel or spec.tier or spec.region.strip()):
        raise Refusal("price_list.scope", f"{of}: guide prices are the same everywhere; it has no scope.")
    if spec.kind in PUBLIC and spec.tier:
        raise Refusal(
            "price_list.scope", f"{of}: list prices are the same for all buyers of a channel; use a tier list."
        )
    if len(spec.tier) > 40 or "\x00" in spec.tier:
        raise Refusal("price_list.text", f"{of}: a tier has at most 40 characters.")
    if spec.kind in _OF_A_PERIOD and spec.ends_at is None:
        raise Refusal("price_list.period", f"{of}: prices of this kind are for a period; say when it ends.")
    if spec.starts_at and spec.ends_at and spec.ends_at <= spec.starts_at:
        raise Refusal("price_list.period", f"{of} would end before it begins.")
    if spec.priority is not None and not 0 <= spec.priority <= 1000:
        raise Refusal("price_list.priority", f"{of}: a priority is a number from 0 to 1000.")
