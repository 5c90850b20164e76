"""An import takes the good rows, gives the bad ones back, counts every row once, and can be repeated."""

import csv
import gzip
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import OperationalError
from tests.support.company import NOW
from tests.support.database import row_counts

from tongpan.channels.models import Channel, Shop
from tongpan.connectors.actions import NewShop, import_path
from tongpan.connectors.actions import posting as posting_module
from tongpan.connectors.models import Import
from tongpan.core.errors import Refusal
from tongpan.customers.models import Customer
from tongpan.inventory.models import Level, StockDocument
from tongpan.inventory.queries import reconcile
from tongpan.network.models import Service
from tongpan.orders.models import Correction, Order, OrderLine, Return

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD = (
    "1,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"
    "1,POST,POSTAGE,1,2010-12-01 08:26:00,18,17850,United Kingdom\n"
    "1,22423,found,5,2010-12-01 08:26:00,0,17850,United Kingdom\n"
    "2,85123a,HOLDER,1,2010-12-01 09:00:00,2.555,,France\n"
    "C3,85123A,HOLDER,-2,2010-12-02 09:00:00,2.55,17850,United Kingdom\n"
    "A4,B,Adjust bad debt,1,2010-12-03 09:00:00,-110.5,,United Kingdom\n"
)
FIGURES = {
    "sale": {"rows": 3, "documents": 2, "lines": 3, "goods_lines": 2, "amount": "35.86", "goods_amount": "17.86"},
    "return": {"rows": 1, "documents": 1, "lines": 1, "goods_lines": 1, "amount": "-5.10", "goods_amount": "-5.10"},
    "adjustment": {"rows": 1, "documents": 1, "lines": 1, "goods_lines": 0, "amount": "0.00", "goods_amount": "0.00"},
    "correction": {
        "rows": 1,
        "documents": 1,
        "lines": 1,
        "goods_lines": 0,
        "amount": "-110.50",
        "goods_amount": "0.00",
    },
    "charges": {"rows": 1, "amount": "18.00"},
}


def counts(result) -> tuple[int, int, int, int]:
    return result["rows"], result["accepted"], result["rejected"], result["unchanged"]


def changed_since(before: dict[str, int]) -> set[str]:
    """The tables whose number of rows is no longer that of ``before``."""
    after = row_counts()
    return {name for name in {*before, *after} if after.get(name, 0) != before.get(name, 0)}


def rejected(result) -> list[dict[str, str]]:
    with Path(result["errors_file"]).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_is_stored_where_it_belongs(run, write):
    result = run(write("lines.csv", HEADER + GOOD))

    assert counts(result) == (6, 6, 0, 0)
    assert result["classes"] == FIGURES
    assert result["errors_file"] is None
    assert result["created"] == ["channel shop-1", "shop shop-1", "node shop-1"]
    assert (result["format"], result["encoding"], result["files"]) == ("uci", "utf-8", {"lines.csv": 6})
    assert list(Order.objects.order_by("external_id").values_list("external_id", "total_minor", "currency")) == [
        ("1", 3330, "GBP"),
        ("2", 256, "GBP"),
    ]
    assert Return.objects.get().total_minor == -510
    assert Correction.objects.get().amount_minor == -11050
    assert Customer.objects.count() == 1
    assert dict(Level.objects.values_list("sku__code", "on_hand")) == {"22423": 5, "85123A": 2}
    assert reconcile().differences == []


def test_a_shop_that_is_not_there_is_made_with_a_channel_and_a_node(run, write):
    run(write("lines.csv", HEADER + GOOD), "gifts", new_shop=NewShop(channel="web", currency="EUR"))

    shop = Shop.objects.select_related("channel").get()
    assert (shop.code, shop.channel.code, shop.channel.currency, shop.channel.zone) == (
        "gifts",
        "web",
        "EUR",
        "Europe/London",
    )
    assert list(Service.objects.values_list("shop__code", "node__code", "takes_returns")) == [("gifts", "gifts", True)]


def test_a_second_run_changes_nothing_and_reports_the_same_classes(run, write):
    path = write("lines.csv", HEADER + GOOD)
    run(path)
    before = row_counts()

    again = run(path)

    assert counts(again) == (6, 0, 0, 6)
    assert again["classes"] == FIGURES
    assert again["created"] == []
    assert changed_since(before) == {"connectors_import"}


def test_the_same_rows_under_another_name_and_in_another_encoding_are_the_same(run, write):
    run(write("lines.csv", HEADER + GOOD))

    again = run(write("copy.txt", (HEADER + GOOD).replace(",", "\t"), "utf-16"))

    assert counts(again) == (6, 0, 0, 6)


