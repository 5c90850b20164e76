"""The packaged formats on fictional files: every variant of their headers, every rule of their rows."""

# ruff: noqa: E501 (headers stand as they do in the files)

from datetime import UTC, datetime

import pytest

from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.engine.documents import ShopContext
from tongpan.connectors.formats import format_named
from tongpan.core.errors import Refusal
from tongpan.orders.engine import BuyerDoc, LineDoc, PaymentDoc, ShipTo, status_of

BRAZIL = ShopContext("shop-1", "BRL", "America/Sao_Paulo")
OLIST = {
    "orders.csv": """order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
o1,c1,delivered,2017-10-02 10:56:33,2017-10-02 11:07:15,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00
o2,c2,canceled,2017-11-02 10:00:00,,,,2017-11-18 00:00:00
o3,c3,shipped,2017-11-03 10:00:00,2017-11-03 11:00:00,,,2017-11-18 00:00:00
""",
    "items.csv": """order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,1,p1,s1,2017-10-06 11:07:15,199.9,18.14
o1,2,p2,s2,2017-10-06 11:07:15,10.00,0.0
o3,1,p9,s1,2017-10-06 11:07:15,5.55,1.1
""",
    "payments.csv": """order_id,payment_sequential,payment_type,payment_installments,payment_value
o1,2,voucher,1,28.04
o1,1,credit_card,5,200.00
o3,1,boleto,1,6.65
""",
    "customers.csv": """customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,u1,01037,sao paulo,SP
c2,u1,99999,nowhere,XX
c3,u3,70000,far away,YY
""",
    "geolocation.csv": """geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,geolocation_state,in_brazil_bbox
01037,-23.5456,-46.6393,Sao Paulo,SP,True
01037,-1.0,-1.0,Sao Paulo,SP,True
70000,38.7,-9.1,Lisboa,YY,False
""",
    "products.csv": "product_id,product_category_name,product_name_lenght\np1,perfumaria,40\np2,pc_gamer,10\n",
    "categories.csv": "\ufeffproduct_category_name,product_category_name_english\r\nperfumaria,perfumery\r\n",
    "sellers.csv": "seller_id,seller_zip_code_prefix,seller_city,seller_state\ns1,01037,campinas,SP\ns2,70000,far,YY\n",
}


@pytest.fixture
def olist(write):
    def make(**changes):
        for name, text in (OLIST | {f"{name}.csv": text for name, text in changes.items()}).items():
            if text:
                path = write(name, text)
        return path.parent

    return make


def test_the_files_of_olist_are_joined_into_orders(take, olist):
    taken = take(olist(), shop=BRAZIL)

    assert taken.rejected == []
    first, second, third = taken.docs
    assert first.external_id == "o1"
    assert first.placed_at == datetime(2017, 10, 2, 13, 56, 33, tzinfo=UTC)
    assert first.lines == (
        LineDoc("goods", "p1", "perfumery", 1, 19990, first.lines[0].unit_price, "1", "", "", "perfumery", "s1"),
        LineDoc("charge", "FREIGHT", "Freight", 1, 1814, None, "1"),
        LineDoc("goods", "p2", "pc_gamer", 1, 1000, first.lines[2].unit_price, "2", "", "", "pc_gamer", "s2"),
    )
    assert [(p.seq, p.method, p.amount_minor) for p in first.payments] == [
        (2, "voucher", 2804),
        (1, "credit_card", 20000),
    ]
    assert first.paid_minor == 22804
    assert first.buyer == BuyerDoc("buyer", "company", "u1", "", "SP", "sao paulo")
    assert first.ship_to == ShipTo("SP", "sao paulo", -23.5456, -46.6393)
    assert (first.delivered_at, first.promised_at) == (
        datetime(2017, 10, 11, 0, 25, 13, tzinfo=UTC),
        datetime(2017, 10, 18, 2, 0, tzinfo=UTC),
    )
    assert [status_of(doc) for doc in taken.docs] == ["delivered", "cancelled", "dispatched"]
    assert (second.lines, second.cancelled_at) == ((), datetime(2017, 11, 2, 12, 0, tzinfo=UTC))
    assert second.ship_to == ShipTo("XX", "nowhere")
    assert third.ship_to == ShipTo("YY", "far away")
    assert third.lines[0].name == ""


def test_olist_rows_are_counted_over_all_files_of_documents(take, olist):
    taken = take(olist(), shop=BRAZIL)

    assert taken.rows == 9
    assert sorted(len(prepared.rows) for prepared in taken.documents) == [1, 3, 5]


