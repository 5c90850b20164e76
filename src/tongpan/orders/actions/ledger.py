"""Booking the entries of shops' accounts on their platforms, and what they tell of who bore discounts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all, texts, whole_numbers
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.checks import AHEAD, MAX_AMOUNT_MINOR
from tongpan.orders.actions.shops import shops_by_code
from tongpan.orders.engine import Outcome
from tongpan.orders.events import CHANGED
from tongpan.orders.ledger import PARTS, PAYERS, SHARE_CODE, Borne, GoodsLine, LedgerDoc, Share, digest, shares_of

NUMBER_LENGTH = 120


def book_entries(docs: Sequence[LedgerDoc], *, import_id: int | None = None, now: datetime) -> list[Outcome]:
    """Book entries once; the outcome of each, at the same position.

    An entry that is in already in the same words is unchanged; in other words it is refused, for a ledger is never
    edited. Discount shares of payers that the order itself does not name are completed from all its entries, also from
    those that came before the order. Locks the orders concerned in ascending order of id. A constant number of
    statements.
    """
    if not docs:
        return []
    return run_in_transaction(lambda: _book(docs, import_id, now), constraints=("ledger_entry_once",))


def _book(docs: Sequence[LedgerDoc], import_id: int | None, now: datetime) -> list[Outcome]:
    shops = shops_by_code({doc.shop_code for doc in docs})
    stored = _stored({(shops[doc.shop_code].id, doc.number) for doc in docs if doc.shop_code in shops})
    outcomes: list[Outcome] = []
    fresh: list[tuple[int, LedgerDoc, bytes]] = []
    for doc in docs:
        shop = shops.get(doc.shop_code)
        if shop is None:
            outcomes.append(Outcome("refused", None, f"There is no shop {doc.shop_code}; create it first.", "shop"))
            continue
        if problem := _problem(doc, shop.currency, now):
            outcomes.append(Outcome("refused", None, problem, "ledger.entry"))
            continue
        key, content = (shop.id, doc.number), digest(doc)
        if key not in stored:
            stored[key] = content
            fresh.append((shop.id, doc, content))
            outcomes.append(Outcome("accepted"))
        elif stored[key] == content:
            outcomes.append(Outcome("unchanged"))
        else:
            sentence = f"Entry {doc.number} is booked already and says something else; a ledger is never edited."
            outcomes.append(Outcome("refused", None, sentence, "ledger.changed"))
    _insert(fresh, import_id)
    _complete_shares(
        {
            (shops[doc.shop_code].id, doc.order_number)
            for doc, outcome in zip(docs, outcomes, strict=True)
            if outcome.state != "refused" and doc.order_number and PAYERS.keys() & doc.parts.keys()
        }
    )
    return outcomes


def _stored(keys: set[tuple[int, str]]) -> dict[tuple[int, str], bytes]:
    ordered = sorted(keys)
    rows = fetch_all(
        """SELECT e.shop_id, e.number, e.digest FROM orders_ledgerentry e
           JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, number)
                ON (e.shop_id, e.number) = (k.shop_id, k.number)""",
        [whole_numbers(shop_id for shop_id, _ in ordered), texts(number for _, number in ordered)],
    )
    return {(shop_id, number): bytes(content) for shop_id, number, content in rows}


def _problem(doc: LedgerDoc, currency: str, now: datetime) -> str:
    amounts = [doc.amount_minor, doc.balance_minor or 0, *doc.parts.values()]
    if not doc.number or len(doc.number) > NUMBER_LENGTH:
        return f"An entry has a number of at most {NUMBER_LENGTH} characters."
    if doc.currency != currency:
        return f"Entry {doc.number} is in {doc.currency}, but the shop {doc.shop_code} sells in {currency}."
    if any(abs(amount) > MAX_AMOUNT_MINOR for amount in amounts):
        return f"Entry {doc.number} has an amount that is larger than any real one."
    if set(doc.parts) - set(PARTS):
        return f"Entry {doc.number} has parts that are not known: {', '.join(sorted(set(doc.parts) - set(PARTS)))}."
    if doc.occurred_at > now + AHEAD:
        return f"Entry {doc.number} lies in the future."
    return ""


def _insert(fresh: Sequence[tuple[int, LedgerDoc, bytes]], import_id: int | None) -> None:
    copy_rows(
        "orders_ledgerentry",
        (
            "shop_id",
            "number",
            "digest",
            "occurred_at",
            "currency",
            "amount_minor",
            "balance_minor",
            "scene",
            "kind",
            "account",
            "order_number",
            "line_key",
            "after_sale_number",
            "note",
            "parts",
            "more",
            "import_id",
        ),
        [
            (
                shop_id,
                doc.number,
                content,
                doc.occurred_at,
                doc.currency,
                doc.amount_minor,
                doc.balance_minor,
                doc.scene[:120],
                doc.kind[:120],
                doc.account[:120],
                doc.order_number,
                doc.line_key[:80],
                doc.after_sale_number,
                doc.note[:1000],
                as_json(dict(doc.parts)),
                as_json(dict(doc.more)),
                import_id,
            )
            for shop_id, doc, content in fresh
        ],
    )


def _complete_shares(keys: set[tuple[int, str]]) -> None:
    """Give the orders with these (shop id, number) the shares that their entries tell and they themselves do not."""
    ordered = sorted(keys)
    orders = fetch_all(
        """SELECT o.id, o.shop_id, o.external_id, o.business_date
           FROM orders_order o JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, number)
                ON (o.shop_id, o.external_id) = (k.shop_id, k.number) ORDER BY o.id FOR NO KEY UPDATE OF o""",
        [whole_numbers(shop_id for shop_id, _ in ordered), texts(number for _, number in ordered)],
    )
    if not orders:
        return
    ids = [order_id for order_id, *_ in orders]
    entries: dict[int, list[Borne]] = defaultdict(list)
    for order_id, line_key, parts in fetch_all(
        """SELECT o.id, e.line_key, e.parts::text FROM orders_order o
           JOIN orders_ledgerentry e ON (e.shop_id, e.order_number) = (o.shop_id, o.external_id)
           WHERE o.id = ANY(%s) ORDER BY o.id, e.id""",
        [ids],
    ):
        entries[order_id].append(Borne(line_key, json.loads(parts)))
    lines: dict[int, list[GoodsLine]] = defaultdict(list)
    for order_id, *line in fetch_all(
        """SELECT order_id, id, line_key, amount_minor FROM orders_orderline
           WHERE order_id = ANY(%s) AND kind = 'goods' AND qty > 0 ORDER BY order_id, line_no""",
        [ids],
    ):
        lines[order_id].append(GoodsLine(*line))
    named: dict[int, set[str]] = defaultdict(set)
    told: dict[int, list[Share]] = defaultdict(list)
    for order_id, line_id, payer, code, amount in fetch_all(
        "SELECT order_id, line_id, payer, code, amount_minor FROM orders_discount WHERE order_id = ANY(%s)", [ids]
    ):
        if code == SHARE_CODE:
            told[order_id].append((line_id, payer, amount))
        else:
            named[order_id].add(payer)
    changed: dict[int, list[Share]] = {}
    for order_id in ids:
        shares = shares_of(entries[order_id], lines[order_id], named[order_id])
        if sorted(told[order_id]) != shares:
            changed[order_id] = shares
    if not changed:
        return
    rows = [(order_id, *share) for order_id, shares in changed.items() for share in shares]
    execute("DELETE FROM orders_discount WHERE order_id = ANY(%s) AND code = %s", [sorted(changed), SHARE_CODE])
    execute(
        """INSERT INTO orders_discount (order_id, line_id, payer, code, name, amount_minor)
           SELECT s.order_id, s.line_id, s.payer, %s, '', s.amount
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS s(order_id, line_id, payer, amount)""",
        [SHARE_CODE, *([row[i] for row in rows] for i in range(4))],
    )
    append(
        [
            NewEvent(CHANGED, str(order_id), {"day": day.isoformat(), "route": False})
            for order_id, _, _, day in orders
            if order_id in changed
        ]
    )
