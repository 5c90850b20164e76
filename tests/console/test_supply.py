"""Supply: how long stock lasts, where central stock should go, turnover."""

import csv
import io
import re

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, open_company, order, order_ids, put, shipped
from tests.support.intake import take

from tongpan.forecasting.demand.actions import compute_forecasts
from tongpan.fulfillment.actions import route
from tongpan.inventory.models import Movement, Replenishment, Transfer
from tongpan.network.actions import set_services


@pytest.fixture
def central_stock(db, monkeypatch):
    """A hundred units in the central warehouse of a shop that one branch serves, and 28 sold yesterday."""
    monkeypatch.setattr("tongpan.console.supply.utc_now", lambda: NOW)
    open_company()
    set_services("tm", ["sh", "hz"], actor=ACTOR, now=NOW)
    put("sh", A=100)
    take(shipped("1", goods("A", 28), dispatched_at=NOW - DAY))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)


def rows_of(page):
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)
    cells = re.compile(r"<td[^>]*>(.*?)</td>", re.S)
    found = re.findall(r"<tr>(.*?)</tr>", body[1], re.S) if body else []
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells.findall(row)] for row in found]


def test_every_sku_with_stock_says_how_long_it_lasts(company, sign_in):
    page = sign_in().get("/supply/?sort=code").content.decode()

    states = {row[0]: (row[3], row[4]) for row in rows_of(page)}
    assert {sku: free for sku, (_, free) in states.items()} == {"BAG": "10", "CUP": "2"}


def test_the_address_holds_limits_and_state(company, sign_in):
    client = sign_in()

    assert "Overstock lasts longer than 5 days" in client.get("/supply/?max_days=5").content.decode()
    assert rows_of(client.get("/supply/?state=out").content.decode()) == []
    assert [row[0] for row in rows_of(client.get("/supply/?q=CUP").content.decode())] == ["CUP"]


def test_a_limit_that_is_no_number_of_days_shows_its_error_and_the_list(company, sign_in):
    answer = sign_in().get("/supply/?max_days=-4")

    assert answer.status_code == 200
    assert rows_of(answer.content.decode())


@pytest.mark.parametrize(
    "path",
    ["/supply/", "/supply/forecast/", "/supply/allocation/", "/supply/turnover/", "/supply/turnover/?by=channel"],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens_and_changes_nothing(company, sign_in, path, language):
    before = Movement.objects.count()

    answer = sign_in(language=language).get(path)

    assert answer.status_code == 200
    assert Movement.objects.count() == before


def test_exports_hold_what_is_filtered(company, sign_in):
    text = b"".join(sign_in().get("/supply/export/?q=CUP&format=csv").streaming_content).decode("utf-8-sig")

    assert [row["SKU"] for row in csv.DictReader(io.StringIO(text))] == ["CUP"]


def test_turnover_by_node_counts_what_left(company, sign_in):
    page = sign_in().get("/supply/turnover/?days=365&sort=name").content.decode()

    assert {row[0] for row in rows_of(page)} == {"中央仓", "北京店"}


def test_people_without_stock_rights_see_none_of_it(company, sign_in, settings):
    client = sign_in("viewer")

    assert client.get("/supply/").status_code == 200
    assert client.get("/supply/export/").status_code == 403


def test_proposals_become_draft_transfers_and_move_nothing(central_stock, sign_in):
    movements = Movement.objects.count()
    client = sign_in()
    assert "Make draft transfers" in client.get("/supply/allocation/").content.decode()

    answer = client.post("/supply/allocation/accept/?q=A", follow=True)

    assert "1 draft transfer was made." in answer.content.decode()
    assert list(Transfer.objects.values_list("state", "created_by", "from_node__code")) == [
        ("draft", "user:manager", "sh")
    ]
    assert Movement.objects.count() == movements


def test_nobody_without_the_right_makes_transfers(central_stock, sign_in):
    client = sign_in("analyst")

    assert "Make draft transfers" not in client.get("/supply/allocation/").content.decode()
    assert client.post("/supply/allocation/accept/").status_code == 403
    assert Transfer.objects.count() == 0


@pytest.fixture
def expected_demand(db, monkeypatch):
    """A SKU that sold five a day for 40 days, of which 20 are there."""
    monkeypatch.setattr("tongpan.console.forecast.utc_now", lambda: NOW)
    open_company()
    put("sh", A=20)
    take(*(order(f"{n}", goods("A", 5), placed_at=NOW - n * DAY) for n in range(1, 41)))
    compute_forecasts(now=NOW)


def test_a_page_says_what_is_expected_and_what_to_order(expected_demand, sign_in):
    (row,) = rows_of(sign_in().get("/supply/forecast/?service=50").content.decode())

    assert row[0] == "A"
    assert row[2:] == ["Out before goods come", "20", "0", "70.0", "4.0", "70", "50", "0", "Steady", "0.0%"]


def test_what_the_page_shows_is_asked_of_suppliers(expected_demand, sign_in):
    answer = sign_in().post("/supply/forecast/order/?service=50", {"node": "hz"}, follow=True)

    assert "1 replenishment was proposed." in answer.content.decode()
    assert list(Replenishment.objects.values_list("node__code", "sku__code", "qty")) == [("hz", "A", 50)]


def test_only_who_may_change_stock_orders(expected_demand, sign_in):
    client = sign_in("viewer")

    assert "Propose what all of these lack" not in client.get("/supply/forecast/").content.decode()
    assert client.post("/supply/forecast/order/", {"node": "hz"}).status_code == 403
    assert Replenishment.objects.count() == 0
