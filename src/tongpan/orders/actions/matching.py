"""Returns that a channel tells of, and the cases of after-sale that they are about: one return, booked once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all
from tongpan.orders.engine import ReturnDoc


class Match(NamedTuple):
    """A case that a channel's return is about. return_id: of its booked return, None while it has none."""

    id: int
    return_id: int | None


class CaseMatches:
    """The cases that some returns of channels may be about; one statement to load, none where no return names an order.

    A return is about a case of the order that it names which is not matched yet and brings back the same units of
    the same SKUs, the oldest first; or about the case that carries its number since it was told of first.
    """

    def __init__(self, docs: Sequence[ReturnDoc], shop_ids: Mapping[str, int]) -> None:
        self._shop_ids = shop_ids
        self._open: dict[tuple[int, str], list[tuple[Match, Counter[str], bool]]] = defaultdict(list)
        self._known: dict[tuple[int, str], Match] = {}
        self._told: list[tuple[int, str]] = []
        named = sorted(
            {(shop_ids[d.shop_code], d.order_external_id, d.external_id) for d in docs if d.order_external_id}
        )
        if named:
            self._load(named)

    def _load(self, named: Sequence[tuple[int, str, str]]) -> None:
        for case_id, return_id, shop_id, number, told, is_simulated, units in fetch_all(
            """SELECT c.id, c.return_doc_id, c.shop_id, o.external_id, c.channel_number, c.is_simulated,
                      (SELECT json_object_agg(k.code, l.qty) FROM
                         (SELECT sku_id, sum(qty)::int AS qty FROM orders_returncaseline
                          WHERE case_id = c.id GROUP BY 1) l
                        JOIN catalog_sku k ON k.id = l.sku_id)
               FROM (SELECT DISTINCT ON (o.id) o.id, o.external_id
                     FROM unnest(%s::bigint[], %s::text[]) AS n(shop_id, number)
                     JOIN orders_order o ON (o.shop_id, o.external_id) = (n.shop_id, n.number)) o
               JOIN orders_returncase c ON c.order_id = o.id
               WHERE c.status NOT IN ('refused', 'withdrawn') AND c.kind <> 'claim' AND c.credit_minor IS NULL
               ORDER BY c.id""",
            [[shop_id for shop_id, _, _ in named], [number for _, number, _ in named]],
        ):
            match = Match(case_id, return_id)
            if told:
                self._known[shop_id, told] = match
            else:
                self._open[shop_id, number].append((match, Counter(units), is_simulated))

    def match(self, key: tuple[int, str], doc: ReturnDoc) -> Match | None:
        """The case that the return with the natural key ``key`` is about, or None."""
        if key in self._known:
            return self._known[key]
        units: Counter[str] = Counter()
        for line in doc.lines:
            if line.kind == "goods":
                units[line.code] += line.qty
        candidates = self._open.get((key[0], doc.order_external_id), [])
        for position, (match, wanted, is_simulated) in enumerate(candidates):
            if wanted == units and is_simulated == doc.is_simulated:
                candidates.pop(position)
                self._known[key] = match
                self._told.append((match.id, key[1]))
                return match
        return None

    def settle(self, booked: Mapping[int | None, int | None], *, actor: str, now: datetime) -> None:
        """Write on each matched case under which number the channel told of it. booked: return ids by case id."""
        if not self._told:
            return
        ids = [case_id for case_id, _ in self._told]
        execute(
            """UPDATE orders_returncase c SET channel_number = n.number,
                      return_doc_id = coalesce(c.return_doc_id, n.return_id)
               FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS n(id, number, return_id) WHERE c.id = n.id""",
            [ids, [number for _, number in self._told], [booked.get(i) for i in ids]],
        )
        copy_rows(
            "orders_caseevent",
            ("case_id", "kind", "at", "actor", "data"),
            [(case_id, "matched", now, actor, as_json({"number": number})) for case_id, number in self._told],
        )
