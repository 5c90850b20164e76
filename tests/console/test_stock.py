"""Stock: matrix, levels, movements, adjustments."""

from __future__ import annotations

import csv
import io
import itertools
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tongpan.inventory.matrix import fetch_movements, levels_of_sku, stock_rows
from tongpan.inventory.models import Level, Movement, StockDocument


def test_the_matrix_shows_the_pool_and_every_node(company, sign_in):
    page = sign_in().get("/stock/?q=BAG").content.decode()

    row = re.search(r"<tbody>(.*?)</tr>", page, re.S)[1]
    cells = [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
    assert cells[1:5] == [["10"], ["12"], ["2"], ["0"]], "available, on hand, allocated, held"
    assert sorted(cell[0] for cell in cells[5:]) == ["10", "2"]


def test_the_export_is_the_matrix(company, sign_in):
    text = b"".join(sign_in().get("/stock/export/?format=csv").streaming_content).decode("utf-8-sig")

    rows = {row["SKU"]: row for row in csv.DictReader(io.StringIO(text))}
    assert list(rows) == ["BAG", "CUP", "OUT"]
    assert (rows["BAG"]["On hand"], rows["BAG"]["中央仓"], rows["BAG"]["北京店"]) == ("12", "10", "2")
    assert (rows["OUT"]["Available"], rows["OUT"]["中央仓"]) == ("0", "0")


def test_one_node_can_be_chosen(company, sign_in):
    page = sign_in().get(f"/stock/?node={company.nodes['st']}").content.decode()

    assert page.count("北京店") >= 1
    assert '<th scope="col" class="num">中央仓</th>' not in page


def test_balances_of_movements_lead_to_the_level(company):
    cup, store = company.skus["CUP"], company.nodes["st"]

    rows = fetch_movements(cup, store, "saleable", 0, 50)

    level = Level.objects.get(sku_id=cup, node_id=store, bucket="saleable")
    assert rows[0].balance == level.on_hand
    assert rows[-1].balance == rows[-1].movement.on_hand_delta == 5
    for newer, older in itertools.pairwise(rows):
        assert newer.balance - newer.movement.on_hand_delta == older.balance


def test_a_later_page_of_movements_continues_the_balances(company):
    cup, store = company.skus["CUP"], company.nodes["st"]
    whole = fetch_movements(cup, store, "saleable", 0, 50)

    assert fetch_movements(cup, store, "saleable", 1, 50) == whole[1:]
    assert fetch_movements(cup, store, "saleable", len(whole), 50) == []


def test_damaged_goods_are_apart(company, sign_in):
    client = sign_in()
    assert [(level.node.code, level.bucket, level.on_hand) for level in levels_of_sku(company.skus["BAG"])] == [
        ("st", "damaged", 3),
        ("wh", "saleable", 10),
        ("st", "saleable", 2),
    ]

    page = client.get(f"/stock/sku/BAG/?node={company.nodes['st']}&bucket=damaged").content.decode()
    assert "Damaged" in page


@pytest.mark.parametrize("query", ["node=abc", "node=999999", "bucket=eaten", "page=77"])
def test_odd_addresses_of_a_sku_show_all_movements(company, sign_in, query):
    assert sign_in().get(f"/stock/sku/BAG/?{query}").status_code == 200


def test_an_unknown_sku_is_not_found(company, sign_in):
    client = sign_in()

    assert client.get("/stock/sku/NOPE/").status_code == 404
    assert client.get("/goods/sku/NOPE/").status_code == 404


def test_an_adjustment_books_a_movement_with_name_and_reason(company, sign_in):
    client = sign_in("store")
    form = {"key": uuid.uuid4(), "sku": "CUP", "node": company.nodes["st"], "kind": "adjustment", "qty": "-2"}

    answer = client.post("/stock/adjust/", {**form, "bucket": "saleable", "reason": "fell down"})

    assert answer["Location"] == "/stock/sku/CUP/"
    document = StockDocument.objects.get(source="console")
    assert (document.kind, document.actor, document.reason) == ("adjustment", "user:store", "fell down")
    assert Movement.objects.filter(kind="adjusted", on_hand_delta=-2, actor="user:store").count() == 1


def test_sending_the_same_form_twice_books_once(company, sign_in):
    client = sign_in("store")
    form = {"key": uuid.uuid4(), "sku": "CUP", "node": company.nodes["st"], "kind": "adjustment", "qty": "2"}
    before = Level.objects.get(sku__code="CUP", node__code="st").on_hand

    for _ in range(2):
        client.post("/stock/adjust/", {**form, "bucket": "saleable", "reason": "found"})

    assert Level.objects.get(sku__code="CUP", node__code="st").on_hand == before + 2


def test_a_count_replaces_the_book(company, sign_in):
    form = {"key": uuid.uuid4(), "sku": "BAG", "node": company.nodes["wh"], "kind": "count", "qty": "11"}

    sign_in("store").post("/stock/adjust/", {**form, "bucket": "saleable", "reason": "yearly"})

    assert Level.objects.get(sku__code="BAG", node__code="wh", bucket="saleable").on_hand == 11


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sku": "TYPO"}, "There is no SKU with this code."),
        ({"kind": "count", "qty": "-1"}, "A count cannot be negative."),
        ({"node": "999999"}, "Select a valid choice"),
        ({"qty": "99999999999"}, "less than or equal to"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_a_wrong_adjustment_books_nothing(company, sign_in, change, message):
    form = {"key": uuid.uuid4(), "sku": "CUP", "node": company.nodes["st"], "kind": "adjustment", "qty": "1"}
    before = Movement.objects.count()

    page = sign_in("store").post("/stock/adjust/", {**form, "bucket": "saleable", "reason": "found", **change})

    assert message in page.content.decode()
    assert Movement.objects.count() == before


def test_documents_list_counts_and_adjustments_with_their_change(company, sign_in):
    client = sign_in()

    page = client.get("/stock/documents/?kind=adjustment").content.decode()

    assert "broken" in page
    assert "−1" in page
    assert "open-wh" not in page
    assert "open-wh" in client.get("/stock/documents/").content.decode()


def test_the_matrix_costs_the_same_statements_for_one_sku_and_for_many(company, sign_in):
    client = sign_in()
    client.get("/stock/")

    with CaptureQueriesContext(connection) as one:
        client.get("/stock/?q=BAG")
    with CaptureQueriesContext(connection) as all_of_them:
        client.get("/stock/")

    assert len(all_of_them) == len(one) <= 12


def test_a_sku_without_stock_has_an_empty_row(company):
    row = stock_rows([company.skus["OUT"]])[company.skus["OUT"]]

    assert (row.on_hand, row.available, row.cells) == (0, 0, {})
