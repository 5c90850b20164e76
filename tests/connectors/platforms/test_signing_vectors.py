"""Every published signature that we know, computed again by the code that signs."""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tongpan.connectors.platforms.alibaba1688.signing import sign as sign_1688
from tongpan.connectors.platforms.digests import joined
from tongpan.connectors.platforms.douyin.signing import canonical
from tongpan.connectors.platforms.douyin.signing import sign as sign_douyin
from tongpan.connectors.platforms.jd.signing import sign as sign_jd
from tongpan.connectors.platforms.jd.signing import wrapped_md5
from tongpan.connectors.platforms.kuaishou.signing import sign as sign_kuaishou
from tongpan.connectors.platforms.kuaishou.signing import signed_text
from tongpan.connectors.platforms.pinduoduo.signing import sign as sign_pinduoduo
from tongpan.connectors.platforms.shopify.signing import is_from_shopify
from tongpan.connectors.platforms.taobao.signing import digest_of
from tongpan.connectors.platforms.taobao.signing import sign as sign_taobao
from tongpan.connectors.platforms.wechat.push import is_from_wechat, open_body, push_sign, seal_body
from tongpan.connectors.platforms.wechat.signing import (
    is_pay_v3_signed,
    open_pay_v3,
    pay_v2_sign,
    pay_v3_authorization,
    pay_v3_sign,
    pay_v3_text,
)
from tongpan.connectors.platforms.woocommerce.signing import is_from_woocommerce
from tongpan.connectors.platforms.xiaohongshu.signing import sign as sign_xiaohongshu
from tongpan.connectors.platforms.youzan.signing import is_from_youzan
from tongpan.core.errors import Refusal

TOP = {
    "app_key": "12345678",
    "fields": "num_iid,title,nick,price,num",
    "format": "json",
    "method": "taobao.item.seller.get",
    "num_iid": "11223344",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "v": "2.0",
}


@pytest.mark.parametrize(
    ("_case", "method", "expected"),
    [
        ("published", "md5", "66987CB115214E59E6EC978214934FB8"),
        ("derived from the rule", "hmac", "D56D7858309C31B6251083A874D48273"),
        ("derived", "hmac-sha256", "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8"),
    ],
)
def test_taobao_signs_all_that_is_sent(_case: str, method: str, expected: str) -> None:
    assert sign_taobao({**TOP, "sign_method": method}, "helloworld") == expected


def test_taobao_third_party_vector() -> None:
    # The vector has no sign_method among its parameters: the bare rule is held against it.
    expected = "3A9F9E53162A24430830CCA87B7FB623401B81EB6616A6EA75B3614AEBDC7F4D"
    assert digest_of(joined({"b": "2", "a": "1"}), "secret", "hmac-sha256") == expected


def test_taobao_refuses_an_unknown_method() -> None:
    with pytest.raises(ValueError, match="not by 'sha512'"):
        sign_taobao({**TOP, "sign_method": "sha512"}, "helloworld")


def test_1688_signs_path_and_parameters() -> None:
    path = "param2/1/system/currentTime/1000000"
    assert sign_1688(path, {"b": "2", "a": "1"}, "test123") == "33E54F4F7B989E3E0E912D3FBD2F1A03CA7CCE88"


JD = {
    "360buy_param_json": '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT","page":"1",'
    '"page_size":"200","start_date":null}',
    "access_token": "yourtoken",
    "app_key": "yourappkey",
    "method": "jingdong.pop.order.search",
    "timestamp": "2021-05-07 09:20:39.683+0800",
    "v": "2.0",
}


def test_jd_signs_six_parameters() -> None:
    assert sign_jd(JD, "yourappSecret") == "D70825340F4084360B9362B60DFD7930"


def test_jd_signs_neither_format_nor_method_of_signing() -> None:
    assert sign_jd({**JD, "format": "json", "sign_method": "md5"}, "yourappSecret") == sign_jd(JD, "yourappSecret")


def test_jd_third_party_vector() -> None:
    assert wrapped_md5({"a": "1", "b": "2"}, "secret") == "EF16F26C937CF52AE6F85DF2FD08B24A"


def test_pinduoduo_signs_all_that_is_sent() -> None:
    parameters = {
        "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211",
        "client_id": "1",
        "data_type": "XML",
        "order_status": "1",
        "page": "1",
        "page_size": "10",
        "timestamp": "1480411125",
        "type": "pdd.order.number.list.get",
    }
    assert sign_pinduoduo(parameters, "testSecret") == "E4DE3ED21002510DED352819E7AE6775"


def test_douyin_signs_five_parameters_in_a_fixed_order() -> None:
    parameters = {
        "app_key": "app-key",
        "method": "product.detail",
        "param_json": '{"a":1,"b":2}',
        "timestamp": "2025-01-02 03:04:05",
        "v": "2",
    }
    expected = "4eaefa2d3044c9f9711928edc8cfe5df1b7a8fd2d79d5d62866c79bbc4a09f2a"
    assert sign_douyin(parameters, "secret") == expected
    # What is sent besides does not count.
    assert sign_douyin({**parameters, "access_token": "t", "sign_method": "hmac-sha256"}, "secret") == expected


