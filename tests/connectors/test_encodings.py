"""Encodings are found by proof: a mark, strict UTF-8, plausible GB18030; only the rest is guessed."""

import io

import pytest

from tongpan.connectors.reading.encoding import Encoding, find_encoding, is_binary

CHINESE = "订单编号,收货人姓名\n1,张三\n2,欧阳修\n"


def find(data: bytes) -> Encoding:
    return find_encoding(lambda: io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"a,b\n1,2\n", "utf-8"),
        (CHINESE.encode(), "utf-8"),
        (CHINESE.encode("utf-8-sig"), "utf-8-sig"),
        (CHINESE.encode("gbk"), "gb18030"),
        ((CHINESE + "3,𠮷野\n").encode("gb18030"), "gb18030"),
        ("订单\n".encode("gbk"), "gb18030"),
        (CHINESE.encode("utf-16"), "utf-16"),
        (b"order,sku,quantity\n1,A,2\n".decode().encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_an_encoding_with_a_proof_is_found(data, name):
    assert find(data) == Encoding(name)


def test_western_text_is_not_taken_for_chinese():
    found = find("café,naïve,Zoë,größe\ncrème brûlée,5,façade,déjà vu\n".encode("cp1252") * 20)

    assert found.name not in ("utf-8", "gb18030")
    assert not found.is_lossy


def test_a_file_that_ends_inside_a_character_is_still_utf8():
    assert find(CHINESE.encode()[:-2]) == Encoding("utf-8", is_lossy=True)


def test_a_few_broken_bytes_do_not_change_what_the_rest_proves():
    text = "订单编号,商品名称\n" + "".join(f"{n},白色蜡烛台与陶瓷花瓶\n" for n in range(50))

    assert find(text.encode() + b"51,\xff\xfe\n") == Encoding("utf-8", is_lossy=True)
    assert find(text.encode("gb18030") + b"51,\xff\xff\n") == Encoding("gb18030", is_lossy=True)


def test_binary_data_is_no_text():
    assert is_binary(bytes(range(256)) * 4)
    assert is_binary(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    assert not is_binary(CHINESE.encode("gbk"))
    assert not is_binary(CHINESE.encode("utf-16"))
    assert not is_binary(b"order,sku\n1001,\x00A\n" * 100)
