"""Exports of platforms imported for good: again, out of order, by halves, and always the same state."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.company import ACTOR, NOW
from tests.support.platforms import EXPECTED, FOLDER, read_export

from tongpan.access import vault
from tongpan.channels.actions import save_channel, save_shop
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.connectors.engine.payloads import tables_of
from tongpan.connectors.models import Part
from tongpan.core.bulk import fetch_all
from tongpan.customers.models import Customer, Identifier
from tongpan.orders.models import Order, OrderLine
from tongpan.orders.queries import payload_of

DELIMITED = sorted(name for name in EXPECTED if name.endswith((".csv", ".txt")))
HEAD, LINES = "ExportOrderList202403051200.csv", "ExportOrderDetailList202403051201.csv"


def state() -> dict[str, list]:
    """What is known of all orders, without what only tells how it came to be known."""
    orders = Order.objects.order_by("external_id")
    return {
        "orders": [
            (
                order.external_id,
                order.status,
                order.channel_status,
                order.is_status_known,
                order.goods_minor,
                order.charges_minor,
                order.paid_minor,
                order.refunded_minor,
                order.placed_at,
                order.dispatched_at,
                order.completed_at,
                order.ship_province,
                order.seller_note,
                vault.open_sealed(order.recipient_sealed),
            )
            for order in orders
        ],
        "lines": sorted(
            OrderLine.objects.values_list(
                "order__external_id", "kind", "sku__code", "charge_code", "name", "qty", "amount_minor", "line_key"
            ),
            key=repr,
        ),
        "shares": sorted(
            fetch_all(
                """SELECT o.external_id, s.code, d.payer, d.amount_minor FROM orders_discount d
                   JOIN orders_order o ON o.id = d.order_id LEFT JOIN orders_orderline l ON l.id = d.line_id
                   LEFT JOIN catalog_sku s ON s.id = l.sku_id""",
                [],
            ),
            key=repr,
        ),
        "tags": sorted(
            fetch_all("SELECT o.external_id, t.tag FROM orders_ordertag t JOIN orders_order o ON o.id = t.order_id", [])
        ),
        "customers": sorted(Identifier.objects.values_list("kind", "scope")),
    }


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_same_file_twice_changes_nothing(run, name):
    first = run(FOLDER / name, "platform-1")
    before = state()

    again = run(FOLDER / name, "platform-1")

    assert (first["accepted"], first["rejected"]) == (first["rows"], 0)
    assert (again["unchanged"], again["accepted"], again["rejected"]) == (again["rows"], 0, 0)
    assert state() == before
    assert len(before["orders"]) == len(EXPECTED[name][1])


def columns_kept(number: str) -> dict[str, dict[str, list[str]]]:
    """table → header → cells of what is kept of an order's rows."""
    payload = payload_of(Order.objects.get(external_id=number).pk)
    return {t.name: {h: [row[i] for row in t.rows] for i, h in enumerate(t.columns)} for t in tables_of(payload)}


def test_the_rows_of_an_order_are_kept_with_columns_that_nothing_reads(run):
    run(FOLDER / "douyin-74.csv", "platform-1")
    export = read_export("douyin-74.csv")
    headers, rows = export.header, export.rows
    number = rows[0][headers.index("主订单编号")].strip()

    kept = columns_kept(number)["rows"]

    own = [row for row in rows if row[headers.index("主订单编号")].strip() == number]
    for i, header in enumerate(headers):
        if any(row[i] for row in own):
            assert kept[header.strip()] == [row[i] for row in own]
    assert "是否安心购" in kept
    stored = b"".join(bytes(content) for [content] in fetch_all("SELECT content FROM orders_rawpayload", []))
    assert number.encode() not in stored


def test_what_two_files_say_of_an_order_is_kept_of_both(run):
    unread = run(FOLDER / LINES, "platform-1")["unmapped_columns"][LINES]
    run(FOLDER / HEAD, "platform-1")

    kept = columns_kept(Order.objects.order_by("external_id")[0].external_id)

    assert sorted(kept) == ["lines", "orders"]
    assert "支付详情" in kept["orders"]
    assert "支付单号" in unread and kept["lines"]["支付单号"] == ["2024030522001100000000000001"] * 2


def test_discount_shares_are_stored_with_who_bears_them(run):
    run(FOLDER / "douyin-74.csv")

    assert state()["shares"] == [
        ("6920000000000000001", "CREAM-50", "influencer", 650),
        ("6920000000000000001", "CREAM-50", "platform", 800),
        ("6920000000000000001", "CREAM-50", "shop", 1050),
        ("6920000000000000001", "MASK-5", "shop", 500),
    ]


