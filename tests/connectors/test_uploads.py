"""An uploaded file is kept, looked at, planned, and run in the background; a second run completes the first."""

import pytest
from tests.support.company import NOW

from tongpan.connectors.actions import (
    detect,
    discard_upload,
    plan_upload,
    preview,
    run_import,
    store_upload,
    upload_path,
)
from tongpan.connectors.jobs import run_stored_import, start_upload
from tongpan.connectors.models import Import
from tongpan.connectors.queries import errors_path, get_import, list_imports
from tongpan.core.bulk import fetch_all
from tongpan.core.config import load_config
from tongpan.core.errors import Refusal
from tongpan.orders.models import Order

pytestmark = pytest.mark.django_db
HEADER = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD = b"1,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850,UK\n"
BAD = b"2,85123A,HOLDER,six,2010-12-01 08:26:00,2.55,17850,UK\n"


def upload(*chunks: bytes, name: str = "lines.csv") -> int:
    return store_upload(name, chunks, actor="user:ann", now=NOW)


def test_an_upload_is_kept_under_a_name_without_surprises():
    import_id = upload(HEADER, GOOD, name="../../etc/pass\\wd 订单 (1).csv")

    path = upload_path(import_id)
    assert path == load_config().uploads_dir / str(import_id) / "wd 订单 (1).csv"
    assert path.read_bytes() == HEADER + GOOD
    assert get_import(import_id).status == "waiting"


@pytest.mark.parametrize("name", ["", "..", "/", "\x00", "a" * 500])
def test_any_name_finds_a_place(name):
    path = upload_path(upload(HEADER, name=name))

    assert path.is_relative_to(load_config().uploads_dir)
    assert path.is_file()


def test_an_empty_upload_is_refused_and_leaves_nothing():
    with pytest.raises(Refusal, match="is empty"):
        upload(b"")

    assert Import.objects.count() == 0


def test_a_file_is_recognised_before_it_is_imported(write):
    found = detect(write("lines.csv", HEADER + GOOD))

    assert (found.format, found.title_en, found.encoding, found.header_line) == ("uci", "UCI Online Retail", "utf-8", 1)
    assert found.columns["StockCode"] == "code"
    assert found.needs_shop


def test_a_preview_shows_rows_documents_and_problems(write):
    seen = preview(write("lines.csv", HEADER + GOOD + BAD), shop_code="gifts", limit=5)

    assert seen.headers[0] == "InvoiceNo"
    assert [line for line, _ in seen.rows] == [2, 3]
    assert [(doc["class"], doc["external_id"], doc["shop_code"], doc["rows"]) for doc in seen.documents] == [
        ("sale", "1", "gifts", [2])
    ]
    assert [(p.line, p.column, p.value, p.reason) for p in seen.problems] == [(3, "Quantity", "six", "is not a number")]


def test_a_preview_of_records_shows_their_fields(write):
    seen = preview(write("stock.csv", "node,sku,qty,colour\nwh,A,5,red\nwh,B,x,red\n"))

    assert [(doc["node"], doc["code"], doc["qty"]) for doc in seen.documents] == [("wh", "A", 5)]
    assert [(p.line, p.column) for p in seen.problems] == [(3, "qty")]
    assert seen.detection.columns == {"node": "node", "sku": "sku", "qty": "qty", "colour": ""}
    assert not seen.detection.needs_shop


def test_a_preview_with_a_mapping_of_ones_own(write):
    mapping = """
        {format: mine, title: {en: M, zh: M}, about: mine, columns: {n: Nr, at: Day, total: Sum}, key: n,
         document: {external_id: n, at: at, total: total}}
    """
    seen = preview(write("own.csv", "Nr,Day,Sum\n7,2025-01-01,9.99\n"), mapping_text=mapping)

    assert [(doc["external_id"], doc["total_minor"]) for doc in seen.documents] == [("7", 999)]


def test_a_planned_upload_runs_and_its_error_file_can_be_fetched():
    import_id = upload(HEADER, GOOD, BAD)
    plan_upload(import_id, shop_code="gifts")

    result = run_import(import_id, now=NOW)

    record = get_import(import_id)
    assert (record.status, record.shop.code, result["accepted"], result["rejected"]) == ("done", "gifts", 1, 1)
    assert errors_path(record) == upload_path(import_id).with_name("lines.csv.errors.csv")
    assert [one.id for one in list_imports(10)] == [import_id]
    assert list_imports(10, before_id=import_id) == []


def test_an_import_that_is_done_is_not_run_again():
    import_id = upload(HEADER, GOOD)
    plan_upload(import_id, shop_code="gifts")
    first = run_import(import_id, now=NOW)

    assert run_import(import_id, now=NOW) == first
    with pytest.raises(Refusal, match="is not waiting"):
        plan_upload(import_id, shop_code="other")


def test_a_run_that_was_killed_is_completed_by_the_next():
    import_id = upload(HEADER, GOOD)
    plan_upload(import_id, shop_code="gifts")
    Import.objects.filter(id=import_id).update(status="running")

    assert run_import(import_id, now=NOW)["accepted"] == 1
    assert get_import(import_id).status == "done"


def test_a_plan_that_cannot_work_is_refused_at_once():
    import_id = upload(b"apples,pears\n1,2\n")

    for plan in (
        {},
        {"format_name": "uci"},
        {"format_name": "nope"},
        {"mapping_text": "x: 1"},
        {"encoding": "klingon"},
    ):
        with pytest.raises(Refusal):
            plan_upload(import_id, shop_code="gifts", **plan)
    assert get_import(import_id).status == "waiting"


def test_the_job_records_a_refusal_as_the_imports_failure():
    import_id = upload(HEADER, GOOD)
    plan_upload(import_id, shop_code="no good code!")

    run_stored_import(import_id)

    record = get_import(import_id)
    assert record.status == "failed"
    assert "cannot be the code" in record.failure
    assert Order.objects.count() == 0


def test_an_upload_is_queued_once():
    import_id = upload(HEADER, GOOD)
    plan_upload(import_id, shop_code="gifts")

    start_upload(import_id)
    start_upload(import_id)

    assert fetch_all("SELECT args->>'import_id' FROM procrastinate_jobs WHERE task_name = 'connectors.run_import'") == [
        (str(import_id),)
    ]


def test_an_upload_can_be_discarded_before_it_ran():
    import_id = upload(HEADER, GOOD)
    path = upload_path(import_id)

    discard_upload(import_id)

    assert not path.exists()
    assert get_import(import_id) is None


def test_error_files_outside_the_data_directory_are_not_given_out(run, write):
    run(write("lines.csv", HEADER + BAD))
    record = Import.objects.get()

    with pytest.raises(Refusal, match="are in "):
        errors_path(record)
    record.result = {"errors_file": None}
    with pytest.raises(Refusal, match="no rejected rows"):
        errors_path(record)
    record.result = {"errors_file": str(load_config().data_dir / ".." / "x.errors.csv")}
    with pytest.raises(Refusal):
        errors_path(record)
