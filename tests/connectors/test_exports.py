"""Tables leave as CSV, XLSX and JSON: masked, safe in a spreadsheet, and readable by the importer."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from python_calamine import CalamineWorkbook
from tests.support.company import ACTOR, DAY, NOW, charge, goods, order
from tests.support.database import rolled_back

from tongpan.access import vault
from tongpan.connectors.errorfile import safe_cell
from tongpan.connectors.exports import TABLES, Filters, rows_of, write
from tongpan.connectors.exports.writers import SHEET_ROWS
from tongpan.core.errors import Refusal
from tongpan.customers.models import Customer
from tongpan.orders.actions import accept, accept_returns
from tongpan.orders.engine import BuyerDoc, PaymentDoc, ReturnDoc, ShipTo
from tongpan.orders.models import Order, Return

pytestmark = pytest.mark.usefixtures("company")


def sell() -> None:
    """Two orders of one buyer, one anonymous order in another shop, and a return."""
    anna = BuyerDoc("buyer", "tm", "u-anna", "安娜", "浙江省", "杭州市")
    docs = [
        order(
            "1",
            goods("A", 2, 1999, name="=tea"),
            charge("POST", 800),
            buyer=anna,
            payments=[PaymentDoc(1, "alipay", 2799, NOW)],
            ship_to=ShipTo("浙江省", "杭州市", recipient="安娜", phone="13800000000", address="西湖区 1 号"),
        ),
        order("2", goods("B", 1, 500), buyer=anna, placed_at=NOW - 40 * DAY),
        order("3", shop_code="mall", lines=(), total_minor=8850),
    ]
    assert {o.state for o in accept(docs, actor=ACTOR, now=NOW)} == {"accepted"}
    back = ReturnDoc("tm", "R1", NOW - timedelta(hours=1), "CNY", (goods("A", 1, -1000),), anna, "1")
    assert [o.state for o in accept_returns([back], actor=ACTOR, now=NOW)] == ["accepted"]


@pytest.fixture
def sold(company):
    sell()


def exported(table: str, filters: Filters | None = None) -> list[dict[str, str]]:
    out = io.BytesIO()
    write(rows_of(table, filters or Filters()), TABLES[table].columns, "csv", out)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))


@pytest.mark.usefixtures("sold")
def test_orders_leave_with_decimal_amounts_and_codes():
    rows = sorted(exported("orders"), key=lambda row: row["order"])

    assert [(row["order"], row["shop"], row["total"], row["units"]) for row in rows] == [
        ("1", "tm", "27.99", "2"),
        ("2", "tm", "5.00", "1"),
        ("3", "mall", "88.50", "0"),
    ]
    assert [bool(row["customer"]) for row in rows] == [True, True, False]


@pytest.mark.usefixtures("sold")
def test_filters_of_day_channel_and_shop():
    today = NOW.date()

    assert {row["order"] for row in exported("orders", Filters(day_from=today - 30 * DAY))} == {"1", "3"}
    assert {row["order"] for row in exported("orders", Filters(day_to=today - 30 * DAY))} == {"2"}
    assert {row["order"] for row in exported("orders", Filters(channel="own"))} == {"3"}
    assert {row["order"] for row in exported("lines", Filters(shop="mall"))} == {"3"}
    assert exported("orders", Filters(date(2000, 1, 1), date(2000, 1, 2))) == []


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("table", sorted(TABLES))
def test_no_table_lets_personal_data_out(table):
    out = io.BytesIO()
    write(rows_of(table, Filters()), TABLES[table].columns, "json", out)
    text = out.getvalue().decode()

    assert json.loads(text) is not None
    for secret in ("安娜", "13800000000", "西湖区", "u-anna"):
        assert secret not in text


@pytest.mark.usefixtures("sold")
def test_customers_leave_with_masked_names():
    [row] = exported("customers")

    assert row["name"] == vault.mask("安娜")
    assert (row["orders"], row["city"]) == ("2", "杭州市")


@pytest.mark.usefixtures("sold")
def test_lines_read_back_at_home_change_nothing(run, tmp_path):
    path = tmp_path / "lines.csv"
    write(rows_of("lines", Filters()), TABLES["lines"].columns, "csv", path)
    before = list(Order.objects.order_by("id").values_list("external_id", "customer_id", "total_minor", "status"))

    result = run(path, "")

    assert result["rejected"] == 0
    assert result["classes"]["sale"]["documents"] == 3
    assert result["classes"]["return"]["amount"] == "-10.00"
    assert (
        list(Order.objects.order_by("id").values_list("external_id", "customer_id", "total_minor", "status")) == before
    )
    assert (Customer.objects.count(), Return.objects.count()) == (1, 1)


def test_lines_read_back_elsewhere_give_the_same_orders_and_the_same_buyers(run, tmp_path):
    path = tmp_path / "lines.csv"
    figures = ("external_id", "total_minor", "units", "paid_minor")
    with rolled_back():
        sell()
        write(rows_of("lines", Filters()), TABLES["lines"].columns, "csv", path)
        was = list(Order.objects.order_by("external_id").values_list(*figures))
    assert Order.objects.count() == 0

    result = run(path, "")

    assert (result["accepted"], result["rejected"]) == (result["rows"], 0)
    found = Order.objects.order_by("external_id")
    assert list(found.values_list(*figures)) == was
    buyers = list(found.values_list("customer_id", flat=True))
    assert buyers[0] == buyers[1] is not None
    assert buyers[2] is None
    assert found[0].lines.get(line_no=1).name == "=tea"
    assert Return.objects.get().order == found[0]


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("table", ["stock", "shops", "nodes", "channel-days", "lines"])
def test_what_reads_back_is_recognised_by_its_header(run, tmp_path, table):
    path = tmp_path / f"{table}.csv"
    write(rows_of(table, Filters()), TABLES[table].columns, "csv", path)

    assert run(path, "", is_dry_run=True)["format"] == TABLES[table].reads_back


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("-12.50", "-12.50"),
        ("+3", "+3"),
        ('="0012"', '="0012"'),
        ("'=x", "''=x"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_no_cell_runs_as_a_formula(cell, safe):
    assert safe_cell(cell) == safe


def test_a_workbook_holds_ids_as_text_and_numbers_as_numbers(tmp_path):
    path = tmp_path / "t.xlsx"
    rows = [["3812345678901234567", 5, 10**18, None, True, "=1+1"]]

    assert write(rows, ["id", "qty", "big", "none", "flag", "text"], "xlsx", path) == 1

    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert sheet == [
        ["id", "qty", "big", "none", "flag", "text"],
        ["3812345678901234567", 5.0, str(10**18), "", True, "=1+1"],
    ]
    assert SHEET_ROWS == 2**20 - 1


def test_an_empty_table_leaves_its_header(tmp_path):
    for name in ("csv", "xlsx", "json"):
        assert write([], ["a", "b"], name, tmp_path / f"t.{name}") == 0
    assert (tmp_path / "t.csv").read_text("utf-8-sig") == "a,b\n"
    assert json.loads((tmp_path / "t.json").read_text()) == []


def test_a_failed_export_leaves_no_half_file(tmp_path):
    def rows():
        yield [1]
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        write(rows(), ["a"], "csv", tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Refusal, match="cannot be written"):
        write([], ["a"], "csv", tmp_path / "no" / "folder" / "t.csv")


def test_an_unknown_table_is_refused():
    with pytest.raises(Refusal, match="known are orders, lines"):
        list(rows_of("secrets", Filters()))
