"""The exports of the sales platforms, in every known form of their headers: fictional files, exact results."""

import random
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.platforms import EXPECTED, FOLDER, read_export, told
from tests.support.taking import SHOP

from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.actions.preview import detect
from tongpan.connectors.engine.cells import header_key
from tongpan.connectors.formats import format_named, packaged
from tongpan.connectors.reading.containers import members_of
from tongpan.connectors.reading.source import open_source
from tongpan.core.errors import Refusal
from tongpan.orders.engine import BuyerDoc, InvoiceDoc, ShipTo

ALL = sorted(EXPECTED)
DELIMITED = [name for name in ALL if name.endswith((".csv", ".txt"))]
HEADS = [name for name in ALL if name.startswith("ExportOrderList")]


def orders(take, path, format_name=""):
    """All orders of a file as the table of expectations tells them; nothing may be rejected."""
    mapping = format_named(format_name) if format_name else None
    currency = (mapping or open_path(path).mapping).currency or "USD"
    taken = take(path, mapping, shop=replace(SHOP, currency=currency))
    assert taken.rejected == []
    return [told(doc) for doc in taken.docs]


@pytest.mark.parametrize("name", ALL)
def test_every_form_of_every_export_is_recognised_and_taken_whole(take, name):
    format_name, expected = EXPECTED[name]

    assert open_path(FOLDER / name).mapping.format == format_name
    assert orders(take, FOLDER / name) == expected


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_no_file_is_mistaken_for_another_format(name):
    [member] = members_of(FOLDER / name)
    fitting = []
    for mapping in packaged().values():
        match = open_source(member, [mapping], is_quick=True).match
        if match.is_complete and match.positions and not match.unlike:
            fitting.append(mapping.format)

    assert len(fitting) == 1


@pytest.mark.parametrize("name", DELIMITED)
def test_columns_in_another_order_with_one_more_say_the_same(take, name, tmp_path):
    shuffled = read_export(name).with_columns(lambda places: random.Random(7).sample(places, len(places)))

    path = shuffled.with_extra(3, "某个新列", "x").written(tmp_path / name)

    assert open_path(path).mapping.format == EXPECTED[name][0]
    assert orders(take, path) == EXPECTED[name][1]


@pytest.mark.parametrize("name", DELIMITED)
def test_columns_that_say_nothing_and_any_other_one_may_be_missing_or_its_absence_is_named(take, name, tmp_path):
    format_name, expected = EXPECTED[name]
    export = read_export(name)
    mapping = format_named(format_name)
    main = mapping.tables[open_path(FOLDER / name).main]
    needed = {
        header_key(spelling): column.header
        for column in main.columns.values()
        if not column.optional
        for spelling in column.header
    }
    mapped = {header_key(spelling) for column in main.columns.values() for spelling in column.header}
    strange = {place for place, header in enumerate(export.header) if header_key(header) not in mapped}
    without = export.with_columns(lambda places: [p for p in places if p not in strange]).written(tmp_path / name)
    assert orders(take, without, format_name) == expected
    for place, header in enumerate(export.header):
        if place in strange:
            continue
        path = export.with_columns(lambda places, gone=place: [p for p in places if p != gone]).written(tmp_path / name)
        spellings = needed.get(header_key(header), ())
        if spellings and sum(header_key(h) in map(header_key, spellings) for h in export.header) == 1:
            with pytest.raises(Refusal) as refused:
                open_path(path, mapping)
            assert header.strip() in refused.value.sentence
        else:
            taken = orders(take, path, format_name)
            assert [order[0] for order in taken] == [order[0] for order in expected], header