def test_an_unknown_status_is_kept_and_reported(run):
    result = run(FOLDER / "jd-pop.csv")

    assert result["unknown_statuses"] == {"锁定待审": 1}
    assert list(Order.objects.filter(is_status_known=False).values_list("channel_status", "status")) == [
        ("锁定待审", "placed")
    ]


@pytest.mark.parametrize("first", [HEAD, LINES])
def test_the_two_files_of_taobao_make_the_same_orders_whichever_comes_first(run, first):
    second = LINES if first == HEAD else HEAD

    one, two = run(FOLDER / first), run(FOLDER / second)
    again = [run(FOLDER / name) for name in (LINES, HEAD)]

    assert [(r["accepted"], r["rejected"]) for r in (one, two)] == [(r["rows"], 0) for r in (one, two)]
    assert [(r["unchanged"], r["accepted"]) for r in again] == [(r["rows"], 0) for r in again]
    assert [(row[0], row[1], row[4], row[5], row[6], row[7]) for row in state()["orders"]] == [
        ("3812345678901234567", "completed", 11880, 800, 12680, 0),
        ("3812345678901234568", "cancelled", 3000, 0, 0, 3000),
        ("3812345678901234569", "placed", 3000, 0, 0, 0),
    ]
    assert state()["lines"] == [
        ("3812345678901234567", "charge", None, "POSTAGE", "邮费", 1, 800, ""),
        ("3812345678901234567", "goods", "CUP-W", "", "测试茶杯", 2, 8980, "3812345678901234501"),
        ("3812345678901234567", "goods", "TEA", "", "测试茶叶", 1, 2900, "3812345678901234502"),
        ("3812345678901234568", "goods", "颜色分类:黑", "", "颜色分类:黑", 1, 3000, "3812345678901234503"),
        ("3812345678901234569", "goods", "POT", "", "测试茶壶", 1, 3000, "3812345678901234504"),
    ]
    assert state()["shares"] == [
        ("3812345678901234567", "CUP-W", "platform", 15),
        ("3812345678901234567", "CUP-W", "platform", 378),
        ("3812345678901234567", "TEA", "platform", 122),
        ("3812345678901234567", "TEA", "platform", 5),
    ]


def test_old_detail_lists_share_what_was_owed_for_the_order(run):
    run(FOLDER / "ExportOrderDetailList2014.csv")
    run(FOLDER / HEAD)

    lines = OrderLine.objects.filter(order__external_id="3812345678901234567", kind="goods")
    # 99.80 and 29.00 at the listed prices, 118.80 owed for both
    assert sorted(lines.values_list("sku__code", "amount_minor")) == [("CUP-W", 9205), ("TEA", 2675)]


def test_lines_without_their_orders_wait_sealed(run):
    result = run(FOLDER / LINES)

    assert (result["accepted"], result["documents"]) == (4, {"waiting": 3})
    assert not Order.objects.exists()
    assert Part.objects.count() == 3
    assert all("测试".encode() not in bytes(part.content) for part in Part.objects.all())


def test_a_bad_waiting_line_is_rejected_at_once(run, tmp_path):
    export = read_export(LINES)
    export.rows[3][export.header.index("购买数量")] = "-1"

    result = run(export.written(tmp_path / LINES))

    assert (result["accepted"], result["rejected"], result["documents"]) == (3, 1, {"waiting": 2})
    assert Part.objects.count() == 2


def test_a_dry_run_keeps_no_parts(run):
    result = run(FOLDER / LINES, is_dry_run=True)

    assert result["documents"] == {"waiting": 3}
    assert not Part.objects.exists()


@pytest.mark.parametrize(
    ("name", "older", "column", "value"),
    [
        (HEAD, "ExportOrderList202403021200.csv", "商家备忘", "早先的备忘"),
        ("douyin-74.csv", "抖店订单_202403021200.csv", "商家备注", "早先的备注"),
        ("pinduoduo-27.csv", "orders_export20240302120000.csv", "商家备注", "早先的备注"),
    ],
)
def test_an_older_export_after_a_newer_one_changes_nothing(run, tmp_path, name, older, column, value):
    export = read_export(name)
    newer = export.written(tmp_path / (name if name == HEAD else older.replace("20240302", "20240305")))
    run(newer)
    before = state()
    for row in export.rows:
        row[export.header.index(column)] = value

    result = run(export.written(tmp_path / older))

    assert (result["accepted"], result["rejected"], result["unchanged"]) == (0, 0, result["rows"])
    assert set(result["documents"]) == {"stale"}
    assert state() == before


