"""Imports of records that are no orders: stock counts, channel days, nodes, shops, parcels, tracking events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from tongpan.analytics.actions import ChannelDayDoc, record_channel_days
from tongpan.channels.actions import save_channel, save_shop
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.channels.models import Channel, Shop
from tongpan.connectors.actions.entries import entry_of
from tongpan.connectors.actions.market import Told, post_codes, post_prices_seen, post_sightings
from tongpan.connectors.actions.node_specs import is_same, node_spec
from tongpan.connectors.actions.people import save_people
from tongpan.connectors.actions.posting import Reject, post_each
from tongpan.connectors.actions.prices import PriceSource, post_costs, post_floors, post_prices
from tongpan.connectors.engine.cells import BadCell
from tongpan.connectors.engine.documents import Layout, StagedRow
from tongpan.connectors.engine.fields import Settings
from tongpan.connectors.engine.records import Level, RecordConverter, codes, counts
from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.spec import Mapping, Table
from tongpan.connectors.tally import Tally
from tongpan.core.clock import DEFAULT_ZONE
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import record_tracking, ship
from tongpan.fulfillment.parcels import ShipDoc, TrackingDoc
from tongpan.inventory.actions import count
from tongpan.inventory.engine import StockLine
from tongpan.network.actions import save_nodes, save_services
from tongpan.network.engine import NodeSpec, ServiceSpec
from tongpan.network.models import Node, Service
from tongpan.network.queries import node_facts, timetables_of
from tongpan.orders.actions.ledger import book_entries
from tongpan.tracking.actions import count_doors
from tongpan.tracking.engine import DoorDoc

BATCH = 20_000
MARKET = {"prices_seen": post_prices_seen, "goods_codes": post_codes, "sightings": post_sightings}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record."""

    state: str
    reason: str = ""