def test_a_bad_row_in_one_file_keeps_the_whole_order_out(take, olist):
    taken = take(olist(items=OLIST["items.csv"].replace("199.9", "much")), shop=BRAZIL)

    assert [doc.external_id for doc in taken.docs] == ["o2", "o3"]
    assert sorted((row.table, row.line) for row, _ in taken.rejected) == [
        ("items", 2),
        ("items", 3),
        ("orders", 2),
        ("payments", 2),
        ("payments", 3),
    ]


def test_items_without_their_order_come_out(take, olist):
    taken = take(olist(items=OLIST["items.csv"] + "o99,1,p1,s1,,5,1\n"), shop=BRAZIL)

    assert taken.reasons == {5: "belongs to a document that the table orders does not hold"}
    assert len(taken.docs) == 3


def test_one_file_of_olist_finds_the_others_beside_it(olist):
    folder = olist()

    opened = open_path(folder / "orders.csv")

    assert {name: source.member.name for name, source in opened.sources.items()} == {
        "orders": "orders.csv",
        "items": "items.csv",
        "payments": "payments.csv",
        "customers": "customers.csv",
        "products": "products.csv",
        "categories": "categories.csv",
        "places": "geolocation.csv",
        "sellers": "sellers.csv",
    }


def test_a_missing_file_is_named_with_its_columns(olist):
    with pytest.raises(Refusal, match=r"needs the table payments too \(columns order_id, payment_sequential"):
        open_path(olist(payments=""))


def test_two_files_for_one_table_are_refused(olist):
    with pytest.raises(Refusal, match=r"could be the table payments of olist: payments.csv, payments_old.csv"):
        open_path(olist(payments_old=OLIST["payments.csv"]))


def test_the_extra_files_of_olist_may_be_missing(take, olist):
    taken = take(olist(products="", categories="", geolocation="", sellers=""), shop=BRAZIL)

    assert taken.rejected == []
    assert taken.docs[0].lines[0].category == ""
    assert taken.docs[0].ship_to == ShipTo("SP", "sao paulo")


REPORT = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"


def test_the_tmall_report_gives_orders_without_lines(take, write):
    text = REPORT + (
        "1,178.8,0.0,上海,2020-02-21 00:00:00,,0.0\n"
        "2,21.0,21.0,内蒙古自治区,2020-02-20 23:59:54,2020-02-21 00:00:02,0.0\n"
        "6,327.7,148.9,浙江省,2020-02-20 23:56:39,2020-02-20 23:56:53,178.8\n"
    )
    unpaid, paid, refunded = take(write("report.csv", text, "gbk")).docs

    assert (unpaid.total_minor, unpaid.paid_minor, unpaid.refunded_minor, unpaid.paid_at) == (17880, 0, 0, None)
    assert (paid.paid_at, paid.lines) == (datetime(2020, 2, 20, 16, 0, 2, tzinfo=UTC), ())
    assert (refunded.total_minor, refunded.paid_minor, refunded.refunded_minor) == (32770, 14890, 17880)
    assert [doc.ship_to.province for doc in (unpaid, paid, refunded)] == ["上海", "内蒙古自治区", "浙江省"]
    assert [status_of(doc) for doc in (unpaid, paid, refunded)] == ["placed", "paid", "paid"]


