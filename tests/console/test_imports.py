"""Imports through the console: nothing is written before one says so, and nothing is lost."""

from __future__ import annotations

import io
import re

import pytest
import pyzipper
from django.core.files.uploadedfile import SimpleUploadedFile

from tongpan.connectors.actions import run_import
from tongpan.connectors.models import Import
from tongpan.core.clock import utc_now
from tongpan.orders.models import Order

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = (
    "700001,85123A,HEART HOLDER,6,2011-08-01 08:26:00,2.55,17850,United Kingdom\n"
    "700001,71053,LANTERN,6,2011-08-01 08:26:00,3.39,17850,United Kingdom\n"
    "700002,84406B,HANGER,abc,2011-08-01 08:28:00,2.75,17850,United Kingdom\n"
)


def upload(client, text: str, name: str = "sales.csv") -> int:
    answer = client.post("/imports/", {"file": SimpleUploadedFile(name, text.encode())})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return int(re.fullmatch(r"/imports/(\d+)/check/", answer["Location"])[1])


def run(import_id: int) -> None:
    """What the worker does."""
    run_import(import_id, now=utc_now())


@pytest.fixture
def client(sign_in, transactional_db):
    return sign_in("manager")


def test_an_upload_is_checked_before_anything_is_written(client):
    import_id = upload(client, HEAD + ROWS)

    page = client.get(f"/imports/{import_id}/check/").content.decode()

    assert 'value="uci" selected' in page
    assert "is not a number" in page
    assert "HEART HOLDER" in page
    assert "700001" in page and "£35.64" in page
    assert not Order.objects.exists()


def test_a_protected_archive_asks_for_its_password_once(client):
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"open sesame")
        archive.writestr("sales.csv", HEAD + ROWS)
    answer = client.post("/imports/", {"file": SimpleUploadedFile("sales.zip", packed.getvalue())})
    address = answer["Location"]
    import_id = int(re.fullmatch(r"/imports/(\d+)/check/", address)[1])

    assert "protected by a password" in client.get(address).content.decode()
    wrong = client.post(f"/imports/{import_id}/unlock/", {"password": "guess"}, follow=True).content.decode()
    assert "The password does not open sales.zip." in wrong

    page = client.post(f"/imports/{import_id}/unlock/", {"password": "open sesame"}, follow=True).content.decode()

    assert "HEART HOLDER" in page and "Password" not in page
    client.post(address, {"format": "uci", "shop": "uci-shop", "run": "1"})
    run(import_id)
    assert Order.objects.count() == 1
    assert "sesame" not in str(list(Import.objects.values()))


def test_a_trial_run_writes_nothing_and_the_import_after_it_does(client):
    import_id = upload(client, HEAD + ROWS)

    tried = client.post(f"/imports/{import_id}/check/", {"format": "uci", "shop": "uci-shop", "try": "1"})
    assert tried["Location"] == f"/imports/{import_id}/"
    run(import_id)
    page = client.get(f"/imports/{import_id}/").content.decode()
    assert "This was a trial run" in page
    assert not Order.objects.exists()

    again = client.post(f"/imports/{import_id}/again/")
    new_id = int(re.fullmatch(r"/imports/(\d+)/", again["Location"])[1])
    run(new_id)
    assert list(Order.objects.values_list("external_id", "shop__code", "total_minor", "import_id")) == [
        ("700001", "uci-shop", 3564, new_id)
    ]


def test_the_result_accounts_for_every_row_and_gives_the_bad_ones_back(client):
    import_id = upload(client, HEAD + ROWS)
    client.post(f"/imports/{import_id}/check/", {"format": "uci", "shop": "uci-shop", "run": "1"})
    run(import_id)

    page = client.get(f"/imports/{import_id}/").content.decode()
    figures = re.findall(r'<p class="kpi-value[^"]*">\s*([\d.,]+)', page)
    assert figures[:4] == ["3", "2", "0", "1"], "rows, accepted, unchanged, rejected"

    errors = client.get(f"/imports/{import_id}/errors/")
    text = b"".join(errors.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[1].endswith("4,Quantity,abc,is not a number")
    assert errors["Cache-Control"] == "no-store"


def test_columns_are_fitted_by_hand(client):
    import_id = upload(client, (HEAD + ROWS).replace("InvoiceNo", "单号").replace("UnitPrice", "单价"))
    refused = client.get(f"/imports/{import_id}/check/?format=uci").content.decode()
    assert "InvoiceNo or Invoice" in refused
    assert 'name="run"' not in refused, "what cannot be read cannot be started"

    chosen = {"format": "uci", "shop": "uci-shop", "column:invoice": "单号", "column:price": "单价"}
    looked = client.post(f"/imports/{import_id}/check/", {**chosen, "look": "1"})
    assert "column%3Ainvoice" in looked["Location"], "what one looks at has an address"
    assert "£35.64" in client.get(looked["Location"]).content.decode()

    client.post(f"/imports/{import_id}/check/", {**chosen, "run": "1"})
    run(import_id)
    assert Order.objects.get().total_minor == 3564


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "fits no known format"),
        ("GIF89a" + "\x00\x01\x02" * 500, "binary data"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(client, text, message):
    answer = client.post("/imports/", {"file": SimpleUploadedFile("odd.csv", text.encode())}, follow=True)

    assert message in answer.content.decode()
    assert not Order.objects.exists()


def test_a_shop_is_asked_for_where_the_rows_name_none(client):
    import_id = upload(client, HEAD + ROWS)

    client.post(f"/imports/{import_id}/check/", {"format": "uci", "run": "1"})
    with pytest.raises(Exception, match="name no shop"):
        run(import_id)

    page = client.get(f"/imports/{import_id}/").content.decode()
    assert "name no shop" in page
    assert "Check again" in page


def test_a_waiting_page_asks_for_itself_and_a_finished_one_does_not(client):
    import_id = upload(client, HEAD + ROWS)
    client.post(f"/imports/{import_id}/check/", {"format": "uci", "shop": "uci-shop", "run": "1"})
    assert 'hx-trigger="every 1s"' in client.get(f"/imports/{import_id}/").content.decode()

    run(import_id)
    assert "hx-trigger" not in client.get(f"/imports/{import_id}/").content.decode().split("<main")[1]


def test_an_upload_can_be_thrown_away_and_one_that_ran_cannot(client):
    first, second = upload(client, HEAD + ROWS), upload(client, HEAD + ROWS)
    client.post(f"/imports/{second}/check/", {"format": "uci", "shop": "uci-shop", "run": "1"})
    run(second)

    client.post(f"/imports/{first}/discard/")
    client.post(f"/imports/{second}/discard/")

    assert list(Import.objects.values_list("pk", flat=True)) == [second]


def test_a_name_with_surprises_stays_in_its_folder(client):
    import_id = upload(client, HEAD + ROWS, name="..\\..\\evil<b>.csv")

    record = Import.objects.get(pk=import_id)
    assert "/" not in record.file_name and "<" not in record.file_name


@pytest.mark.parametrize("address", ["/imports/999/", "/imports/999/check/", "/imports/999/errors/"])
def test_what_is_not_there_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_those_who_may_only_look_see_the_history_but_no_upload(client, person):
    import_id = upload(client, HEAD + ROWS)
    client.force_login(person("viewer"))

    page = client.get("/imports/").content.decode()
    assert "sales.csv" in page
    assert 'type="file"' not in page
    assert client.get(f"/imports/{import_id}/check/").status_code == 403
    client.post("/imports/", {"file": SimpleUploadedFile("x.csv", b"a,b")})
    assert Import.objects.count() == 1
