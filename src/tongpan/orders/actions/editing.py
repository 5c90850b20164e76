"""Writing what people change in orders that have not left: lines, parts, address and promise.

The part of the order hub: the caller holds the orders, has given back what was allocated to them, and holds the
pools of their goods (``fulfillment.actions.changing``).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tongpan.access.vault import open_sealed, seal
from tongpan.core.bulk import execute, fetch_all, next_ids
from tongpan.core.errors import Refusal
from tongpan.network.geography import locate
from tongpan.orders.editing import AddressEdit, LineAdded, LinePlan, Piece, StoredLine

_LONGEST = {"recipient": 80, "phone": 40, "address": 300, "province": 60, "city": 60}


def lines_of(order_id: int) -> list[StoredLine]:
    """The lines of an order with their discount shares, by number. Two statements."""
    shares: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for line_id, share_id, amount in fetch_all(
        "SELECT line_id, id, amount_minor FROM orders_discount WHERE order_id = %s AND line_id IS NOT NULL ORDER BY id",
        [order_id],
    ):
        shares[line_id].append((share_id, amount))
    rows = fetch_all(
        """SELECT id, line_no, kind, qty, amount_minor, part FROM orders_orderline
           WHERE order_id = %s ORDER BY line_no""",
        [order_id],
    )
    return [StoredLine(*row, shares=tuple(shares[row[0]])) for row in rows]


def sku_ids_of(added: Sequence[LineAdded]) -> dict[str, tuple[int, str]]:
    """(id, name) of the SKUs of ``added`` by code. Raises Refusal edit.sku for one that does not exist."""
    codes = sorted({line.sku_code.replace("\x00", "") for line in added})
    rows = fetch_all("SELECT code, id, name FROM catalog_sku WHERE code = ANY(%s)", [codes]) if codes else []
    known = {code: (sku_id, name) for code, sku_id, name in rows}
    for line in added:
        if line.sku_code not in known:
            raise Refusal("edit.sku", f"There is no SKU {line.sku_code!r}; add it to the catalogue first.")
    return known


def pools_of(sku_ids: Sequence[int]) -> set[int]:
    """The SKUs whose stock ``sku_ids`` take: of a kit its parts."""
    rows = fetch_all(
        """SELECT coalesce(k.part_id, s) FROM unnest(%s::bigint[]) AS s
           LEFT JOIN catalog_kitpart k ON k.kit_id = s""",
        [list(sku_ids)],
    )
    return {sku_id for (sku_id,) in rows}


def keep_channel_lines(order_ids: Sequence[int]) -> None:
    """Keep the lines of ``order_ids`` as their channel knows them, and mark that the orders' own ones are local.

    Orders whose lines are local already are left alone. Two statements.
    """
    execute(
        """INSERT INTO orders_channelline (order_id, kind, code, qty, amount_minor)
           SELECT l.order_id, l.kind, coalesce(s.code, l.charge_code), l.qty, l.amount_minor
           FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
           LEFT JOIN catalog_sku s ON s.id = l.sku_id
           WHERE o.id = ANY(%s) AND NOT 'lines' = ANY(o.local_fields) ORDER BY l.order_id, l.line_no""",
        [list(order_ids)],
    )
    _mark_local(order_ids, "lines")


def _mark_local(order_ids: Sequence[int], field: str) -> None:
    execute(
        """UPDATE orders_order SET local_fields = array_append(local_fields, %s)
           WHERE id = ANY(%s) AND NOT %s = ANY(local_fields)""",
        [field, list(order_ids), field],
    )


def write_lines(order_id: int, plans: Sequence[LinePlan], added: Sequence[LineAdded]) -> tuple[int, int]:
    """Write edited and added lines and the order's totals; its total before and after, in minor units."""
    keep_channel_lines([order_id])
    if plans:
        execute(
            """UPDATE orders_orderline l SET qty = n.qty, amount_minor = n.amount
               FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS n(id, qty, amount) WHERE l.id = n.id""",
            [[p.line.id for p in plans], [p.qty for p in plans], [p.amount_minor for p in plans]],
        )
        _write_shares({i: amount for plan in plans for i, amount in plan.shares.items()})
    if added:
        skus = sku_ids_of(added)
        execute(
            """INSERT INTO orders_orderline
                   (order_id, line_no, line_key, kind, sku_id, charge_code, name, qty, amount_minor, wanted_node)
               SELECT %s, m.last + n.position, '', 'goods', n.sku_id, '', n.name, n.qty, n.amount, ''
               FROM (SELECT coalesce(max(line_no), 0) AS last FROM orders_orderline WHERE order_id = %s) m,
                    unnest(%s::bigint[], %s::text[], %s::int[], %s::bigint[]) WITH ORDINALITY
                        AS n(sku_id, name, qty, amount, position)""",
            [
                order_id,
                order_id,
                [skus[line.sku_code][0] for line in added],
                [skus[line.sku_code][1] for line in added],
                [line.qty for line in added],
                [line.amount_minor for line in added],
            ],
        )
    rows = fetch_all(
        """UPDATE orders_order o SET goods_minor = s.goods, charges_minor = s.charges,
                  total_minor = s.goods + s.charges, units = s.units
           FROM (SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'goods'), 0)::bigint AS goods,
                        coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0)::bigint AS charges,
                        coalesce(sum(qty) FILTER (WHERE kind = 'goods'), 0)::bigint AS units
                 FROM orders_orderline WHERE order_id = %s) s,
                (SELECT total_minor AS before FROM orders_order WHERE id = %s) b
           WHERE o.id = %s RETURNING b.before, o.total_minor""",
        [order_id, order_id, order_id],
    )
    return int(rows[0][0]), int(rows[0][1])