def test_a_newer_export_after_an_older_one_moves_the_order_on(run, tmp_path):
    export = read_export(HEAD)
    export.rows[2][export.header.index("订单状态")] = "买家已付款，等待卖家发货"
    run(FOLDER / HEAD)

    result = run(export.written(tmp_path / "ExportOrderList202403061200.csv"))

    assert result["documents"] == {"unchanged": 2, "updated": 1}
    assert Order.objects.get(external_id="3812345678901234569").status == "paid"


def test_masks_of_a_later_export_leave_what_is_known(run, tmp_path):
    export = read_export(HEAD)
    run(FOLDER / HEAD)
    before = state()
    for header, value in (("收货人姓名", "虚**"), ("联系手机", "186****0001"), ("买家会员名", "测**")):
        export.rows[0][export.header.index(header)] = value

    run(export.written(tmp_path / "ExportOrderList202403061200.csv"))

    [recipient, phone, address] = json.loads(state()["orders"][0][-1])
    assert (recipient, phone, address) == tuple(json.loads(before["orders"][0][-1]))
    assert Customer.objects.count() == 2


def test_one_workbook_of_wangdiantong_goes_to_the_shops_it_names(run):
    save_channel(ChannelSpec("tmall", "天猫", "Tmall"), actor=ACTOR, now=NOW)
    save_shop(ShopSpec("tm-1", "tmall", "测试旗舰店"), actor=ACTOR, now=NOW)

    result = run(FOLDER / "wangdiantong.xlsx", "")

    assert (result["accepted"], result["rejected"]) == (3, 0)
    assert list(Order.objects.order_by("external_id").values_list("shop__code", "goods_minor", "status")) == [
        ("tm-1", 11880, "dispatched"),
        ("tm-1", 2000, "cancelled"),
    ]


def test_customers_of_shopify_are_people_once(run):
    first = run(FOLDER / "shopify-customers.csv", "")
    run(FOLDER / "shopify-79.csv", "shopify")
    again = run(FOLDER / "shopify-customers.csv", "")

    assert (first["accepted"], first["rejected"]) == (2, 1)
    assert (again["unchanged"], again["rejected"]) == (2, 1)
    assert Customer.objects.count() == 2
    assert vault.open_sealed(Customer.objects.get(city="Springfield").name_sealed) == "Fictional One"
    assert Order.objects.get(external_id="#1001").customer == Customer.objects.get(city="Springfield")


BIG = """
import pathlib, resource, sys, time
import django
django.setup()
from tests.support.taking import SHOP
from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.engine.documents import Assembler
from tongpan.connectors.staging import Staging

path, folder = map(pathlib.Path, sys.argv[1:])
opened = open_path(path, is_quick=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.monotonic()
with Staging(opened.mapping, opened.sources, folder) as staging:
    staging.load()
    assembler = Assembler(opened.mapping, {"rows": staging.layout("rows")}, lambda code: SHOP, SHOP.code)
    orders = amount = 0
    for group in staging.groups():
        for prepared in assembler.assemble(group).documents:
            orders, amount = orders + 1, amount + prepared.amount
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(orders, amount, grown >> 10, round(time.monotonic() - began, 1))
"""


def test_an_export_of_more_than_60_megabytes_is_read_in_bounded_memory(tmp_path):
    export = read_export("pinduoduo-82.csv")
    first = export.written(tmp_path / "first.csv").read_bytes().decode("gb18030")
    header, row, _, _ = first.split("\r\n")
    count = 64_000_000 // len(row.encode("gb18030")) + 1
    path = tmp_path / "orders.csv"
    with path.open("w", encoding="gb18030", newline="") as stream:
        stream.write(header + "\r\n")
        for number in range(count):
            stream.write(row.replace("240301-000000000000001", f"240301-{number:015d}") + "\r\n")
    assert path.stat().st_size > 60_000_000

    told = subprocess.run(
        [sys.executable, "-c", BIG, str(path), str(tmp_path / "staging")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    orders, amount, grown, _ = told.stdout.split()
    assert (int(orders), int(amount)) == (count, count * 3750)
    assert int(grown) < 400, "megabytes of memory"