FORMS = {
    "2016": """订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系电话,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,定金排名,修改后的sku,修改后的收货地址,异常信息,卡券抵扣,积分抵扣,是否是O2O交易""",
    "2018": """订单编号,买家会员名,买家支付宝账号,支付单号,支付详情,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,是否上传小票,是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,新零售发货门店id,退款金额,预约门店,确认收货时间,打款商家金额,含应开票给个人的个人红包""",
    "2022": """订单编号,买家会员名,买家会员昵称,支付单号,支付详情,买家应付货款,买家应付邮费,总金额,返点积分,买家实际支付金额,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系电话,联系手机,虚拟号过期时间,订单创建时间,订单付款时间,宝贝标题,宝贝总数量,店铺Id,店铺名称,订单关闭原因,退款金额,确认收货时间,打款商家金额,预售订单,发货时间,商家备忘,主订单编号""",
    "2026": """订单编号,商品标题,买家应付邮费,买家实付金额,买家应付货款,宝贝总数量,宝贝种类,发货时间,确认收货时间,商品属性SKU,物流单号,物流公司,订单创建时间,订单状态,商家备注,退款金额,订单关闭原因""",
}
VALUES = {
    "订单编号": '"=""3812345678901234567"""',
    "买家会员名": "某某旗舰",
    "总金额": "59.90",
    "买家应付货款": "59.90",
    "买家实际支付金额": "49.90",
    "买家实付金额": "49.90",
    "退款金额": "10.00",
    "订单状态": "交易成功",
    "收货人姓名": "张**",
    "收货地址": "浙江省 杭州市 西湖区 文三路 1 号(310000)",
    "联系手机": "'18600001234",
    "订单创建时间": "2025-01-01 10:00:00",
    "订单付款时间": "2025-01-01 10:05:00",
    "发货时间": "2025-01-02 10:00:00",
    "确认收货时间": "2025-01-05 10:00:00",
    "订单备注": '"two\nlines"',
    "打款商家金额": "49.90元",
}


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_every_known_form_of_the_taobao_export_is_read(take, write, form, encoding):
    row = ",".join(VALUES.get(header.strip(), "NULL") for header in FORMS[form].split(","))

    taken = take(write("ExportOrderList.csv", f"{FORMS[form]}\r\n{row}\r\n", encoding))

    assert taken.rejected == []
    [doc] = taken.docs
    assert doc.external_id == "3812345678901234567"
    assert (doc.total_minor, doc.paid_minor) == (5990, 4990)
    assert doc.channel_status == "交易成功"
    assert doc.placed_at == datetime(2025, 1, 1, 2, 0, tzinfo=UTC)
    assert status_of(doc) == ("completed" if "确认收货时间" in FORMS[form] else "dispatched")
    if "收货地址" in FORMS[form]:
        assert doc.ship_to == ShipTo(
            "浙江省", "杭州市", phone="18600001234", address="浙江省 杭州市 西湖区 文三路 1 号(310000)"
        )
        assert doc.buyer == BuyerDoc("member", "shop-1", "某某旗舰")


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("等待买家付款", "placed"),
        ("买家已付款，等待卖家发货", "paid"),
        ("卖家部分发货", "paid"),
        ("卖家已发货，等待买家确认", "dispatched"),
        ("交易成功", "dispatched"),
        ("交易关闭", "cancelled"),
        ("某种新状态", "placed"),
    ],
)
def test_what_a_status_of_taobao_proves(take, write, status, means):
    text = f"订单编号,总金额,买家实际支付金额,订单创建时间,订单状态\n1,5,5,2025-01-01 10:00:00,{status}\n"

    [doc] = take(write("orders.csv", text)).docs

    assert status_of(doc) == means


def test_two_rows_of_one_order_number_are_one_order_or_none(take, write):
    row = "1,5,5,上海,2025-01-01 10:00:00,,0\n"
    other = "2,5,5,上海,2025-01-01 10:00:00,,0\n2,6,6,上海,2025-01-01 10:00:00,,0\n"

    taken = take(write("report.csv", REPORT + row + row + other))

    assert [doc.external_id for doc in taken.docs] == ["1"]
    assert taken.reasons == {
        3: "is the same as line 2",
        4: "line 5 of the same document was rejected",
        5: "has the same number as line 4, but other content",
    }


SUPERSTORE = "行 ID,订单 ID,订单日期,发货日期,邮寄方式,客户 ID,客户名称,细分,城市,省/自治区,国家,地区,产品 ID,类别,子类别,产品名称,销售额,数量,折扣,利润\n"


def test_the_superstore_keeps_orders_of_one_number_apart_by_customer_and_day(take, write):
    text = SUPERSTORE + (
        "1,CN-1,2024/4/27,2024/4/29,二级,曾一-14485,曾一,公司,杭州,浙江,中国,华东,P-1,办公用品,用品,剪刀,129.696,2,0.4,-60\n"
        "2,CN-1,2024/6/15,2024/6/19,标准级,许二-10165,许二,消费者,内江,四川,中国,西南,P-2,办公用品,信封,信封,125.445,2,0,42\n"
        "3,CN-1,2024/6/15,2024/6/19,标准级,许二-10165,许二,消费者,内江,四川,中国,西南,P-3,办公用品,装订机,孔,31.92,2,0.4,4\n"
    )
    first, second = take(write("store.csv", text, "utf-8-sig")).docs

    assert (first.external_id, second.external_id) == ("CN-1 14485 2024/4/27", "CN-1 10165 2024/6/15")
    assert first.buyer == BuyerDoc("buyer", "shop-1", "曾一-14485", "曾一", "浙江", "杭州")
    assert first.dispatched_at == datetime(2024, 4, 28, 16, 0, tzinfo=UTC)
    assert [(item.amount_minor, item.category, item.line_key) for item in second.lines] == [
        (12545, "办公用品/信封", "2"),
        (3192, "办公用品/装订机", "3"),
    ]


