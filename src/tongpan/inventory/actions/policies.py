"""Writes of how channels share the pool: standing policies, live sessions, and the mode of the whole pool."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store
from tongpan.inventory.engine.policies import PolicySpec, SessionSpec, check_policy, check_session
from tongpan.inventory.events import CHANGED, POLICY_CHANGED
from tongpan.inventory.locks import lock_pools

MODE_SETTING = "inventory.mode"
_Row = tuple[int, int | None, int | None, str, int, int, bool, datetime | None, datetime | None]
"""(channel id, SKU id, session id, mode, value, threshold, may exceed, starts, ends) of one policy."""


def save_policies(specs: Sequence[PolicySpec], *, actor: str, now: datetime) -> None:
    """Give channels these standing policies. All or none; the number of statements does not grow with the batch.

    A policy of the same mode goes on with what was promised under it; another mode begins anew. What was promised
    is never taken back: a quota below it grants nothing more. Locks the pools of the SKUs, then the policies. Raises
    Refusal policy.* (a bad value, an unknown channel or SKU, the same twice, a fence that takes the minimum cover of
    a core SKU).
    """
    if not specs:
        return
    keys = [(spec.channel_code, spec.sku_code) for spec in specs]
    if len(set(keys)) != len(keys):
        raise Refusal("policy.twice", "The same channel and SKU are named twice in one request.")
    for spec in specs:
        check_policy(spec)

    def save() -> None:
        channels = ids_of("channels_channel", "channel", {spec.channel_code for spec in specs})
        skus = ids_of("catalog_sku", "SKU", {spec.sku_code for spec in specs if spec.sku_code})
        rows: list[_Row] = [
            (
                channels[s.channel_code], skus.get(s.sku_code), None, s.mode, s.value, s.threshold, s.may_exceed,
                s.starts_at, s.ends_at,
            )
            for s in specs
        ]  # fmt: skip
        _write(rows, now=now)
        notes = [
            Note("policy.saved", "channel", s.channel_code, {"sku": s.sku_code, "mode": s.mode, "value": s.value})
            for s in specs
        ]
        audit_many(notes, actor=actor, now=now)

    run_in_transaction(save, constraints=("one_policy_at_a_time",))


def remove_policies(keys: Collection[tuple[str, str]], *, actor: str, now: datetime) -> int:
    """Take the standing policies of these (channel code, SKU code or "") away; how many there were.

    What they fenced off is everybody's again.
    """

    def remove() -> int:
        wanted = sorted(keys)
        found = fetch_all(
            """SELECT p.id FROM inventory_channelpolicy p JOIN channels_channel c ON c.id = p.channel_id
               LEFT JOIN catalog_sku s ON s.id = p.sku_id
               JOIN unnest(%s::text[], %s::text[]) AS k(channel, sku) ON k.channel = c.code
                    AND k.sku = coalesce(s.code, '')
               WHERE p.session_id IS NULL AND p.closed_at IS NULL""",
            [[key[0] for key in wanted], [key[1] for key in wanted]],
        )
        closed = _close([i for (i,) in found], now=now)
        notes = [Note("policy.removed", "channel", channel, {"sku": sku}) for channel, sku in wanted]
        audit_many(notes if closed else [], actor=actor, now=now)
        return closed

    return run_in_transaction(remove) if keys else 0


def save_sessions(specs: Sequence[SessionSpec], *, actor: str, now: datetime) -> dict[tuple[str, str], int]:
    """Plan live sessions with the units fenced off for each; their ids by (channel code, name). All or none.

    A session that is known gets exactly these times and quotas. Raises Refusal policy.* as ``save_policies`` does,
    and policy.closed for a session that has ended.
    """
    keys = [(spec.channel_code, spec.name) for spec in specs]
    if len(set(keys)) != len(keys):
        raise Refusal("policy.twice", "The same live session is named twice in one request.")
    for spec in specs:
        check_session(spec)
    if not specs:
        return {}
    return run_in_transaction(
        lambda: _save_sessions(specs, actor=actor, now=now), constraints=("one_policy_at_a_time",)
    )


def _save_sessions(specs: Sequence[SessionSpec], *, actor: str, now: datetime) -> dict[tuple[str, str], int]:
    channels = ids_of("channels_channel", "channel", {spec.channel_code for spec in specs})
    skus = ids_of("catalog_sku", "SKU", {code for spec in specs for code in spec.quotas})
    ordered = sorted(specs, key=lambda s: (channels[s.channel_code], s.name))
    saved = fetch_all(
        """INSERT INTO inventory_livesession AS l (channel_id, name, starts_at, ends_at)
           SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[])
           ON CONFLICT (channel_id, name) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at
           RETURNING l.channel_id, l.name, l.id, l.closed_at""",
        [
            [channels[s.channel_code] for s in ordered],
            [s.name for s in ordered],
            [s.starts_at for s in ordered],
            [s.ends_at for s in ordered],
        ],
    )
    if over := [name for _, name, _, closed_at in saved if closed_at]:
        raise Refusal("policy.closed", f"The live session {', '.join(over)} has ended; plan a new one.")
    ids = {(channel_id, name): session_id for channel_id, name, session_id, _ in saved}
    rows: list[_Row] = []
    for spec in specs:
        session_id = ids[(channels[spec.channel_code], spec.name)]
        for code, units in spec.quotas.items():
            rows.append(
                (
                    channels[spec.channel_code], skus[code], session_id, "reserved", units, 0, False, spec.starts_at,
                    spec.ends_at,
                )
            )  # fmt: skip
    kept = [(row[2], row[1]) for row in rows]
    dropped = fetch_all(
        """SELECT p.id FROM inventory_channelpolicy p
           WHERE p.session_id = ANY(%s) AND p.closed_at IS NULL
             AND NOT EXISTS (SELECT FROM unnest(%s::bigint[], %s::bigint[]) AS k(session_id, sku_id)
                             WHERE (k.session_id, k.sku_id) = (p.session_id, p.sku_id))""",
        [list(ids.values()), [key[0] for key in kept], [key[1] for key in kept]],
    )
    _close([i for (i,) in dropped], now=now)
    _write(rows, now=now)
    notes = [Note("session.saved", "channel", s.channel_code, {"name": s.name, **s.quotas}) for s in specs]
    audit_many(notes, actor=actor, now=now)
    return {(s.channel_code, s.name): ids[(channels[s.channel_code], s.name)] for s in specs}


def turn_policies(*, now: datetime) -> tuple[int, int]:
    """Make known which policies have begun, and release those whose time is over, with their live sessions.

    Returns (begun, released). Quotas count by the clock; this tells whoever follows, and serves who waits.
    """

    def turn() -> tuple[int, int]:
        begun = fetch_all(
            """UPDATE inventory_channelpolicy SET announced_at = %s
               WHERE announced_at IS NULL AND closed_at IS NULL AND starts_at <= %s RETURNING channel_id, sku_id""",
            [now, now],
        )
        _announce(begun)
        over = fetch_all(
            "SELECT id FROM inventory_channelpolicy WHERE closed_at IS NULL AND ends_at <= %s ORDER BY id", [now]
        )
        released = _close([i for (i,) in over], now=now)
        execute("UPDATE inventory_livesession SET closed_at = %s WHERE closed_at IS NULL AND ends_at <= %s", [now, now])
        return len(begun), released

    return run_in_transaction(turn)


def set_pool_mode(mode: str, *, actor: str, now: datetime) -> None:
    """Let channels share the pool ("shared"), or sell only from quotas of their own ("segregated") (X-21).

    Raises Refusal policy.mode.
    """
    if mode not in ("shared", "segregated"):
        raise Refusal("policy.mode", f"There is no pool mode {mode!r}; use shared or segregated.")

    def save() -> None:
        store(MODE_SETTING, {"mode": mode})
        append([NewEvent(POLICY_CHANGED, "", {"channel": None, "node": None})])
        audit_many([Note("pool.mode", "setting", MODE_SETTING, {"mode": mode})], actor=actor, now=now)

    run_in_transaction(save)


def ids_of(table: str, noun: str, codes: Collection[str]) -> dict[str, int]:
    """The id of each of ``codes``. Raises Refusal policy.unknown."""
    ids = dict(fetch_all(f"SELECT code, id FROM {table} WHERE code = ANY(%s)", [sorted(codes)]))
    if unknown := sorted(set(codes) - set(ids)):
        raise Refusal("policy.unknown", f"There is no {noun} {', '.join(unknown)}.")
    return ids


def _write(rows: Sequence[_Row], *, now: datetime) -> None:
    """Put ``rows`` in the place of the policies of the same channel, SKU and session. Locks the pools first."""
    if not rows:
        return
    lock_pools({row[1] for row in rows if row[1] is not None})
    columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    execute(
        f"""UPDATE inventory_channelpolicy p SET closed_at = %s FROM {_GIVEN}
            WHERE {_SAME} AND p.closed_at IS NULL AND p.mode <> g.mode""",
        [now, *columns],
    )
    execute(
        f"""WITH kept AS (
              UPDATE inventory_channelpolicy p SET value = g.value, threshold = g.threshold,
                     may_exceed = g.may_exceed, starts_at = g.starts_at, ends_at = g.ends_at
              FROM {_GIVEN} WHERE {_SAME} AND p.closed_at IS NULL RETURNING p.id, p.value, p.mode, p.may_exceed)
            UPDATE inventory_quotause u SET limit_units =
                   CASE WHEN k.mode IN ('cap', 'reserved') AND NOT k.may_exceed THEN greatest(k.value, u.used) END
            FROM kept k WHERE u.policy_id = k.id""",
        columns,
    )
    execute(
        f"""INSERT INTO inventory_channelpolicy
              (channel_id, sku_id, session_id, mode, value, threshold, may_exceed, starts_at, ends_at, announced_at)
            SELECT g.*, CASE WHEN g.starts_at IS NULL OR g.starts_at <= %s THEN %s::timestamptz END FROM {_GIVEN}
            WHERE NOT EXISTS (SELECT FROM inventory_channelpolicy p WHERE {_SAME} AND p.closed_at IS NULL)""",
        [now, now, *columns],
    )
    _protect_core({row[1] for row in rows if row[1] is not None and row[3] == "reserved"})
    _announce([(row[0], row[1]) for row in rows])


_GIVEN = """unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bool[],
                   %s::timestamptz[], %s::timestamptz[])
            AS g(channel_id, sku_id, session_id, mode, value, threshold, may_exceed, starts_at, ends_at)"""
_SAME = """p.channel_id = g.channel_id AND p.sku_id IS NOT DISTINCT FROM g.sku_id
           AND p.session_id IS NOT DISTINCT FROM g.session_id"""


def _protect_core(sku_ids: set[int]) -> None:
    """Refuse fences that would leave the other channels less of a core SKU than its minimum cover."""
    rows = fetch_all(
        """SELECT s.code, sum(p.value)::bigint, greatest(c.units, ceil(c.days * c.daily))::bigint,
                  coalesce(t.on_hand, 0)
           FROM inventory_channelpolicy p JOIN catalog_sku s ON s.id = p.sku_id AND s.is_core
           JOIN inventory_cover c ON c.sku_id = s.id LEFT JOIN inventory_pool t ON t.sku_id = s.id
           WHERE p.sku_id = ANY(%s) AND p.mode = 'reserved' AND p.closed_at IS NULL
           GROUP BY s.code, c.units, c.days, c.daily, t.on_hand
           HAVING sum(p.value) + greatest(c.units, ceil(c.days * c.daily)) > coalesce(t.on_hand, 0) ORDER BY 1""",
        [sorted(sku_ids)],
    )
    for code, fenced, cover, on_hand in rows:
        raise Refusal(
            "policy.cover",
            f"SKU {code} is core: of {on_hand} units, {fenced} would be fenced off, and its minimum cover of {cover} "
            "would not be left to the other channels.",
        )


def _close(policy_ids: Collection[int], *, now: datetime) -> int:
    closed = fetch_all(
        """UPDATE inventory_channelpolicy SET closed_at = %s WHERE id IN (
             SELECT id FROM inventory_channelpolicy WHERE id = ANY(%s) AND closed_at IS NULL
             ORDER BY id FOR NO KEY UPDATE) RETURNING channel_id, sku_id""",
        [now, sorted(policy_ids)],
    )
    _announce(closed)
    return len(closed)


def _announce(changed: Iterable[tuple[int, int | None]]) -> None:
    """Log that the policies of these (channel id, SKU id) are not what they were, and that more may be available."""
    pairs = sorted(set(changed), key=lambda pair: (pair[1] or 0, pair[0]))
    append(
        [
            NewEvent(POLICY_CHANGED, "" if sku_id is None else str(sku_id), {"channel": channel_id, "node": None})
            for channel_id, sku_id in pairs
        ]
    )
    append([NewEvent(CHANGED, str(sku_id), {"gained": True}) for sku_id in sorted({s for _, s in pairs if s})])