def test_a_dry_run_tells_all_and_stores_nothing(run, write):
    path = write("lines.csv", HEADER + GOOD + "5,85123A,HOLDER,six,2010-12-01 08:26:00,2.55,,UK\n")
    before = row_counts()

    result = run(path, is_dry_run=True)

    assert counts(result) == (7, 6, 1, 0)
    assert result["classes"] == FIGURES
    assert result["dry_run"] is True
    assert result["created"] == []
    assert changed_since(before) == {"connectors_import"}
    assert Import.objects.get().is_dry_run


def test_a_dry_run_of_a_file_that_is_in_says_unchanged(run, write):
    path = write("lines.csv", HEADER + GOOD)
    run(path)

    assert counts(run(path, is_dry_run=True)) == (6, 0, 0, 6)


def test_bad_rows_come_out_in_the_layout_of_the_file_and_the_mended_file_completes_the_import(run, write):
    path = write(
        "lines.csv",
        HEADER
        + GOOD
        + '5,85123A,"HOLDER, large",six,2010-12-01 08:26:00,2.55,,UK\n'
        + "5,22423,=cmd(),1,2010-12-01 08:26:00,2.55,,UK\n"
        + "6,22423,BOWL,1,20110229,2.55,,UK\n",
    )

    result = run(path)

    assert counts(result) == (9, 6, 3, 0)
    errors = path.with_name("lines.csv.errors.csv")
    assert result["errors_file"] == str(errors)
    with errors.open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.reader(stream))
    assert table[0] == [*HEADER.strip().split(","), "line", "column", "value", "reason"]
    assert table[1] == [
        *["5", "85123A", "HOLDER, large", "six", "2010-12-01 08:26:00", "2.55", "", "UK"],
        *["8", "Quantity", "six", "is not a number"],
    ]
    assert table[2][2] == "'=cmd()"
    assert table[2][8:] == ["9", "", "", "line 8 of the same document was rejected"]
    assert table[3][8:11] == ["10", "InvoiceDate", "20110229"]

    errors.write_text(errors.read_text("utf-8-sig").replace("six", "6").replace("20110229", "20110228"), "utf-8")
    mended = run(errors)

    assert counts(mended) == (3, 3, 0, 0)
    assert mended["errors_file"] is None
    assert sorted(Order.objects.values_list("external_id", flat=True)) == ["1", "2", "5", "6"]
    assert OrderLine.objects.get(order__external_id="5", line_no=2).name == "=cmd()"


