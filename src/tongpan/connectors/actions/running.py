"""One import from file to result: open, stage, assemble, post, report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from tongpan.connectors.actions.nodes import save_supplying_nodes
from tongpan.connectors.actions.opening import Opened
from tongpan.connectors.actions.parts import Joined, Parts
from tongpan.connectors.actions.posting import DocumentPoster
from tongpan.connectors.actions.records import RecordRun
from tongpan.connectors.actions.shops import NewShop, Shops, check_currency, create_shop, planned_shop
from tongpan.connectors.engine.cells import cleaned
from tongpan.connectors.engine.documents import Assembled, Assembler, ShopContext, StagedRow
from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.errorfile import ErrorFile
from tongpan.connectors.spec import Table
from tongpan.connectors.staging import Staging
from tongpan.connectors.tally import Tally
from tongpan.core.clock import DEFAULT_ZONE
from tongpan.core.config import load_config
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total): stage "reading" counts bytes, "importing" counts rows."""


@dataclass(slots=True)
class Run:
    """What one import is given, and what it has found out so far.

    saved: called after each committed batch with the rows done and their total.
    """

    opened: Opened
    shop_code: str
    new_shop: NewShop
    is_dry_run: bool
    actor: str
    now: datetime
    import_id: int | None
    progress: Progress
    saved: Callable[[int, int], None]
    tally: Tally = field(default_factory=Tally)
    created: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: dict[str, ErrorFile] = field(default_factory=dict)

    def execute(self) -> dict[str, Any]:
        """Run the import; its result as JSON. Raises Refusal; what is committed by then stays."""
        began = time.monotonic()
        config = load_config()
        mapping = self.opened.mapping
        try:
            shops, default = self._shops()
            with Staging(mapping, self.opened.sources, config.data_dir / "tmp") as staging:
                staging.load(partial(self.progress, "reading"))
                self._note_damage()
                if any(table.document for table in mapping.tables.values()):
                    self._documents(staging, shops, default)
                else:
                    self._records(staging, default)
                loaded = dict(staging.rows)
        except BaseException:
            self._close(keep=False)
            raise
        self._close(keep=True)
        told = self.tally
        if told.rows != told.accepted + told.rejected + told.unchanged:
            raise AssertionError(f"{told.rows} rows became {told.accepted} + {told.rejected} + {told.unchanged}")
        return self._result(loaded, time.monotonic() - began)

    def _shops(self) -> tuple[Shops, ShopContext | None]:
        """All shops, and the one of this import; it is made when it is not there (not in a dry run)."""
        mapping = self.opened.mapping
        documents = next((table.document for table in mapping.tables.values() if table.document), None)
        shops = Shops.read()
        if documents is None or not self.shop_code:
            if documents is not None and "shop" not in self._named_columns():
                raise Refusal(
                    "shop.missing", f"Rows of the format {mapping.format} name no shop: say which with --shop CODE."
                )
            return shops, shops.context(self.shop_code) if self.shop_code else None
        shop = shops.context(self.shop_code)
        if shop is None:
            self.new_shop = self._new_shop()
            shop = planned_shop(self.shop_code, mapping, self.new_shop)
            check_currency(mapping, shop)
            if not self.is_dry_run:
                self.created += create_shop(self.shop_code, mapping, self.new_shop, actor=self.actor, now=self.now)
                shops = Shops.read()
                shop = shops.context(self.shop_code) or shop
        check_currency(mapping, shop)
        return shops, shop

    def _new_shop(self) -> NewShop:
        """What a new shop gets: as asked for, and the currency of the first row where the file has a column for it."""
        source = self.opened.main_source
        document = self.opened.mapping.tables[self.opened.main].document
        column = next(iter((document.currency.from_ if document and document.currency else None) or ()), "")
        if self.new_shop.currency or column not in source.match.positions:
            return self.new_shop
        first = next(source.rows(), None)
        found = cleaned(first.cells[source.match.positions[column]], ()) if first else ""
        return replace(self.new_shop, currency=found if re.fullmatch("[A-Z]{3}", found) else "")

    def _named_columns(self) -> set[str]:
        """Fields of the document whose column the file has."""
        found = set()
        for name, source in self.opened.sources.items():
            document = self.opened.mapping.tables[name].document
            if document and document.shop and set(document.shop.from_ or ()) & set(source.match.positions):
                found.add("shop")
        return found

    def _documents(self, staging: Staging, shops: Shops, default: ShopContext | None) -> None:
        mapping = self.opened.mapping
        total = self.tally.rows = sum(n for name, n in staging.rows.items() if _gives_rows(mapping.tables[name]))
        self.tally.currency = default.currency if default else mapping.currency or mapping.shop.currency
        is_planned = default is not None and default.code not in shops.by_code
        for name, table in mapping.tables.items():
            if table.nodes and name in self.opened.sources and default is not None:
                made, warnings = save_supplying_nodes(
                    table.nodes,
                    staging.plain_rows(name),
                    staging.layout(name),
                    mapping,
                    default.code,
                    actor=self.actor,
                    now=self.now,
                    is_dry_run=self.is_dry_run,
                )
                self.created += [f"{made} nodes"] if made else []
                self.warnings += [f"{self.opened.sources[name].member.name}: {text}" for text in warnings]
        poster = DocumentPoster(
            self.tally,
            self._reject,
            actor=self.actor,
            import_id=None if self.is_dry_run else self.import_id,
            now=self.now,
            is_dry_run=self.is_dry_run,
            prepare=self._make_planned_shop if is_planned else None,
            keep=lambda parts: parts_of.keep(parts) if parts_of and not self.is_dry_run else None,
        )

        def look_up(code: str) -> ShopContext | None:
            return default if default and code == default.code else shops.context(code)

        layouts = {name: staging.layout(name) for name in self.opened.sources if _gives_rows(mapping.tables[name])}
        parts_of: Parts | None = None
        if mapping.separate:
            shop_id = shops.by_code[default.code].id if default and default.code in shops.by_code else None
            parts_of = Parts(mapping, shop_id, default.zone if default else DEFAULT_ZONE, layouts)
            layouts = parts_of.layouts
        assembler = Assembler(mapping, layouts, look_up, default.code if default else "")
        known = next((t.document.known_statuses for t in mapping.tables.values() if t.document), ())
        done = 0
        found = parts_of.joined(staging.groups()) if parts_of else map(_whole, staging.groups())
        for joined in found:
            done += len(joined.own)
            assembled = self._assemble(assembler, joined, parts_of)
            if parts_of:
                assembled = joined.of_the_file(assembled)
            for row, problems in assembled.rejected:
                self.tally.rejected += 1
                self._reject(row, problems)
            for prepared in assembled.documents:
                if isinstance(prepared.doc, OrderDoc):
                    self.tally.status(prepared.doc.channel_status, known)
                if poster.add(prepared):
                    self._advance(done, total)
        poster.flush()
        if parts_of:
            parts_of.flush()
        self._advance(done, total)

    def _assemble(self, assembler: Assembler, joined: Joined, parts_of: Parts | None) -> Assembled:
        """What comes of a document's rows; those that wait for their document, or are older, are settled at once."""
        if joined.state == "whole":
            return assembler.assemble(joined.all_rows)
        checked = assembler.check(joined.all_rows)
        if not checked.rejected:
            if joined.state == "waiting" and parts_of and not self.is_dry_run:
                parts_of.wait(joined.part)
            self.tally.settle("unchanged" if joined.state == "kept" else joined.state, len(joined.own))
        return checked

    def _make_planned_shop(self) -> None:
        create_shop(self.shop_code, self.opened.mapping, self.new_shop, actor=self.actor, now=self.now)

    def _records(self, staging: Staging, default: ShopContext | None) -> None:
        main, mapping = self.opened.main, self.opened.mapping
        ledger = mapping.tables[main].ledger
        if ledger is not None and ledger.shop is None and default is None:
            raise Refusal(
                "shop.missing",
                f"Rows of the format {mapping.format} name no shop: say which with --shop CODE. It must be there.",
            )
        total = self.tally.rows = staging.rows[main]
        run = RecordRun(
            mapping,
            mapping.tables[main],
            staging.layout(main),
            self.tally,
            self._reject,
            self.actor,
            self.now,
            self.is_dry_run,
            default_zone=default.zone if default else DEFAULT_ZONE,
            shop_code=default.code if default else "",
            currency=default.currency if default else mapping.currency or mapping.shop.currency,
            import_id=None if self.is_dry_run else self.import_id,
        )
        run.run(staging.plain_rows(main), lambda done: self._advance(done, total))

    def _advance(self, done: int, total: int) -> None:
        self.progress("importing", done, total)
        self.saved(done, total)

    def _reject(self, row: StagedRow, problems: Sequence[Problem]) -> None:
        source = self.opened.sources[row.table]
        if row.table not in self.files:
            path = source.member.path
            beside = path if path.name == source.member.name else path.with_name(source.member.name)
            self.files[row.table] = ErrorFile(beside, source.headers, load_config().data_dir / "errors")
        self.files[row.table].add(row.line, row.cells[: len(source.headers)], problems)

    def _close(self, *, keep: bool) -> None:
        for file in self.files.values():
            file.close(keep=keep)

    def _note_damage(self) -> None:
        for source in self.opened.sources.values():
            if source.member.damage:
                self.warnings.append(
                    f"{source.member.name} is damaged or cut off; what could be unpacked before that is in."
                )

    def _result(self, loaded: dict[str, int], seconds: float) -> dict[str, Any]:
        main = self.opened.main_source
        errors = [str(file.path) for file in self.files.values() if file.path]
        told = self.tally.as_json()
        head = {key: told.pop(key) for key in ("rows", "accepted", "rejected", "unchanged")}
        return {
            "format": self.opened.mapping.format,
            "shop": self.shop_code or None,
            **head,
            "errors_file": errors[0] if errors else None,
            "seconds": round(seconds, 3),
            "classes": told.pop("classes"),
            **told,
            "errors_files": errors,
            "dry_run": self.is_dry_run,
            "import_id": self.import_id,
            "created": self.created,
            "file": str(self.opened.path),
            "encoding": main.encoding.name,
            "files": {source.member.name: loaded[name] for name, source in self.opened.sources.items()},
            "unmapped_columns": {s.member.name: list(s.unmapped) for s in self.opened.sources.values() if s.unmapped},
            "warnings": self.warnings,
        }


def _whole(group: list[StagedRow]) -> Joined:
    return Joined(group, group, None, "whole")


def _gives_rows(table: Table) -> bool:
    return bool(table.document or table.lines or table.payments or table.adjustments)
