"""Writes of partners, and the exchange itself: take what lies in the inbox, lay out what there is to tell."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction

from tongpan.access.actions import audit
from tongpan.access.vault import open_sealed
from tongpan.channels.models import Shop
from tongpan.connectors.actions import detect, import_path
from tongpan.connectors.exchange import folders
from tongpan.connectors.exchange.models import ExchangeFile, ExchangePartner, FileState
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.network.models import Node

TAKEN = ("parcels", "tracking", "stock-levels", "receipts", "tongpan-orders")
"""The formats that a partner may send. Others, such as shops and nodes, are for people."""
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MOST_ORDERS = 2000
_log = structlog.get_logger("exchange")
ORDER_COLUMNS = (
    "action",
    "fulfillment",
    "shop",
    "order",
    "node",
    "recipient",
    "phone",
    "province",
    "city",
    "address",
    "buyer_note",
    "sku",
    "name",
    "qty",
)
STOCK_COLUMNS = ("node", "sku", "name", "bucket", "on_hand", "allocated", "free")


@dataclass(frozen=True, slots=True)
class PartnerSpec:
    """What a partner is to be. node_code, shop_code: "" for none."""

    code: str
    node_code: str = ""
    shop_code: str = ""
    file_format: str = "csv"
    sends_orders: bool = False
    sends_stock: bool = False
    is_active: bool = True


def save_partner(spec: PartnerSpec, *, actor: str, now: datetime) -> ExchangePartner:
    """Make or change the partner called ``spec.code`` and its folders.

    Raises Refusal exchange.code, exchange.node, exchange.shop or exchange.format.
    """
    if not _CODE.fullmatch(spec.code):
        raise Refusal("exchange.code", "The code has 1 to 40 lower-case letters, digits and dashes.")
    if spec.file_format not in ("csv", "json"):
        raise Refusal("exchange.format", "Files are laid out as csv or json.")
    node = Node.objects.filter(code=spec.node_code).first() if spec.node_code else None
    shop = Shop.objects.filter(code=spec.shop_code).first() if spec.shop_code else None
    if spec.node_code and node is None:
        raise Refusal("exchange.node", f"There is no node {spec.node_code!r}.")
    if spec.shop_code and shop is None:
        raise Refusal("exchange.shop", f"There is no shop {spec.shop_code!r}.")
    if node is None and (spec.sends_orders or spec.sends_stock):
        raise Refusal("exchange.node", "Name the node whose orders and stock are laid out.")
    with transaction.atomic():
        row, _ = ExchangePartner.objects.update_or_create(
            code=spec.code,
            defaults={
                "node": node,
                "shop": shop,
                "file_format": spec.file_format,
                "sends_orders": spec.sends_orders,
                "sends_stock": spec.sends_stock,
                "is_active": spec.is_active,
            },
            create_defaults={
                "node": node,
                "shop": shop,
                "file_format": spec.file_format,
                "sends_orders": spec.sends_orders,
                "sends_stock": spec.sends_stock,
                "is_active": spec.is_active,
                "created_at": now,
            },
        )
        noted = {"code": spec.code, "node": spec.node_code, "shop": spec.shop_code, "orders": spec.sends_orders}
        audit(actor, "exchange.saved", "exchange", str(row.pk), noted, now=now)
    folders.prepare(spec.code)
    return row


def exchange(*, now: datetime, with_stock: bool = False) -> dict[str, int]:
    """Take and lay out files for every active partner; how many by what became of them.

    Only one process may run it at a time: what lies in a working folder is then what a killed one left.
    """
    counted: dict[str, int] = {}
    for partner in ExchangePartner.objects.filter(is_active=True).select_related("node", "shop").order_by("code"):
        try:
            folders.prepare(partner.code)
            done = take_inbox(partner, now=now)
            if partner.sends_orders:
                done += lay_out_orders(partner, now=now)
            if partner.sends_stock and with_stock:
                done.append(lay_out_stock(partner, now=now))
        except OSError as error:
            _log.error("the folders of a partner cannot be used", partner=partner.code, error=str(error))
            continue
        for state in done:
            counted[state] = counted.get(state, 0) + 1
    return counted


def take_inbox(partner: ExchangePartner, *, now: datetime) -> list[str]:
    """Take what a killed process left and what is ready in the inbox; the state of each file.

    Each file is imported in the format that its header shows. A file whose content was taken before has no effect.
    """
    states = [_take(partner, path, now) for path in folders.working(partner.code)]
    for path in folders.ready(partner.code):
        picked = folders.pick_up(path)
        if picked is not None:
            states.append(_take(partner, picked, now))
    return states


def _take(partner: ExchangePartner, path: Path, now: datetime) -> str:
    content = folders.digest(path)
    before = ExchangeFile.objects.filter(partner=partner, direction="in", digest=content)
    record = before.filter(state=FileState.WORKING).first() or ExchangeFile.objects.create(
        partner=partner, direction="in", name=path.name[:255], digest=content, state=FileState.WORKING, created_at=now
    )
    if before.filter(state__in=[FileState.DONE, FileState.PARTLY]).exists():
        folders.put_away(path, "done", now)
        return _end(record, FileState.REPEATED, now, reason="A file with this content was taken before.")
    try:
        found = detect(path).format
        if found not in TAKEN:
            raise Refusal("exchange.kind", f"Files of format {found} are not taken from partners.")
        shop = partner.shop.code if partner.shop else ""
        actor = f"exchange:{partner.code}"
        result = import_path(path, format_name=found, shop_code=shop, actor=actor, now=now)
    except Refusal as refusal:
        put = folders.put_away(path, "failed", now)
        folders.write_whole(put.with_name(f"{put.name}.error.txt"), f"{refusal.sentence}\n".encode())
        return _end(record, FileState.FAILED, now, reason=refusal.sentence)
    rejected = result["rejected"]
    errors = [Path(name) for name in result["errors_files"]]
    put = folders.put_away(path, "failed" if rejected else "done", now)
    for error_file in errors:
        if error_file.parent == path.parent:
            error_file.rename(put.with_name(f"{put.name}.errors.csv"))
    taken = result["accepted"] + result["unchanged"]
    state = FileState.DONE if not rejected else FileState.PARTLY if taken else FileState.FAILED
    return _end(
        record,
        state,
        now,
        kind=found,
        rows=result["rows"],
        rejected=rejected,
        import_id=result["import_id"],
        reason=f"{rejected} rows were rejected; the file beside it says why." if rejected else "",
    )


def _end(record: ExchangeFile, state: str, now: datetime, **facts: Any) -> str:
    for name, value in {"state": state, "finished_at": now, **facts}.items():
        setattr(record, name, value)
    record.save()
    return str(state)


def lay_out_orders(partner: ExchangePartner, *, now: datetime) -> list[str]:
    """Lay out what is newly allocated at the partner's node to be shipped, and what was cancelled since.

    Each fulfilment is told once to be shipped and, if so, once not to be any more. A file that a killed process did
    not finish is written again under the same name. The recipients are opened for it, which is noted.
    """
    files = list(ExchangeFile.objects.filter(partner=partner, direction="out", state=FileState.WORKING).order_by("id"))
    with transaction.atomic():
        fresh = fetch_all(
            """SELECT f.id, CASE WHEN f.status IN ('allocated', 'accepted') THEN 'ship' ELSE 'cancel' END
               FROM fulfillment_fulfillment f
               WHERE f.node_id = %s AND (
                 (f.status IN ('allocated', 'accepted')
                  AND NOT EXISTS (SELECT FROM connectors_handover h WHERE h.fulfillment_id = f.id)
                  AND NOT EXISTS (SELECT FROM orders_hold o WHERE o.order_id = f.order_id AND o.released_at IS NULL))
                 OR (f.status IN ('cancelled', 'rejected') AND EXISTS (
                       SELECT FROM connectors_handover h WHERE h.fulfillment_id = f.id AND h.action = 'ship')
                     AND NOT EXISTS (
                       SELECT FROM connectors_handover h WHERE h.fulfillment_id = f.id AND h.action = 'cancel')))
               ORDER BY f.id LIMIT %s FOR NO KEY UPDATE OF f""",
            [partner.node_id, _MOST_ORDERS],
        )
        if fresh:
            record = ExchangeFile.objects.create(
                partner=partner, direction="out", kind="orders", name="", state=FileState.WORKING, created_at=now
            )
            record.name = f"orders-{record.pk:08d}.{partner.file_format}"
            record.save(update_fields=["name"])
            execute(
                """INSERT INTO connectors_handover (fulfillment_id, file_id, action)
                   SELECT h.f, %s, h.a FROM unnest(%s::bigint[], %s::text[]) AS h(f, a)""",
                [record.pk, [i for i, _ in fresh], [action for _, action in fresh]],
            )
            noted = {"file": record.name, "fulfillments": len(fresh)}
            audit(f"exchange:{partner.code}", "exchange.orders_told", "exchange", str(partner.pk), noted, now=now)
            files.append(record)
    return [_write_orders(partner, record, now) for record in files]


def _write_orders(partner: ExchangePartner, record: ExchangeFile, now: datetime) -> str:
    rows = fetch_all(
        """SELECT h.action, f.id, s.code, o.external_id, n.code, o.recipient_sealed, o.ship_province, o.ship_city,
                  o.buyer_note, k.code, coalesce(nullif(l.name, ''), k.name), x.qty
           FROM connectors_handover h
           JOIN fulfillment_fulfillment f ON f.id = h.fulfillment_id JOIN network_node n ON n.id = f.node_id
           JOIN orders_order o ON o.id = f.order_id JOIN channels_shop s ON s.id = o.shop_id
           JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = f.id JOIN catalog_sku k ON k.id = x.sku_id
           JOIN orders_orderline l ON l.id = x.order_line_id
           WHERE h.file_id = %s ORDER BY f.id, x.id""",
        [record.pk],
    )
    told = []
    for action, fulfillment_id, shop, number, node, sealed, province, city, *goods in rows:
        recipient, phone, address = json.loads(open_sealed(sealed)) if action == "ship" and sealed else ("", "", "")
        where = (recipient, phone, province, city, address)
        told.append((action, fulfillment_id, shop, number, node, *where, *goods))
    content = _render(partner.file_format, ORDER_COLUMNS, told)
    folders.write_whole(folders.home(partner.code) / "outbox" / record.name, content)
    return _end(record, FileState.DONE, now, rows=len(told))


def lay_out_stock(partner: ExchangePartner, *, now: datetime) -> str:
    """Lay out the book of the partner's node as ``stock.csv`` or ``stock.json``; the file before is replaced."""
    rows = fetch_all(
        """SELECT n.code, s.code, s.name, l.bucket, l.on_hand, l.allocated, l.on_hand - l.allocated
           FROM inventory_level l JOIN network_node n ON n.id = l.node_id JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.node_id = %s ORDER BY s.code, l.bucket""",
        [partner.node_id],
    )
    name = f"stock.{partner.file_format}"
    folders.write_whole(folders.home(partner.code) / "outbox" / name, _render(partner.file_format, STOCK_COLUMNS, rows))
    record = ExchangeFile(partner=partner, direction="out", kind="stock", name=name, created_at=now)
    return _end(record, FileState.DONE, now, rows=len(rows))


def _render(file_format: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """CSV with a byte order mark, so that spreadsheets read it too, or JSON: a list of objects."""
    if file_format == "json":
        return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False, indent=1).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
