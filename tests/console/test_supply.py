"""Supply: how long stock lasts, where central stock should go, turnover."""

import csv
import io
import re

import pytest

from tongpan.inventory.models import Movement


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
    "path", ["/supply/", "/supply/allocation/", "/supply/turnover/", "/supply/turnover/?by=channel"]
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
