"""Files of prices, floors and costs: good rows count, bad rows come out, a second run changes nothing."""

import csv
import io
from pathlib import Path

import pytest
from tests.pricing.support import stock_goods

from tongpan.connectors.exports import TABLES, Filters, rows_of
from tongpan.core.bulk import fetch_all
from tongpan.pricing.models import ChangeRequest

pytestmark = pytest.mark.usefixtures("company")


def counts(result):
    return result["rows"], result["accepted"], result["rejected"], result["unchanged"]


def reasons(result):
    with Path(result["errors_file"]).open(encoding="utf-8-sig", newline="") as stream:
        return {row["line"]: row["reason"] for row in csv.DictReader(stream)}


def as_file(table):
    text = io.StringIO()
    csv.writer(text).writerows([TABLES[table].columns, *rows_of(table, Filters())])
    return text.getvalue()


def test_prices_of_a_file_are_one_request_and_are_read_back(run, write):
    stock_goods()
    text = (
        "list,sku,price,from_units\nguide,A,100.00,\ntmall,A,99,\ntmall,A,97.5,10\ntmall,B,1.001,\nno,A,1,\nown,A,80,\n"
    )

    tried = run(write("p.csv", text), "", is_dry_run=True)
    assert counts(tried) == (6, 4, 2, 0)
    assert ChangeRequest.objects.count() == 0

    result = run(write("p.csv", text), "")

    assert counts(result) == (6, 4, 2, 0)
    assert reasons(result) == {"5": "1.001 has more decimals than CNY.", "6": "There is no price list 'no'."}
    assert fetch_all("SELECT source, state FROM pricing_changerequest") == [("file", "pending")]
    again = run(write("back.csv", as_file("prices")), "")
    assert counts(again) == (3, 0, 0, 3)


def test_floors_and_costs_of_a_file(run, write):
    stock_goods()
    floors = run(write("f.csv", "sku,floor,least_net,province\nA,90,80,\nA,95,,西藏\nB,10,20,\nZ,1,,\n"), "")
    costs = run(write("c.csv", "sku,cost\nA,60\nB,-1\nC,5.5\n"), "")

    assert counts(floors) == (4, 2, 2, 0)
    assert reasons(floors)["4"] == "The floor of B: the least net price must be positive and at most the floor."
    assert fetch_all("SELECT region, floor_minor, min_net_minor FROM pricing_pricefloor ORDER BY 1") == [
        ("", 9000, 8000),
        ("西藏自治区", 9500, None),
    ]
    assert counts(costs) == (3, 2, 1, 0)
    assert [row[:2] for row in csv.reader(as_file("costs").splitlines())] == [
        ["sku", "cost"],
        ["A", "60.00"],
        ["C", "5.50"],
    ]