@pytest.mark.parametrize("name", DELIMITED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_does_not_count(take, name, encoding, tmp_path):
    export = replace(read_export(name), encoding=encoding)

    assert orders(take, export.written(tmp_path / name)) == EXPECTED[name][1]


@pytest.mark.parametrize("name", [name for name in DELIMITED if not name.startswith(("shopify", "amazon-summary"))])
def test_rows_in_another_order_say_the_same(take, name, tmp_path):
    export = read_export(name)
    random.Random(3).shuffle(export.rows)
    alike = lambda order: (*order[:6], sorted(order[6]), sorted(s[:2] for s in order[7]), order[8])  # noqa: E731

    taken = orders(take, export.written(tmp_path / name))

    if not name.startswith(("jd", "etsy")):  # where the money is spread, the odd cent may go to another line
        assert sorted(map(alike, taken)) == sorted(map(alike, EXPECTED[name][1]))
    assert sorted((*order[:6],) for order in taken) == sorted((*order[:6],) for order in EXPECTED[name][1])


def test_a_detection_says_what_it_was_made_by():
    [sentence] = detect(FOLDER / "douyin-74.csv").why

    assert sentence.startswith("It has every column that douyin-orders needs (主订单编号, 子订单编号, 选购商品, ")
    assert sentence.endswith("Only this format has 主订单编号, 子订单编号.")


@pytest.mark.parametrize("name", ["douyin-settlement.csv", "wechat-settlement.csv"])
def test_a_settlement_file_is_not_mistaken_for_orders(name):
    assert open_path(FOLDER / name).mapping.format == name.removesuffix(".csv")


@pytest.mark.parametrize("name", HEADS)
def test_a_taobao_head_says_who_where_and_why(take, name):
    paid, closed, unpaid = take(FOLDER / name).docs

    assert paid.placed_at == datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
    assert paid.seller_note == "第一行\n第二行"
    assert [doc.tags for doc in (paid, unpaid)] == [(), ()]
    assert closed.tags == (() if "2014" in name else ("未发货退款",))
    assert closed.buyer is None
    if "2026" not in name:
        assert paid.buyer == BuyerDoc("member", "shop-1", "测试买家甲", "虚构一")
        assert paid.ship_to == ShipTo(
            "浙江省",
            "杭州市",
            recipient="虚构一",
            phone="18600000001",
            address="浙江省 杭州市 西湖区 虚构路1号(310000)",
        )
        assert paid.invoice == InvoiceDoc(title="虚构科技有限公司")
        assert paid.buyer_note == "请放门口"
        assert closed.ship_to == ShipTo("上海", "上海市")


def test_ciphertext_and_masks_of_douyin_are_no_names(take):
    for doc in take(FOLDER / "douyin-74.csv").docs:
        assert doc.buyer is None
        assert (doc.ship_to.recipient, doc.ship_to.phone, doc.ship_to.address) == ("", "", "")
        assert (doc.ship_to.province, doc.ship_to.city) == ("广东省", "广州市")


def test_sub_orders_in_one_row_are_the_same_order_as_in_rows_of_their_own(take):
    combined, apart = (take(FOLDER / name).docs for name in ("douyin-combined.csv", "douyin-74.csv"))

    assert [replace(doc, raw=b"") for doc in combined] == [replace(doc, raw=b"") for doc in apart]


def test_a_combined_row_with_too_few_parts_is_rejected(take, tmp_path):
    export = read_export("douyin-combined.csv")
    export.rows[0][export.header.index("订单应付金额")] = "136.00"

    taken = take(export.written(tmp_path / "douyin.csv"))

    assert [doc.external_id for doc in taken.docs] == ["6920000000000000002"]
    assert "holds 1 parts, but the row has 2 lines" in taken.reasons[2]


def test_a_douyin_order_has_left_when_all_its_parts_have(take, tmp_path):
    export = read_export("douyin-74.csv")
    for header, value in (("发货时间", "-"), ("订单状态", "待发货"), ("订单完成时间", "-")):
        export.rows[1][export.header.index(header)] = value

    first, _ = take(export.written(tmp_path / "douyin.csv")).docs

    assert (first.dispatched_at, first.is_shipped, first.completed_at) == (None, False, None)
    assert first.paid_at is not None


def test_the_day_of_a_pinduoduo_order_comes_from_its_number_when_no_time_is_given(take):
    _, second = take(FOLDER / "pinduoduo-23.csv").docs

    assert second.placed_at == datetime(2024, 3, 1, 16, 0, tzinfo=UTC)
    assert (second.seller_note, second.tags) == ("补发", ("退款成功",))


def test_a_number_that_a_spreadsheet_has_rounded_is_refused_with_a_sentence(take, tmp_path):
    export = read_export("ExportOrderList202403051200.csv")
    export.rows[0][0] = "3.81235E+18"

    taken = take(export.written(tmp_path / "ExportOrderList202403051200.csv"))

    assert len(taken.docs) == 2
    assert taken.reasons == {2: "订单编号: a spreadsheet has rounded this number; export the file again as text"}


def test_bad_rows_of_a_till_are_rejected_each_with_its_reason(take):
    taken = take(FOLDER / "supermarket-pos-bad.csv")

    assert [doc.external_id for doc in taken.docs] == ["1001-20150101"]
    assert taken.reasons == {
        3: "销售日期: is a day or time that does not exist",
        4: "销售数量: a quantity sold must be above zero",
        5: "销售数量: is not a number",
    }


def test_numbers_of_json_keep_all_their_digits(take):
    first, _ = take(FOLDER / "woocommerce.json", shop=replace(SHOP, currency="USD")).docs

    assert first.external_id == "9007199254740993"
    assert first.version == datetime(2025, 3, 5, 18, 0, tzinfo=UTC)
    assert [(line.kind, line.code, line.amount_minor) for line in first.lines] == [
        ("goods", "MUG-W", 5400),
        ("charge", "FEE", 300),
        ("goods", "22-23", 3600),
        ("charge", "SHIPPING", 500),
        ("charge", "TAX", 760),
    ]
    assert first.tags == ("save10",)


@pytest.mark.parametrize("shape", ["lines", "wrapped"])
def test_json_may_be_lines_or_wrapped(take, shape, tmp_path):
    import json

    given = json.loads((FOLDER / "woocommerce.json").read_text("utf-8"), parse_int=str)
    for order in given:
        order["id"] = int(order["id"])
    path = tmp_path / "orders.json"
    path.write_text(
        "\n".join(map(json.dumps, given)) if shape == "lines" else json.dumps({"orders": given}), encoding="utf-8"
    )

    assert orders(take, path) == EXPECTED["woocommerce.json"][1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"id": 1}, nonsense]', "what stands after object 1 is none"),
        ('[{"id": 1', "what stands after object 0 is none"),
    ],
)
def test_broken_json_is_refused(text, reason, write):
    with pytest.raises(Refusal, match=reason):
        open_path(write("orders.json", text))


def test_an_export_in_a_zip_with_a_password_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "orders.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(FOLDER / "douyin-74.csv", "douyin-74.csv")
    packed = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + place] |= 1
    path.write_bytes(packed)

    with pytest.raises(Refusal, match="protected by a password; give it, or unpack"):
        open_path(path)


def test_an_export_in_a_zip_is_read(take, tmp_path):
    path = tmp_path / "orders.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(FOLDER / "douyin-74.csv", "douyin-74.csv")

    assert orders(take, path) == EXPECTED["douyin-74.csv"][1]
