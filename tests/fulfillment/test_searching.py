"""An order is found by anything it is known by, and no search reads all orders."""

import pytest
from django.db import connection
from tests.support.company import NOW, goods, order, order_ids, paid, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.fulfillment.queries import with_tracking
from tongpan.orders.actions import add_note, add_tags
from tongpan.orders.actions.contacts import index_contacts
from tongpan.orders.contacts import phone_index
from tongpan.orders.engine import BuyerDoc, ShipTo
from tongpan.orders.queries import OrderFilter, fetch_orders, select_orders

BY = {"actor": "user:li", "now": NOW}
PLACE = ShipTo("浙江省", "宁波市", 29.87, 121.54, "张 三", "+86 138-1234-5678", "中山路1号")


def found(text, **more):
    wanted = with_tracking(OrderFilter(**{"text": text, "sees_customers": True} | more))
    return [o.external_id for o in fetch_orders(wanted, "placed", 0, 50)]


def a_parcel_of(number, tracking):
    execute(
        """INSERT INTO fulfillment_shipment (fulfillment_id, carrier, tracking_number, status, shipped_at, actor)
           SELECT f.id, 'sf', %s, 'shipped', %s, 'test' FROM fulfillment_fulfillment f
           JOIN orders_order o ON o.id = f.order_id WHERE o.external_id = %s""",
        [tracking, NOW, number],
    )


@pytest.fixture
def orders(company):
    put("sh", A=9)
    take(
        paid("T-100", goods("A", 1, name="白瓷茶杯"), buyer=BuyerDoc("buyer", "tm", "tb-77"), ship_to=PLACE),
        order("T-101", goods("B", 1, name="Blue teapot"), tags=["vip"]),
        order("X-7", goods("A"), buyer_note="请放门口快递柜", seller_note="VIP, double check"),
    )
    index_contacts(order_ids(["T-100", "T-101", "X-7"]))
    add_note(order_ids(["X-7"]), "客户要求周五前送达", **BY)
    add_tags(order_ids(["X-7"]), ["gift wrap"], **BY)
    route_all("T-100")
    a_parcel_of("T-100", "SF1234567890")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("T-100", ["T-100"]),
        ("T-10", ["T-100", "T-101"]),
        ("T-101 X-7, nothing", ["T-101", "X-7"]),
        ("A", ["T-100", "X-7"]),
        ("13812345678", ["T-100"]),
        ("138 1234 5678", ["T-100"]),
        ("张三", []),
        ("张 三", ["T-100"]),
        ("tb-77", ["T-100"]),
        ("vip", ["T-101"]),
        ("gift wrap", ["X-7"]),
        ("茶杯", ["T-100", "X-7"]),
        ("blue TEAPOT", ["T-101"]),
        ("周五前", ["X-7"]),
        ("快递柜", ["X-7"]),
        ("Double CHECK", ["X-7"]),
        ("SF1234567890", ["T-100"]),
        ("nothing", []),
        ("13800000000", []),
        ("  ", ["T-100", "T-101", "X-7"]),
        ("\x00", ["T-100", "T-101", "X-7"]),
    ],
)
def test_an_order_is_found_by(orders, text, numbers):
    assert found(text) == numbers


def test_a_customer_number_finds_the_orders_of_the_customer(orders):
    ((code,),) = fetch_all("SELECT code FROM customers_customer")
    assert found(code) == ["T-100"]


@pytest.mark.parametrize("text", ["13812345678", "tb-77", "张 三"])
def test_who_may_not_see_customers_finds_no_order_by_them(orders, text):
    assert found(text, sees_customers=False) == []


def test_who_may_not_see_customers_finds_orders_by_all_else(orders):
    ((code,),) = fetch_all("SELECT code FROM customers_customer")

    assert found(code, sees_customers=False) == []
    assert found("T-100", sees_customers=False) == ["T-100"]
    assert found("快递柜", sees_customers=False) == ["X-7"]


def test_a_search_stays_within_the_other_filters(orders):
    assert found("A", status="paid") == ["T-100"]
    assert found("SF1234567890", ids=order_ids(["X-7"])) == []
    assert found("13812345678", status="cancelled") == []


def test_a_masked_phone_or_name_finds_nobody(orders):
    take(order("M-1", ship_to=ShipTo(recipient="张**", phone="138****5678", address="x")))
    index_contacts(order_ids(["M-1"]))

    assert found("138****5678") == []
    assert found("张**") == []


def a_large_base():
    """30,000 orders with what they are found by, known to the planner."""
    take(*[order(f"S-{n}", goods(f"SKU-{n}")) for n in range(500)])
    execute(
        """INSERT INTO customers_customer (code, name_sealed, province, city, first_seen_at)
           SELECT 'K' || g, '', '', '', now() FROM generate_series(1, 5000) g"""
    )
    columns = fetch_all(
        """SELECT string_agg(column_name, ', '), string_agg('o.' || column_name, ', ') FROM information_schema.columns
           WHERE table_name = 'orders_order' AND column_name NOT IN ('id', 'external_id', 'placed_at', 'customer_id')"""
    )[0]
    execute(
        f"""INSERT INTO orders_order (external_id, placed_at, customer_id, {columns[0]})
            SELECT 'N' || g, now() - make_interval(mins => g), c.id, {columns[1]}
            FROM generate_series(1, 30000) g
            CROSS JOIN (SELECT * FROM orders_order ORDER BY id LIMIT 1) o
            JOIN customers_customer c ON c.code = 'K' || (1 + mod(g, 5000))"""
    )
    execute(
        """INSERT INTO orders_orderline (order_id, line_no, line_key, kind, sku_id, charge_code, name, qty,
                  amount_minor, wanted_node)
           SELECT o.id, 1, '', 'goods', s.id, '', '', 1, 100, ''
           FROM orders_order o JOIN catalog_sku s ON s.code = 'SKU-' || mod(o.id, 500)
           WHERE left(o.external_id, 1) = 'N'"""
    )
    execute(
        """INSERT INTO orders_ordercontact (order_id, phone_index, recipient_index)
           SELECT id, CASE mod(id, 9000) WHEN 0 THEN %s ELSE decode(md5(id::text), 'hex') END,
                  decode(md5('r' || id), 'hex') FROM orders_order""",
        [phone_index("13812345678")],
    )
    execute("INSERT INTO orders_ordertag (order_id, tag) SELECT id, 't' || mod(id, 3000) FROM orders_order")
    for table in ("orders_order", "orders_orderline", "orders_ordercontact", "orders_ordertag"):
        execute(f"ANALYZE {table}")


@pytest.mark.usefixtures("company")
def test_no_search_reads_all_orders():
    a_large_base()
    for text in ("N123", "N12 N13 N14", "SKU-7", "K77", "t77", "13812345678", "name of SKU-99"):
        wanted = OrderFilter(text=text, sees_customers=True)
        page = select_orders(wanted).order_by("-placed_at", "-id").values_list("pk", flat=True)[:50]
        assert len(page) > 0
        sql, parameters = page.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", parameters)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Seq Scan on orders_order" not in plan, f"{text}\n{plan}"
