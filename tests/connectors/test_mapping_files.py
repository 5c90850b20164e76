"""A mapping file says what it means or is refused with its name, the key, and what is allowed."""

import pytest

from tongpan.connectors.formats import load_mapping, packaged, parse_mapping
from tongpan.core.errors import Refusal

SHOP = """
format: my-shop
title: {en: My shop, zh: 我的店}
about: Lines of my shop.
columns:
  number: [Order, 订单号]
  at: Date
  code: Code
  qty: Qty
  price: {header: Price, optional: true}
key: number
classes:
  - {class: return, when: {qty: {lt: 0}}}
  - {class: sale}
document:
  external_id: number
  at: {from: at, formats: ["%d/%m/%Y"]}
lines:
  code: {from: code, case: upper}
  qty: qty
  amount: {times: [qty, price]}
"""

PLATFORMS = {
    "jd-pop",
    "douyin-orders",
    "douyin-settlement",
    "pinduoduo-orders",
    "wechat-shop",
    "wechat-settlement",
    "youzan-lines",
    "wangdiantong-lines",
    "supermarket-pos",
    "shopify-orders",
    "shopify-customers",
    "woocommerce-orders",
    "woocommerce-csv",
    "amazon-orders",
    "amazon-shipments",
    "amazon-summary",
    "etsy-sales",
    "bigcommerce-orders",
}


def refusal(text: str) -> str:
    with pytest.raises(Refusal) as refused:
        parse_mapping(text, "mine.yaml")
    return refused.value.sentence


def test_the_packaged_formats_are_all_sound():
    assert set(packaged()) == {
        "uci",
        "olist",
        "tmall-orders",
        "cn-superstore",
        "tongpan-orders",
        "stock-levels",
        "channel-days",
        "door-counts",
        "price-observations",
        "goods-codes",
        "code-sightings",
        "nodes",
        "shops",
        "prices",
        "price-floors",
        "sku-costs",
        "parcels",
        "receipts",
        "tracking",
        *PLATFORMS,
    }


def test_a_mapping_of_ones_own_is_read(write):
    mapping = load_mapping(write("mine.yaml", "\ufeff" + SHOP))

    assert mapping.is_single
    assert mapping.tables["rows"].columns["number"].header == ("Order", "订单号")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("format: my-shop", "format: My Shop", "mine.yaml: format: string should match pattern"),
        ("lines:", "linez:", "mine.yaml: the file: 'linez' is not known here; allowed are file, signs,"),
        ("case: upper", "case: big", "mine.yaml: lines.0.code.case: input should be 'upper', 'lower'"),
        ("key: number", "key: nummer", "key: there is no column 'nummer'; known are number, at, code, qty, price"),
        ("  qty: qty\n", "  qty: count\n", "lines.qty: there is no column 'count'"),
        ("{lt: 0}", "{below: 0}", "classes.0.when: qty: 'below' is no test; allowed are is, in, not_in"),
        ("{lt: 0}", "{lt: zero}", "classes.0.when: qty: lt compares with a number, not 'zero'"),
        ("{qty: {lt: 0}}", "{quantity: {lt: 0}}", "classes.when: there is no column 'quantity'"),
        ("class: return", "class: refund", "classes.0.class: input should be 'sale', 'return', 'adjustment'"),
        ("class: return", "class: adjustment", "adjustments: needed, because a class of rows is adjustment"),
        ("  - {class: sale}", "  - {class: sale}\n  - {class: ignore}", "a rule without when takes every row"),
        ("key: number\n", "", "key: needed, the column"),
        ("key: number\n", "key: number\nduplicates: reject\n", "line_key: needed beside duplicates: reject"),
        ('formats: ["%d/%m/%Y"]', 'formats: ["dd/mm/yyyy"]', "'dd/mm/yyyy' is no notation of a date"),
        ("  amount: {times: [qty, price]}\n", "", "lines.0: a line needs amount, or qty and unit_price"),
        (
            "{times: [qty, price]}",
            "{times: [qty, price], const: 1}",
            "lines.0.amount.const: input should be a valid string",
        ),
        ("{times: [qty, price]}", '{times: [qty, price], const: "1"}', "has exactly one of: from, const, join"),
        ("{times: [qty, price]}", "{from: price, extract: '('}", "is no regular expression"),
        ("{times: [qty, price]}", "{from: price, extract: 'x'}", "exactly one group in parentheses"),
        ("{times: [qty, price]}", "{from: price, take: first}", "only fields of document may say what to take"),
        ("  external_id: number\n", "", "document.external_id: field required"),
        ("document:", "levels: {node: code, code: code, qty: qty}\ndocument:", "need a mapping of their own"),
        ("columns:", "columns: [a, b]\nignored:", "'ignored' is not known here"),
        ("title: {en: My shop, zh: 我的店}", "title: My shop", "mine.yaml: title: input should be a valid dictionary"),
        ("  at: Date\n", "  at: Date\n  at: Day\n", "line 8: this is not YAML: the key 'at' stands twice"),
        ("about: Lines", "about: [Lines", "this is not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(old, new, sentence):
    assert old in SHOP
    assert sentence in refusal(SHOP.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "just a text", "- a\n- list", "\x00", "a: !!python/object:os.system {}"])
def test_what_is_no_mapping_at_all_is_refused(text):
    assert refusal(text).startswith("mine.yaml")


def test_a_mapping_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(Refusal, match="cannot be read"):
        load_mapping(tmp_path / "nowhere.yaml")


def test_lookups_must_lead_to_columns_that_are_there():
    olist = """
format: two
title: {en: T, zh: T}
about: two tables
tables:
  orders:
    columns: {number: Order, at: Date, who: Who}
    key: number
    lookups: {person: {table: people, where: {id: who}}}
    document: {external_id: number, at: at, ship_to: {city: person.city}}
  people:
    columns: {id: Id, city: City}
"""
    assert parse_mapping(olist, "two.yaml").tables["orders"].lookups["person"].table == "people"
    assert "there is no table 'persons'" in refusal(olist.replace("table: people", "table: persons"))
    assert "has no column 'key'" in refusal(olist.replace("{id: who}", "{key: who}"))
    assert "there is no column 'whom' before it" in refusal(olist.replace("{id: who}", "{id: whom}"))
    assert "there is no column 'person.town'" in refusal(olist.replace("person.city", "person.town"))


def test_a_mapping_without_any_purpose_is_refused():
    assert "needs the section document, or one of levels" in refusal(
        "format: nil\ntitle: {en: N, zh: N}\nabout: n\ncolumns: {a: A}\n"
    )