@pytest.mark.parametrize(
    ("_case", "given", "expected"),
    [
        (
            "keys sorted at every depth",
            {"z": [{"b": 2, "a": 1}], "a": {"y": 2, "x": 1}},
            '{"a":{"x":1,"y":2},"z":[{"a":1,"b":2}]}',
        ),
        ("nothing escaped", {"名": "<a&b>"}, '{"名":"<a&b>"}'),
        ("whole floats", {"n": [1.0, 1.5]}, '{"n":[1,1.5]}'),
    ],
)
def test_douyin_writes_its_parameters_in_one_way(_case: str, given: object, expected: str) -> None:
    assert canonical(given) == expected


def test_kuaishou_signs_sorted_pairs() -> None:
    parameters = {"b": "2", "a": "1"}
    assert signed_text(parameters, "secret") == "a=1&b=2&signSecret=secret"
    assert sign_kuaishou(parameters, "secret") == "ed7440a1245c50018f251c9f5b76b6a2058049f6f80d6951e3774888ff55f244"


def test_xiaohongshu_signs_path_parameters_and_headers() -> None:
    signature = sign_xiaohongshu(
        "/ark/open_api/v1/items",
        {"status": "0", "page_no": "1", "page_size": "50"},
        "xhs",
        "1469902537",
        "9a539709cafc1efc9ef05838be468a28",
    )
    assert signature == "72be6fad4dd0e5104dbdebbcdadb2a06"


def test_youzan_push_is_checked_on_the_raw_body() -> None:
    # No vector is published: the rule is written out a second time.
    signature = hashlib.md5(b'cid{"tid": "E1"}cs').hexdigest()
    assert is_from_youzan(signature, "cid", b'{"tid": "E1"}', "cs")
    assert not is_from_youzan(signature, "cid", b'{"tid":"E1"}', "cs")


def test_wechat_pay_v2() -> None:
    parameters = {
        "appid": "wxd930ea5d5a258f4f",
        "body": "test",
        "device_info": "1000",
        "mch_id": "10000100",
        "nonce_str": "ibuaiVcKdpRxkhJA",
        "empty": "",
    }
    assert pay_v2_sign(parameters, "192006250b4c09247ec02edce69f6a2d") == "9A0A8659F005D6984697E2CA0A9CF3B7"


def test_wechat_push_signature() -> None:
    assert push_sign("a", "b", "c") == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert is_from_wechat("a9993e364706816aba3e25717850c26c9cd0d89d", "c", "a", "b")
    assert not is_from_wechat("a9993e364706816aba3e25717850c26c9cd0d89d", "c", "a", "x")


AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 31, 32, 1000])
def test_wechat_push_body_is_opened(length: int) -> None:
    body = b"x" * length
    sealed = seal_body(body, AES_KEY, "wx123", bytes(16))
    assert open_body(sealed, AES_KEY, "wx123") == body


@pytest.mark.parametrize(
    ("_case", "sealed", "app"),
    [
        ("another app", seal_body(b"{}", AES_KEY, "wx123", bytes(16)), "wx124"),
        ("cut", seal_body(b"{}" * 40, AES_KEY, "wx123", bytes(16))[:-24], "wx123"),
        ("no base64", "???", "wx123"),
        ("empty", "", "wx123"),
    ],
)
def test_wechat_push_body_that_was_changed_is_refused(_case: str, sealed: str, app: str) -> None:
    with pytest.raises(Refusal) as refused:
        open_body(sealed, AES_KEY, app)
    assert refused.value.code == "wechat.damaged"


def test_wechat_pay_v3_request_verifies_under_the_public_key() -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = pay_v3_text("post", "/v3/pay/transactions/jsapi?a=1", "1554208460", "593BEC0C930BF1AF", '{"b":1}')

    signature = pay_v3_sign(text, private)

    assert text == 'POST\n/v3/pay/transactions/jsapi?a=1\n1554208460\n593BEC0C930BF1AF\n{"b":1}\n'
    assert is_pay_v3_signed(text, signature, public)
    assert not is_pay_v3_signed(text + " ", signature, public)
    assert not is_pay_v3_signed(text, "no base64", public)
    header = pay_v3_authorization(
        "GET", "/v3/x", "", merchant="190001", serial="5157", private_key_pem=private, timestamp="1", nonce="n"
    )
    assert header.startswith('WECHATPAY2-SHA256-RSA2048 mchid="190001",nonce_str="n",signature="')
    assert header.endswith('",timestamp="1",serial_no="5157"')


def test_wechat_pay_v3_call_back_is_opened_and_checked() -> None:
    key, nonce, extra = "k" * 32, "nonce12bytes", "transaction"
    sealed = base64.b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), b'{"id":1}', extra.encode())).decode()

    assert open_pay_v3(sealed, nonce, extra, key) == b'{"id":1}'
    for changed in [(sealed, nonce, "refund", key), (sealed, nonce, extra, "x" * 32), ("no base64", nonce, extra, key)]:
        with pytest.raises(Refusal) as refused:
            open_pay_v3(*changed)
        assert refused.value.code == "wechat.damaged"


@pytest.mark.parametrize("check", [is_from_shopify, is_from_woocommerce])
def test_webhook_digests_are_base64_of_the_raw_body(check: object) -> None:
    digest = base64.b64encode(hmac.new(b"s", b'{"id": 1}', "sha256").digest()).decode()
    assert check(digest, b'{"id": 1}', "s")  # type: ignore[operator]
    assert not check(digest, b'{"id":1}', "s")  # type: ignore[operator]
    assert not check("", b'{"id": 1}', "s")  # type: ignore[operator]