def test_tongpans_own_lines_say_everything(take, write):
    text = (
        "class,shop,order,placed_at,kind,sku,name,qty,unit_price,amount,paid_at,total,method,buyer,buyer_scope,of_order,node\n"
        ",shop-1,1,2025-01-01T10:00:00+08:00,,A,tea,2,5,9.90,2025-01-01T11:00:00+08:00,,,u1,company,,\n"
        "sale,shop-1,1,2025-01-01T10:00:00+08:00,charge,POST,,1,,8,,,,,,,\n"
        "payment,shop-1,1,2025-01-01T10:00:00+08:00,,,,,,17.90,2025-01-01T11:00:00+08:00,,alipay,,,,\n"
        "sale,shop-1,2,2025-01-01 10:00,,,,,,,,88.50,,,,,\n"
        "return,shop-1,R1,2025-01-02 10:00,,A,tea,1,5,-4.95,,,,u1,company,1,\n"
        "adjustment,shop-1,D1,2025-01-02 10:00,,A,,-1,,,,,,,,,wh-9\n"
        "correction,shop-1,X1,2025-01-02 10:00,charge,DEBT,,1,,-3,,,,,,,\n"
    )
    taken = take(write("lines.csv", text))

    assert taken.rejected == []
    order, empty, returned, adjusted, corrected = taken.docs
    assert [(item.kind, item.code, item.amount_minor) for item in order.lines] == [
        ("goods", "A", 990),
        ("charge", "POST", 800),
    ]
    assert order.payments == (PaymentDoc(1, "alipay", 1790, datetime(2025, 1, 1, 3, 0, tzinfo=UTC)),)
    assert order.buyer == BuyerDoc("buyer", "company", "u1")
    assert (empty.lines, empty.total_minor) == ((), 8850)
    assert (returned.order_external_id, returned.lines[0].amount_minor) == ("1", -495)
    assert (adjusted.node_code, adjusted.lines[0].qty) == ("wh-9", -1)
    assert (corrected.lines[0].kind, corrected.lines[0].amount_minor) == ("charge", -300)


def test_every_format_has_both_titles_and_says_what_it_is():
    from tongpan.connectors.queries import formats

    assert all(info.title_zh and info.title_en and len(info.about) > 40 for info in formats())
    assert {info.name: (info.gives, info.needs_shop, info.files) for info in formats()} == {
        "uci": ("orders", True, 1),
        "olist": ("orders", True, 8),
        "tmall-orders": ("orders", True, 2),
        "jd-pop": ("orders", True, 1),
        "douyin-orders": ("orders", True, 1),
        "douyin-settlement": ("ledger", True, 1),
        "wechat-settlement": ("ledger", True, 1),
        "pinduoduo-orders": ("orders", True, 1),
        "wechat-shop": ("orders", True, 1),
        "youzan-lines": ("orders", True, 1),
        "wangdiantong-lines": ("orders", False, 1),
        "supermarket-pos": ("orders", True, 1),
        "shopify-orders": ("orders", True, 1),
        "shopify-customers": ("customers", False, 1),
        "woocommerce-orders": ("orders", True, 1),
        "woocommerce-csv": ("orders", True, 1),
        "amazon-orders": ("orders", True, 1),
        "amazon-shipments": ("orders", True, 1),
        "amazon-summary": ("orders", True, 1),
        "etsy-sales": ("orders", True, 1),
        "bigcommerce-orders": ("orders", True, 1),
        "cn-superstore": ("orders", True, 1),
        "tongpan-orders": ("orders", False, 1),
        "stock-levels": ("stock", False, 1),
        "channel-days": ("channel days", False, 1),
        "door-counts": ("door counts", False, 1),
        "price-observations": ("prices seen", False, 1),
        "goods-codes": ("goods codes", False, 1),
        "code-sightings": ("goods codes", False, 1),
        "nodes": ("nodes", False, 1),
        "shops": ("shops", False, 1),
        "receipts": ("orders", True, 1),
        "parcels": ("parcels", False, 1),
        "prices": ("prices", False, 1),
        "price-floors": ("floors", False, 1),
        "sku-costs": ("costs", False, 1),
        "tracking": ("tracking", False, 1),
    }
    assert format_named("olist").currency == "BRL"
