"""Settlement files: entries of the shop's account, booked once, beside the orders that they belong to."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction
from tests.support.company import ACTOR, NOW
from tests.support.platforms import FOLDER

from tongpan.connectors.actions import import_path
from tongpan.core.bulk import execute
from tongpan.core.errors import Refusal
from tongpan.orders.models import Discount, LedgerEntry, Order
from tongpan.orders.queries import entries_of

ORDERS, SETTLED = FOLDER / "douyin-74.csv", FOLDER / "douyin-settlement.csv"
NUMBER = "6920000000000000001"


def shares() -> list[tuple[str, str, int]]:
    rows = Discount.objects.filter(order__external_id=NUMBER).order_by("code", "payer", "amount_minor")
    return list(rows.values_list("payer", "code", "amount_minor"))


def test_entries_are_booked_once_with_everything_their_file_says(run):
    run(ORDERS, "dy")

    first, again = run(SETTLED, "dy"), run(SETTLED, "dy")

    assert (first["accepted"], first["rejected"], first["records"]) == (3, 0, {"ledger": 3})
    assert (again["unchanged"], again["accepted"]) == (3, 0)
    sale, fee, _ = LedgerEntry.objects.order_by("number")
    assert (sale.number, sale.order_number, sale.line_key) == ("7100000000000000001", NUMBER, "6920000000000000011")
    assert (sale.occurred_at, sale.amount_minor, sale.currency) == (datetime(2024, 3, 10, 2, tzinfo=UTC), 8100, "CNY")
    assert sale.parts == {"goods": 7500, "platform": 1200, "bank": 300, "platform_fee": -450, "commission": -450}
    assert sale.more["商品名称"] == "测试面霜"
    assert (fee.amount_minor, fee.note) == (-240, "保费")
    assert [entry.number for entry in entries_of(Order.objects.get(external_id=NUMBER))] == [sale.number, fee.number]


def test_payers_that_the_order_names_are_not_counted_twice(run):
    run(ORDERS, "dy")
    before = shares()
    assert "platform" in {payer for payer, _, _ in before}

    run(SETTLED, "dy")

    assert [share for share in shares() if share[1] != "#ledger"] == before
    assert [share for share in shares() if share[1] == "#ledger"] == [("bank", "#ledger", 300)]


def test_a_copy_of_the_order_that_comes_later_doubles_nothing(run):
    run(ORDERS, "dy")
    Discount.objects.all().delete()
    run(SETTLED, "dy")
    assert [payer for payer, _, _ in shares()] == ["bank", "platform"]
    Order.objects.update(digest=b"x", version=None)

    run(ORDERS, "dy")

    assert [(payer, code) for payer, code, _ in shares() if payer in ("bank", "platform") and code] == [
        ("bank", "#ledger")
    ]
    assert "platform" in {payer for payer, code, _ in shares() if not code}


def test_entries_need_a_shop_and_may_be_of_no_order_that_is_known(run):
    with pytest.raises(Refusal, match="name no shop"):
        import_path(SETTLED, actor=ACTOR, now=NOW)
    assert not LedgerEntry.objects.exists()
    run(FOLDER / "wechat-shop-57.csv", "wx")

    taken = run(FOLDER / "wechat-settlement.csv", "wx")

    assert taken["accepted"] == 2
    assert list(LedgerEntry.objects.order_by("number").values_list("amount_minor", "balance_minor", "scene")) == [
        (15000, 15000, "订单收入"),
        (-90, 14910, "技术服务费"),
    ]


def test_an_entry_that_says_something_else_is_refused_and_nothing_is_edited(run, tmp_path):
    run(ORDERS, "dy")
    run(SETTLED, "dy")
    other = tmp_path / "again.csv"
    other.write_bytes(SETTLED.read_bytes().replace(b"81.00", b"82.00"))

    again = run(other, "dy")

    assert (again["rejected"], again["unchanged"]) == (1, 2)
    assert LedgerEntry.objects.get(number="7100000000000000001").amount_minor == 8100
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute("UPDATE orders_ledgerentry SET amount_minor = 1", [])