def test_a_document_that_an_action_refuses_comes_out_with_all_its_rows(run, write):
    future = (NOW + timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S")
    result = run(
        write(
            "lines.csv",
            f"{HEADER}{GOOD}9,85123A,HOLDER,6,{future},2.55,,UK\n9,22423,BOWL,1,{future},1,,UK\n",
        )
    )

    assert counts(result) == (8, 6, 2, 0)
    assert result["documents"] == {"accepted": 5, "refused": 1}
    assert ["in the future" in row["reason"] for row in rejected(result)] == [True, True]


def test_error_files_go_to_the_data_directory_where_the_folder_takes_none(run, write, monkeypatch):
    path = write("lines.csv", HEADER + "5,85123A,HOLDER,six,2010-12-01 08:26:00,2.55,,UK\n")
    opened = Path.open

    def guarded(self, mode="r", *arguments, **named):
        if "w" in mode and self.parent == path.parent:
            raise PermissionError(13, "Permission denied")
        return opened(self, mode, *arguments, **named)

    monkeypatch.setattr(Path, "open", guarded)

    result = run(path)

    assert result["errors_file"].endswith("errors/lines.csv.errors.csv")
    assert Path(result["errors_file"]).exists()
    assert not path.with_name("lines.csv.errors.csv").exists()


def test_what_is_committed_stays_when_an_import_breaks_and_a_repeat_completes_the_rest(run, write, monkeypatch):
    monkeypatch.setattr(posting_module, "BATCH_DOCUMENTS", 2)
    path = write("lines.csv", HEADER + "".join(f"{n},A,N,1,2010-12-01 08:26:00,1,,UK\n" for n in range(1, 8)))
    calls = []
    accept = posting_module.accept

    def breaks(docs, **more):
        calls.append(len(docs))
        if len(calls) == 3:
            raise OperationalError("the server went away")
        return accept(docs, **more)

    monkeypatch.setattr(posting_module, "accept", breaks)
    with pytest.raises(OperationalError):
        run(path)

    assert Order.objects.count() == 4
    assert Import.objects.get().status == "failed"
    assert "the server went away" in Import.objects.get().failure

    assert counts(run(path)) == (7, 3, 0, 4)
    assert Order.objects.count() == 7
    assert list(Import.objects.order_by("id").values_list("status", flat=True)) == ["failed", "done"]


def test_an_import_is_recorded_with_its_result(run, write):
    result = run(write("lines.csv", HEADER + GOOD))

    record = Import.objects.get()
    assert (record.status, record.format, record.file_name, record.shop.code) == ("done", "uci", "lines.csv", "shop-1")
    assert (record.rows_read, record.rows_total) == (6, 6)
    assert record.result == result
    assert record.id == result["import_id"]
    assert set(Order.objects.values_list("import_id", flat=True)) == {record.id}


def test_a_format_in_another_currency_than_the_shops_is_refused(run, write, company):
    path = write("orders.csv", "订单编号,总金额,买家实际支付金额,订单创建时间\n1,5,5,2025-01-01 10:00:00\n")
    Channel.objects.filter(code="tmall").update(currency="USD")

    with pytest.raises(Refusal) as refused:
        run(path, "tm")

    assert refused.value.code == "import.currency"
    assert "in CNY, but shop tm sells in USD" in refused.value.sentence
    assert Order.objects.count() == 0


def test_rows_that_name_no_shop_need_one(run, write):
    with pytest.raises(Refusal, match="--shop CODE"):
        run(write("lines.csv", HEADER + GOOD), "")


def test_a_shop_code_that_cannot_be_is_refused_before_anything_is_written(run, write):
    before = row_counts()

    with pytest.raises(Refusal, match="cannot be the code of a"):
        run(write("lines.csv", HEADER + GOOD), "no good code!")

    assert changed_since(before) == {"connectors_import"}
    assert Import.objects.get().status == "failed"


def test_adjustments_of_a_shop_without_a_node_come_out_and_the_rest_goes_in(run, write, company):
    Service.objects.filter(shop__code="tm").delete()
    text = HEADER + "1,A,found,5,2010-12-01 08:26:00,0,,UK\n2,A,HOLDER,1,2010-12-01 08:26:00,2,,UK\n"

    result = run(write("lines.csv", text), "tm")

    assert counts(result) == (2, 1, 1, 0)
    assert "no node serves shop tm" in rejected(result)[0]["reason"]
    assert StockDocument.objects.count() == 0


def test_progress_is_told_from_the_first_byte_to_the_last_row(write, db):
    told = []
    path = write("lines.csv", HEADER + GOOD)

    import_path(path, shop_code="s", actor="test", now=NOW, progress=lambda *step: told.append(step))

    assert told[0][0] == "reading"
    assert told[-1] == ("importing", 6, 6)
    assert ("reading", path.stat().st_size, path.stat().st_size) in told


def test_amounts_are_exact_at_the_half_cent(run, write):
    prices = ["1.005", "2.675", "0.125", "1.115", "10.075"]
    rows = "".join(f"{n},A{n},N,1,2010-12-01 08:26:00,{price},,UK\n" for n, price in enumerate(prices))

    run(write("lines.csv", HEADER + rows))

    stored = Order.objects.order_by("external_id").values_list("total_minor", flat=True)
    assert [Decimal(minor) / 100 for minor in stored] == [Decimal(x) for x in ("1.01", "2.68", "0.13", "1.12", "10.08")]


def test_a_new_shop_sells_in_the_currency_that_the_file_names(run, write):
    text = "order,placed_at,sku,qty,amount,currency\n1,2025-01-01 10:00,A,1,5.00,USD\n"

    result = run(write("lines.csv", text), "web-us")

    assert counts(result) == (1, 1, 0, 0)
    assert Channel.objects.get().currency == "USD"


@pytest.mark.parametrize("name", ["klingon", "base64", "idna", "undefined", "hex", "\x00"])
def test_what_is_no_encoding_for_files_is_refused(run, write, name):
    with pytest.raises(Refusal, match="is no known encoding"):
        run(write("lines.csv", HEADER + GOOD), encoding=name)


def test_an_encoding_that_is_asked_for_is_used(run, write):
    row = "1,85123A,NAÏVE CAFÉ,6,2010-12-01 08:26:00,2.55,17850,UK\n"

    run(write("lines.csv", HEADER + row, "cp1252"), encoding="cp1252")

    assert OrderLine.objects.get().name == "NAÏVE CAFÉ"


def test_a_cut_off_archive_gives_its_good_rows_and_says_so(run, write):
    body = HEADER + "".join(f"{n},85123A,{n * 7919},6,2010-12-01 08:26:00,2.55,,UK\n" for n in range(9000))
    packed = gzip.compress(body.encode())

    result = run(write("lines.csv.gz", packed[: len(packed) // 2]))

    assert 100 < result["accepted"] < 9000
    assert result["warnings"] == ["lines.csv.gz is damaged or cut off; what could be unpacked before that is in."]