@dataclass(slots=True)
class RecordRun:
    """One import of records. default_zone: of times without an offset, where no node says otherwise.

    shop_code, currency: the shop of rows that name none, and what amounts are in.
    """

    mapping: Mapping
    table: Table
    layout: Layout
    tally: Tally
    reject: Reject
    actor: str
    now: datetime
    is_dry_run: bool
    default_zone: str = DEFAULT_ZONE
    shop_code: str = ""
    currency: str = "CNY"
    import_id: int | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def run(self, rows: Iterator[StagedRow], progress: Callable[[int], None]) -> None:
        """Convert and post ``rows`` in batches; ``progress`` is told the rows done."""
        post, record = self._section()
        done = 0
        waiting: list[tuple[StagedRow, dict[str, Any]]] = []
        converters: dict[str, RecordConverter] = {}
        zones = dict(Node.objects.values_list("code", "zone")) if self.table.levels else {}
        node_of = RecordConverter(self.table.levels, self._settings(self.default_zone)) if self.table.levels else None
        for row in rows:
            done += 1
            fields = self._convert(row, node_of, zones, converters)
            if fields is not None:
                waiting.append((row, fields))
            if len(waiting) >= BATCH:
                self._post(waiting, post, record)
                waiting.clear()
                progress(done)
        self._post(waiting, post, record)
        progress(done)

    def _section(self) -> tuple[Callable[..., list[Result]], str]:
        if self.table.levels:
            return self._post_levels, "levels"
        if self.table.channel_days:
            return self._post_channel_days, "channel_days"
        if self.table.doors:
            return self._post_doors, "doors"
        if self.table.nodes:
            return self._post_nodes, "nodes"
        if self.table.parcels:
            return self._post_parcels, "parcels"
        if self.table.tracking:
            return self._post_tracking, "tracking"
        if self.table.customers:
            return self._post_customers, "customers"
        if self.table.ledger:
            return self._post_ledger, "ledger"
        if self.table.prices or self.table.floors or self.table.costs:
            return self._post_prices, "prices" if self.table.prices else "floors" if self.table.floors else "costs"
        for name, post in MARKET.items():
            if getattr(self.table, name):
                return partial(self._post_market, post), name
        return self._post_shops, "shops"

    def _settings(self, zone: str) -> Settings:
        return Settings(
            self.layout.positions,
            self.layout.headers,
            frozenset(self.mapping.nulls),
            self.mapping.times.formats,
            self.mapping.decimal_comma,
            currency=self.currency,
            zone_name=self.mapping.times.zone or zone,
        )

    def _convert(
        self,
        row: StagedRow,
        node_of: RecordConverter | None,
        zones: dict[str, str],
        converters: dict[str, RecordConverter],
    ) -> dict[str, Any] | None:
        if row.defect:
            reason, _, value = row.defect.partition("\x1f")
            self._refuse(row, [Problem("", value, reason)])
            return None
        zone = self.default_zone
        if node_of is not None:
            # A time without an offset is local time of the node that was counted.
            try:
                zone = zones.get(node_of.field("node", row.cells), zone)
            except BadCell:
                zone = self.default_zone
        if zone not in converters:
            section = self.table.records
            if section is None:
                raise AssertionError("a table of records has a section of records")
            converters[zone] = RecordConverter(section, self._settings(zone))
        converter = converters[zone]
        try:
            return converter.fields(row.cells)
        except BadCell:
            self._refuse(row, converter.problems(row.cells))
            return None

    def _refuse(self, row: StagedRow, problems: Sequence[Problem]) -> None:
        self.tally.settle("refused", 1)
        self.reject(row, problems)

    def _post(
        self, waiting: list[tuple[StagedRow, dict[str, Any]]], post: Callable[..., list[Result]], name: str
    ) -> None:
        for (row, _), result in zip(waiting, post(waiting) if waiting else [], strict=True):
            self.tally.records[name] += 1
            self.tally.settle(result.state, 1)
            if result.state == "refused":
                self.reject(row, [Problem("", "", result.reason)])

    def _post_levels(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        levels = [
            Level(
                row,
                f["node"],
                f["at"],
                f["reason"],
                f["is_simulated"],
                StockLine(f["code"], f["qty"], f["bucket"] or "saleable", f["name"], f["note"]),
            )
            for row, f in waiting
        ]
        results = {
            level.row.line: Result("refused", "a counted quantity cannot be negative")
            for level in levels
            if level.line.qty < 0
        }
        docs, refused = counts([level for level in levels if level.line.qty >= 0], "file", self.now)
        results |= {level.row.line: Result("refused", reason) for level, reason in refused}
        outcomes = post_each(
            [doc for doc, _ in docs], partial(count, actor=self.actor, now=self.now), is_dry_run=self.is_dry_run
        )
        for (_, part), outcome in zip(docs, outcomes, strict=True):
            results |= {level.row.line: Result(outcome.state, outcome.reason) for level in part}
        return [results[row.line] for row, _ in waiting]

    def _post_customers(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        told = save_people([fields for _, fields in waiting], now=self.now, is_dry_run=self.is_dry_run)
        return [Result("refused", reason) if state == "refused" else Result(state) for state, reason in told]

    def _post_ledger(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        docs = [entry_of(row, f, self.layout.names, self.shop_code, self.currency) for row, f in waiting]
        outcomes = post_each(
            docs, partial(book_entries, import_id=self.import_id, now=self.now), is_dry_run=self.is_dry_run
        )
        return [Result(outcome.state, outcome.reason) for outcome in outcomes]

    def _post_prices(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        post = post_prices if self.table.prices else post_floors if self.table.floors else post_costs
        source = PriceSource(self.currency, self.actor, self.now, self.import_id, self.is_dry_run)
        return [Result(*one) for one in post([fields for _, fields in waiting], source)]

    def _post_market(
        self, post: Callable[..., list[Told]], waiting: Sequence[tuple[StagedRow, dict[str, Any]]]
    ) -> list[Result]:
        told = post_each(
            [fields for _, fields in waiting],
            partial(post, actor=self.actor, now=self.now),
            is_dry_run=self.is_dry_run,
        )
        return [Result(one.state, one.reason) for one in told]

    def _post_channel_days(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        docs = [ChannelDayDoc(f["channel"], f["day"], f["visitors"], f["cost"], f["is_simulated"]) for _, f in waiting]
        outcomes = post_each(docs, record_channel_days, is_dry_run=self.is_dry_run)
        return [Result(outcome.state, outcome.reason) for outcome in outcomes]

    def _post_doors(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        docs = [DoorDoc(f["node"], f["at"], f["entered"], bool(f["is_simulated"])) for _, f in waiting]
        outcomes = post_each(docs, partial(count_doors, now=self.now), is_dry_run=self.is_dry_run)
        return [Result(outcome.state, outcome.reason) for outcome in outcomes]

    def _post_parcels(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        docs = [
            ShipDoc(
                f["carrier"],
                f["number"],
                f["at"],
                shop_code=f["shop"] or self.shop_code,
                order_number=f["order"],
                node_code=f["node"],
            )
            for _, f in waiting
        ]
        outcomes = post_each(docs, partial(ship, actor=self.actor, now=self.now), is_dry_run=self.is_dry_run)
        return [Result(outcome.state, outcome.reason) for outcome in outcomes]

    def _post_tracking(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        docs = [
            TrackingDoc(f["carrier"], f["number"], f["kind"], f["at"], f["place"], f["text"], f["event"])
            for _, f in waiting
        ]
        outcomes = post_each(docs, partial(record_tracking, actor=self.actor, now=self.now), is_dry_run=self.is_dry_run)
        return [Result(outcome.state, outcome.reason) for outcome in outcomes]

    def _post_nodes(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        stored = {node.code: node for node in Node.objects.filter(code__in=[f["code"] for _, f in waiting])}
        ids = [node.pk for node in stored.values()]
        facts, tables = node_facts(ids), timetables_of(ids)
        results: list[Result | None] = []
        changed: list[NodeSpec] = []
        for row, f in waiting:
            node = stored.get(f["code"])
            try:
                spec = node_spec(f, rules=facts[node.pk].rules, hours=tables[node.pk]) if node else node_spec(f)
            except Refusal as refusal:
                results.append(Result("refused", refusal.sentence))
                continue
            first = self.seen.setdefault(spec.code, row.line)
            if first != row.line:
                results.append(Result("refused", f"node {spec.code} stands on line {first} already"))
            elif node is not None and is_same(facts[node.pk], tables[node.pk], node.is_simulated, spec):
                results.append(Result("unchanged"))
            else:
                results.append(None)
                changed.append(spec)
        saved = iter(self._save(changed, partial(save_nodes, actor=self.actor, now=self.now)))
        settled = [result or next(saved) for result in results]
        self._serve(waiting, settled)
        return settled

    def _serve(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]], results: list[Result]) -> None:
        """Let the nodes serve the shops that their rows name, besides the nodes that serve them already."""
        wanted: dict[str, set[str]] = {}
        returns: dict[str, str] = {}
        positions: dict[str, list[int]] = {}
        for position, (_, f) in enumerate(waiting):
            if results[position].state == "refused":
                continue
            taking = codes(f["takes_returns_of"])
            for shop in dict.fromkeys([*codes(f["serves"]), *taking]):
                wanted.setdefault(shop, set()).add(f["code"])
                positions.setdefault(shop, []).append(position)
            returns |= dict.fromkeys(taking, f["code"])
        known = set(Shop.objects.filter(code__in=wanted).values_list("code", flat=True))
        for shop in set(wanted) - known:
            for position in positions[shop]:
                results[position] = Result("refused", f"there is no shop {shop}; the node is in, but does not serve it")
        if self.is_dry_run:
            return
        specs = []
        for shop in sorted(known):
            now_serving = dict(Service.objects.filter(shop__code=shop).values_list("node__code", "takes_returns"))
            taking_now = next((code for code, takes in now_serving.items() if takes), "")
            nodes, taker = set(now_serving) | wanted[shop], returns.get(shop, taking_now)
            if nodes != set(now_serving) or taker != taking_now:
                specs.append(ServiceSpec(shop, sorted(nodes), taker))
                for position in positions[shop]:
                    if results[position].state == "unchanged":
                        results[position] = Result("accepted")
        save_services(specs, actor=self.actor, now=self.now)

    def _post_shops(self, waiting: Sequence[tuple[StagedRow, dict[str, Any]]]) -> list[Result]:
        results = []
        for row, f in waiting:
            first = self.seen.setdefault(f["code"], row.line)
            if first != row.line:
                results.append(Result("refused", f"shop {f['code']} stands on line {first} already"))
                continue
            told: list[Result] = []

            def save(specs: Sequence[dict[str, Any]], told: list[Result] = told) -> None:
                told.append(self._save_shop(specs[0]))

            [result] = self._save([f], save)
            results.append(result if result.state == "refused" else told[0])
        return results

    def _save_shop(self, f: dict[str, Any]) -> Result:
        channel = Channel.objects.filter(code=f["channel"]).first()
        shop = Shop.objects.filter(code=f["code"]).select_related("channel").first()
        spec = ShopSpec(
            f["code"],
            f["channel"],
            f["name"] or f["code"],
            f["kind"] or "shop",
            f["account"],
            f["capacity"],
            is_simulated=f["is_simulated"],
        )
        if channel is None:
            save_channel(
                ChannelSpec(
                    f["channel"],
                    f["channel_name_zh"] or f["channel"],
                    f["channel_name_en"] or f["channel"],
                    zone=f["zone"] or self.mapping.shop.zone,
                    currency=f["currency"] or self.mapping.shop.currency,
                    is_simulated=f["is_simulated"],
                ),
                actor=self.actor,
                now=self.now,
            )
        elif f["currency"] and f["currency"] != channel.currency:
            return Result("refused", f"channel {channel.code} sells in {channel.currency}, not in {f['currency']}")
        elif shop is not None and _is_same_shop(shop, spec):
            return Result("unchanged")
        save_shop(spec, actor=self.actor, now=self.now)
        return Result("accepted")

    def _save(self, specs: Sequence[Any], save: Callable[[Sequence[Any]], Any]) -> list[Result]:
        """Save all of ``specs`` at once; when that is refused, in halves until the culprit is alone.

        In a dry run all is done and taken back.
        """
        if not specs:
            return []
        try:
            with transaction.atomic():
                save(specs)
                transaction.set_rollback(self.is_dry_run)
            return [Result("accepted")] * len(specs)
        except Refusal as refusal:
            if len(specs) == 1:
                return [Result("refused", refusal.sentence)]
            half = len(specs) // 2
            return self._save(specs[:half], save) + self._save(specs[half:], save)


def _is_same_shop(shop: Shop, spec: ShopSpec) -> bool:
    plain = ("name", "kind", "external_account", "capacity", "is_simulated")
    return shop.channel.code == spec.channel_code and all(getattr(shop, n) == getattr(spec, n) for n in plain)