def _write_shares(shares: Mapping[int, int]) -> None:
    """Give discount shares other amounts; those of 0 are gone."""
    kept = {i: amount for i, amount in shares.items() if amount}
    execute("DELETE FROM orders_discount WHERE id = ANY(%s)", [sorted(set(shares) - set(kept))])
    execute(
        """UPDATE orders_discount d SET amount_minor = n.amount
           FROM unnest(%s::bigint[], %s::bigint[]) AS n(id, amount) WHERE d.id = n.id""",
        [list(kept), list(kept.values())],
    )


def write_parts(order_id: int, pieces: Sequence[Sequence[Piece]]) -> None:
    """Write the pieces of split lines: the first piece stays the line, the others become lines of their own."""
    keep_channel_lines([order_id])
    first = [of_line[0] for of_line in pieces]
    execute(
        """UPDATE orders_orderline l SET qty = n.qty, amount_minor = n.amount, part = n.part
           FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::int[]) AS n(id, qty, amount, part)
           WHERE l.id = n.id""",
        [
            [p.line.id for p in first],
            [p.qty for p in first],
            [p.amount_minor for p in first],
            [p.part for p in first],
        ],
    )
    others = [piece for of_line in pieces for piece in of_line[1:]]
    if others:
        ids = next_ids("orders_orderline", len(others))
        execute(
            """INSERT INTO orders_orderline (id, order_id, line_no, line_key, kind, sku_id, charge_code, name, qty,
                      unit_price, amount_minor, wanted_node, part)
               SELECT n.id, l.order_id, m.last + n.position, l.line_key, l.kind, l.sku_id, l.charge_code, l.name,
                      n.qty, l.unit_price, n.amount, l.wanted_node, n.part
               FROM (SELECT max(line_no) AS last FROM orders_orderline WHERE order_id = %s) m,
                    unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::int[]) WITH ORDINALITY
                        AS n(id, line_id, qty, amount, part, position)
               JOIN orders_orderline l ON l.id = n.line_id""",
            [
                order_id,
                ids,
                [p.line.id for p in others],
                [p.qty for p in others],
                [p.amount_minor for p in others],
                [p.part for p in others],
            ],
        )
        shares = [
            (i, line_id, amount) for line_id, p in zip(ids, others, strict=True) for i, amount in p.shares.items()
        ]
        execute(
            """INSERT INTO orders_discount (order_id, line_id, payer, code, name, amount_minor)
               SELECT d.order_id, n.line_id, d.payer, d.code, d.name, n.amount
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n(id, line_id, amount)
               JOIN orders_discount d ON d.id = n.id WHERE n.amount > 0""",
            [[row[i] for row in shares] for i in range(3)],
        )
    _write_shares({i: amount for p in first for i, amount in p.shares.items()})


def parts_of_order(order_id: int) -> list[int]:
    """The numbers of the parts of an order that have goods, ascending."""
    rows = fetch_all(
        "SELECT DISTINCT part FROM orders_orderline WHERE order_id = %s AND kind = 'goods' AND qty > 0 ORDER BY 1",
        [order_id],
    )
    return [part for (part,) in rows]


def held_until(order_ids: Sequence[int], now: datetime) -> dict[int, datetime]:
    """Until when the goods of unpaid orders are held at checkout, for those whose time is not over at ``now``."""
    return dict(
        fetch_all(
            "SELECT id, hold_until FROM orders_order WHERE id = ANY(%s) AND status = 'placed' AND hold_until > %s",
            [list(order_ids), now],
        )
    )


def join_parts(order_id: int) -> int:
    """Put all lines of an order into one part again; how many moved. Lines that a split divided stay divided."""
    return execute("UPDATE orders_orderline SET part = 1 WHERE order_id = %s AND part <> 1", [order_id])


def write_address(order_id: int, edit: AddressEdit) -> None:
    """Seal and store where an order goes now. Raises Refusal edit.address for a text that is too long or no text."""
    given = {name: getattr(edit, name) for name in _LONGEST}
    for name, text in given.items():
        if text is not None and (len(text) > _LONGEST[name] or "\x00" in text):
            raise Refusal("edit.address", f"The {name} has at most {_LONGEST[name]} characters and no NUL byte.")
    sealed, province, city = fetch_all(
        "SELECT recipient_sealed, ship_province, ship_city FROM orders_order WHERE id = %s", [order_id]
    )[0]
    before: list[Any] = json.loads(open_sealed(sealed)) if sealed else ["", "", ""]
    contact = [
        old if given[name] is None else given[name].strip()
        for name, old in zip(("recipient", "phone", "address"), before, strict=True)
    ]
    province = province if edit.province is None else edit.province.strip()
    city = city if edit.city is None else edit.city.strip()
    place = locate(province, city) or locate(province, "")
    execute(
        """UPDATE orders_order SET recipient_sealed = %s, ship_province = %s, ship_city = %s, ship_latitude = %s,
                  ship_longitude = %s WHERE id = %s""",
        [
            seal(json.dumps(contact, ensure_ascii=False)) if any(contact) else b"",
            province,
            city,
            place.latitude if place else None,
            place.longitude if place else None,
            order_id,
        ],
    )
    _mark_local([order_id], "address")


def write_promise(order_id: int, promised_at: datetime) -> None:
    """Promise an order for another instant (aware)."""
    execute("UPDATE orders_order SET promised_at = %s WHERE id = %s", [promised_at, order_id])
    _mark_local([order_id], "promise")
