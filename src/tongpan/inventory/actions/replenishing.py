"""Writes of alerts and replenishment: opened and closed by the stock itself, decided by people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit, audit_many
from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store
from tongpan.inventory.actions.transfers import create_transfers
from tongpan.inventory.engine.counting import CountOutcome as Outcome
from tongpan.inventory.engine.replenishing import (
    ReplenishRules,
    Shortage,
    UrgentDoc,
    due,
    giver,
    propose,
    replenish_rules_problem,
    urgent_refusal,
)
from tongpan.inventory.engine.transfers import TransferDoc, Wanted
from tongpan.inventory.events import ALERT_OPENED, REPLENISHMENT_CHANGED
from tongpan.inventory.replenishment import RULES_KEY, replenish_rules, spare_units
from tongpan.inventory.transit import incoming

ACTOR = "safety-line"
_STOCK = """
  SELECT k.node_id, k.sku_id, coalesce(l.on_hand - l.allocated, 0) AS free,
         coalesce(own.safety_line, every.safety_line, 0)::bigint AS line
  FROM (SELECT node_id, sku_id FROM inventory_level WHERE bucket = 'saleable' AND {of_level}
        UNION SELECT node_id, sku_id FROM inventory_nodepolicy WHERE sku_id IS NOT NULL AND {of_policy}
        UNION SELECT node_id, sku_id FROM inventory_stockalert WHERE closed_at IS NULL AND {of_alert}) k
  JOIN network_node n ON n.id = k.node_id AND n.is_active AND n.tracks_stock AND n.kind <> 'in_transit'
  LEFT JOIN inventory_level l ON (l.sku_id, l.node_id, l.bucket) = (k.sku_id, k.node_id, 'saleable')
  LEFT JOIN inventory_nodepolicy own ON own.node_id = k.node_id AND own.sku_id = k.sku_id
  LEFT JOIN inventory_nodepolicy every ON every.node_id = k.node_id AND every.sku_id IS NULL"""


def save_replenish_rules(rules: ReplenishRules, *, actor: str, now: datetime) -> None:
    """Put ``rules`` in force. Raises Refusal replenish.rules."""
    if problem := replenish_rules_problem(rules):
        raise Refusal("replenish.rules", problem)

    def run() -> None:
        store(RULES_KEY, rules.as_json())
        audit(actor, "replenish.rules_saved", "setting", RULES_KEY, rules.as_json(), now=now)

    run_in_transaction(run)


def watch_lines(sku_ids: Collection[int] | None, *, now: datetime) -> tuple[int, int]:
    """Hold the stock of ``sku_ids`` (of all with None) against the safety lines: how many alerts were opened, closed.

    A level below its line opens one alert, and with it one proposal; while the alert is open no second of either.
    When the stock is back the alert closes, and a proposal that nobody accepted lapses. The number of statements does
    not grow with the SKUs. Takes no stock locks: it is run again whenever stock changes.
    """
    return run_in_transaction(lambda: _watch(sku_ids, now))


def _watch(sku_ids: Collection[int] | None, now: datetime) -> tuple[int, int]:
    if sku_ids is not None and not sku_ids:
        return 0, 0
    parts = ("of_level", "of_policy", "of_alert")
    if sku_ids is None:
        stock, arguments = _STOCK.format(**dict.fromkeys(parts, "true")), []
    else:
        stock = _STOCK.format(**dict.fromkeys(parts, "sku_id = ANY(%s::bigint[])"))
        arguments = [whole_numbers(sku_ids)] * 3
    closed = fetch_all(
        f"""WITH s AS MATERIALIZED ({stock})
            UPDATE inventory_stockalert a SET closed_at = %s FROM s
            WHERE a.closed_at IS NULL AND (a.node_id, a.sku_id) = (s.node_id, s.sku_id) AND s.free >= s.line
            RETURNING a.id""",
        [*arguments, now],
    )
    opened = fetch_all(
        f"""INSERT INTO inventory_stockalert (node_id, sku_id, units, line, opened_at)
            SELECT node_id, sku_id, free, line, %s FROM ({stock}) s WHERE free < line ORDER BY node_id, sku_id
            ON CONFLICT DO NOTHING RETURNING id, node_id, sku_id, units, line""",
        [now, *arguments],
    )
    lapsed = _close_of_alerts([alert_id for (alert_id,) in closed], now)
    append(
        [
            NewEvent(ALERT_OPENED, str(alert_id), {"node": node_id, "sku": sku_id, "units": units, "line": line})
            for alert_id, node_id, sku_id, units, line in opened
        ]
    )
    _tell(lapsed, "closed")
    _propose(stock, arguments, now)
    return len(opened), len(closed)


def _close_of_alerts(alert_ids: Collection[int], now: datetime) -> list[int]:
    """Proposals of closed alerts lapse; what a supplier was asked for has come."""
    rows = fetch_all(
        """UPDATE inventory_replenishment
           SET state = CASE state WHEN 'proposed' THEN 'lapsed' ELSE 'done' END, closed_at = %s
           WHERE alert_id = ANY(%s) AND (state = 'proposed' OR (state = 'accepted' AND from_node_id IS NULL))
           RETURNING id""",
        [now, sorted(alert_ids)],
    )
    return [i for (i,) in rows]


def _propose(stock: str, arguments: Sequence[str], now: datetime) -> None:
    """One proposal for every open alert among ``stock`` that has none of its own yet."""
    rows = fetch_all(
        f"""SELECT a.id, a.node_id, a.sku_id, s.free, s.line
            FROM ({stock}) s JOIN inventory_stockalert a
              ON (a.node_id, a.sku_id) = (s.node_id, s.sku_id) AND a.closed_at IS NULL
            WHERE NOT EXISTS (SELECT FROM inventory_replenishment r
                              WHERE r.alert_id = a.id AND r.state IN ('proposed', 'accepted', 'dismissed'))
              AND NOT EXISTS (SELECT FROM inventory_replenishment r WHERE (r.node_id, r.sku_id) = (a.node_id, a.sku_id)
                              AND NOT r.is_urgent AND r.state IN ('proposed', 'accepted'))""",
        arguments,
    )
    if not rows:
        return
    sku_ids = {sku_id for _, _, sku_id, _, _ in rows}
    coming = incoming(sku_ids)
    rules = replenish_rules()
    made = propose(
        [
            Shortage(alert_id, node_id, sku_id, free, line, coming.get((sku_id, node_id), 0))
            for alert_id, node_id, sku_id, free, line in rows
        ],
        spare_units(sku_ids),
        rules,
    )
    found = fetch_all(
        """INSERT INTO inventory_replenishment (source, number, node_id, sku_id, qty, from_node_id, is_urgent, state,
                                                alert_id, reason, decision, created_by, created_at, due_at, decided_by)
           SELECT 'alert', a.id || '-' || (SELECT count(*) + 1 FROM inventory_replenishment r WHERE r.alert_id = a.id),
                  p.node_id, p.sku_id, p.qty, p.from_id, false, 'proposed', a.id, '', '', %s, %s, %s, ''
           FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS p(alert_id, node_id, sku_id, qty, from_id)
           JOIN inventory_stockalert a ON a.id = p.alert_id ORDER BY a.id
           ON CONFLICT DO NOTHING RETURNING id""",
        [
            ACTOR,
            now,
            due(now, rules, is_urgent=False),
            *([row[i] for row in made] for i in range(5)),
        ],
    )
    _tell([i for (i,) in found], "proposed")


def request_urgently(docs: Sequence[UrgentDoc], *, actor: str, now: datetime) -> list[Outcome]:
    """Ask for goods that a node needs at once (INV-10), from the central warehouse that has most, else a supplier.

    The same document again is unchanged. Answers hold the id of the replenishment in ``sheet_id``'s place.
    """
    return run_in_transaction(lambda: _request(docs, is_urgent=True, actor=actor, now=now))


def order_from_suppliers(docs: Sequence[UrgentDoc], *, actor: str, now: datetime) -> list[Outcome]:
    """As ``request_urgently``, of what the whole pool lacks: never from a warehouse of ours, and in no hurry."""
    return run_in_transaction(lambda: _request(docs, is_urgent=False, actor=actor, now=now))


def _request(docs: Sequence[UrgentDoc], *, is_urgent: bool, actor: str, now: datetime) -> list[Outcome]:
    nodes = fetch_all(
        "SELECT code, id, tracks_stock FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'",
        [[doc.node_code for doc in docs if doc.node_code.isprintable()]],
    )
    places, node_ids = {c: tracks for c, _, tracks in nodes}, {c: node_id for c, node_id, _ in nodes}
    codes = sorted({doc.sku_code for doc in docs if doc.sku_code.isprintable()})
    skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [codes]))
    outcomes = [urgent_refusal(doc, places, skus, now) for doc in docs]
    good = {(doc.source, doc.number): doc for doc, refused in zip(docs, outcomes, strict=True) if not refused}
    spare = spare_units({skus[doc.sku_code] for doc in good.values()})
    rules = replenish_rules()
    rows = []
    for key in sorted(good):
        doc = good[key]
        sku_id, node_id = skus[doc.sku_code], node_ids[doc.node_code]
        left = spare.get(sku_id, {})
        from_id = giver(left, node_id) if is_urgent else None
        if from_id is not None:
            left[from_id] -= doc.qty
        until = doc.due_at or due(now, rules, is_urgent=is_urgent)
        rows.append((doc.source, doc.number, node_id, sku_id, doc.qty, from_id, doc.reason, until))
    made = {
        (source, number): i
        for i, source, number in fetch_all(
            """INSERT INTO inventory_replenishment (source, number, node_id, sku_id, qty, from_node_id, is_urgent,
                                                    state, reason, decision, created_by, created_at, due_at, decided_by)
               SELECT d.source, d.number, d.node_id, d.sku_id, d.qty, d.from_id, %s,
                      'proposed', d.reason, '', %s, %s, d.due_at, ''
               FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
                           %s::timestamptz[]) AS d(source, number, node_id, sku_id, qty, from_id, reason, due_at)
               ON CONFLICT DO NOTHING RETURNING id, source, number""",
            [is_urgent, actor, now, *([row[i] for row in rows] for i in range(8))],
        )
    }
    _tell(made.values(), "proposed")
    audit_many([Note("replenishment.requested", "replenishment", str(i)) for i in made.values()], actor=actor, now=now)
    stored = {
        (source, number): (i, node_id, sku_id, qty)
        for source, number, i, node_id, sku_id, qty in fetch_all(
            """SELECT r.source, r.number, r.id, r.node_id, r.sku_id, r.qty
               FROM unnest(%s::text[], %s::text[]) AS k(source, number)
               JOIN inventory_replenishment r USING (source, number)""",
            [[key[0] for key in good], [key[1] for key in good]],
        )
    }
    answers = []
    for doc, refused in zip(docs, outcomes, strict=True):
        key = (doc.source, doc.number)
        if refused:
            answers.append(refused)
        elif stored[key][1:] != (node_ids[doc.node_code], skus[doc.sku_code], doc.qty):
            sentence = f"Request {doc.number} of {doc.source} is there with other goods; use a new number."
            answers.append(Outcome("refused", stored[key][0], sentence, "replenish.conflict"))
        else:
            answers.append(Outcome("unchanged" if made.pop(key, None) is None else "accepted", stored[key][0]))
    return answers


def accept_replenishments(ids: Collection[int], *, actor: str, now: datetime) -> list[Outcome]:
    """Accept proposals. Those from one warehouse to one node become one transfer draft; a supplier is asked by people.

    One answer for each of ``ids``, in their order. Locks the proposals in order of id.
    """
    return run_in_transaction(lambda: _accept(ids, actor=actor, now=now))


def _accept(ids: Collection[int], *, actor: str, now: datetime) -> list[Outcome]:
    states = _locked(ids)
    taken = [i for i, state in states.items() if state == "proposed"]
    rows = fetch_all(
        """SELECT r.id, f.code, n.code, s.code, r.qty, r.due_at, r.is_urgent, r.reason
           FROM inventory_replenishment r JOIN network_node n ON n.id = r.node_id JOIN catalog_sku s ON s.id = r.sku_id
           LEFT JOIN network_node f ON f.id = r.from_node_id WHERE r.id = ANY(%s) ORDER BY r.id""",
        [taken],
    )
    groups: dict[tuple[str, str], list[tuple[int, str, int, datetime, bool, str]]] = {}
    for i, start, goal, sku, qty, due_at, is_urgent, reason in rows:
        if start is not None:
            groups.setdefault((start, goal), []).append((i, sku, qty, due_at, is_urgent, reason))
    docs = []
    for (start, goal), members in groups.items():
        units: dict[str, int] = {}
        for _, sku, qty, *_ in members:
            units[sku] = units.get(sku, 0) + qty
        reasons = dict.fromkeys(reason for *_, is_urgent, reason in members if is_urgent)
        docs.append(
            TransferDoc(
                "replenishment",
                f"R{members[0][0]}-{now:%Y%m%d%H%M%S}",
                start,
                goal,
                [Wanted(sku, qty) for sku, qty in units.items()],
                "; ".join(reasons),
                min(member[3] for member in members),
            )
        )
    transfers: dict[int, int | None] = dict.fromkeys(taken)
    for outcome, members in zip(create_transfers(docs, actor=actor, now=now), groups.values(), strict=True):
        if outcome.state == "refused":
            raise Refusal(outcome.code, outcome.reason)
        transfers |= dict.fromkeys((member[0] for member in members), outcome.transfer_id)
    execute(
        """UPDATE inventory_replenishment r SET state = 'accepted', transfer_id = k.transfer_id, decided_by = %s,
                  decided_at = %s
           FROM unnest(%s::bigint[], %s::bigint[]) AS k(id, transfer_id) WHERE r.id = k.id""",
        [actor, now, list(transfers), list(transfers.values())],
    )
    _tell(taken, "accepted")
    audit_many([Note("replenishment.accepted", "replenishment", str(i)) for i in taken], actor=actor, now=now)
    return [_outcome(i, states, {"proposed"}, {"accepted", "done"}, "accepted") for i in ids]


def close_replenishments(
    ids: Collection[int], *, is_done: bool, decision: str, actor: str, now: datetime
) -> list[Outcome]:
    """Dismiss proposals that are not wanted, or say that what a supplier was asked for has come (``is_done``).

    What was dismissed is not proposed again while its alert is open. What goes by transfer is done when that arrives.
    """

    def run() -> list[Outcome]:
        states = _locked(ids)
        before = {"accepted"} if is_done else {"proposed"}
        after = "done" if is_done else "dismissed"
        moving = [i for i, state in states.items() if state in before]
        moved = fetch_all(
            """UPDATE inventory_replenishment SET state = %s, decision = %s, decided_by = %s, decided_at = %s,
                      closed_at = %s
               WHERE id = ANY(%s) AND (transfer_id IS NULL OR NOT %s) RETURNING id""",
            [after, decision, actor, now, now, moving, is_done],
        )
        done = [i for (i,) in moved]
        _tell(done, after)
        audit_many([Note(f"replenishment.{after}", "replenishment", str(i)) for i in done], actor=actor, now=now)
        waiting = {i: "on its way" for i in moving if i not in done}
        return [_outcome(i, states | waiting, before, {after}, after) for i in ids]

    return run_in_transaction(run)


def follow_transfers(transfer_ids: Collection[int], *, now: datetime) -> None:
    """What was accepted is done when its transfer arrived; with a cancelled transfer it is proposed again."""
    rows = fetch_all(
        """WITH moved AS (
             UPDATE inventory_replenishment r
             SET state = CASE t.state WHEN 'cancelled' THEN 'proposed' ELSE 'done' END,
                 transfer_id = CASE t.state WHEN 'cancelled' THEN NULL ELSE r.transfer_id END,
                 closed_at = CASE t.state WHEN 'cancelled' THEN NULL ELSE t.closed_at END
             FROM inventory_transfer t
             WHERE t.id = r.transfer_id AND t.id = ANY(%s) AND r.state = 'accepted'
               AND t.state IN ('received', 'received_short', 'cancelled')
             RETURNING r.id, r.state, r.sku_id)
           SELECT id, state, sku_id FROM moved ORDER BY id""",
        [sorted(transfer_ids)],
    )
    _tell([i for i, state, _ in rows if state == "done"], "done")
    _tell([i for i, state, _ in rows if state == "proposed"], "proposed")
    if rows:
        _watch({sku_id for *_, sku_id in rows}, now)


def mark_overdue(now: datetime) -> int:
    """Mark what should have been there by now; how many. Each is marked, and told of, once."""

    def run() -> int:
        late = fetch_all(
            """UPDATE inventory_replenishment SET overdue_at = %s
               WHERE state IN ('proposed', 'accepted') AND overdue_at IS NULL AND due_at < %s RETURNING id""",
            [now, now],
        )
        _tell([i for (i,) in late], "overdue")
        return len(late)

    return run_in_transaction(run)


def _locked(ids: Collection[int]) -> dict[int, str]:
    return dict(
        fetch_all(
            "SELECT id, state FROM inventory_replenishment WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [sorted(set(ids))],
        )
    )


def _outcome(i: int, states: dict[int, str], before: set[str], after: set[str], done: str) -> Outcome:
    state = states.get(i)
    if state is None:
        return Outcome("refused", None, f"There is no replenishment {i}.", "replenish.unknown")
    if state in before:
        return Outcome("accepted", i)
    if state in after:
        return Outcome("unchanged", i)
    return Outcome("refused", i, f"Replenishment {i} is {state}; it cannot be {done} now.", "replenish.state")


def _tell(ids: Collection[int], what: str) -> None:
    append([NewEvent(REPLENISHMENT_CHANGED, str(i), {"what": what}) for i in sorted(ids)])
