"""A cell of a spreadsheet export says less, or something else, than what stands in it."""

import pytest

from tongpan.connectors.engine.cells import clean, cleaned, header_key, is_mangled, is_masked


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, ""),
        ("  both sides\t", "both sides"),
        ("\u3000全角空格\u00a0", "全角空格"),
        ("\ufeffmark", "mark"),
        ('="3812345678901234567"', "3812345678901234567"),
        ('="say ""hi"""', 'say "hi"'),
        ("'18600001234", "18600001234"),
        ("'=SUM(A1)", "=SUM(A1)"),
        ("'tis", "'tis"),
        ("\t9001", "9001"),
        ("\t", ""),
        ("=1+1", "=1+1"),
    ],
)
def test_a_cell_means_its_text_without_what_a_spreadsheet_put_around_it(cell, meant):
    assert clean(cell) == meant


def test_words_for_nothing_are_nothing_only_where_the_mapping_says_so():
    assert cleaned(" NULL ", {"NULL"}) == ""
    assert cleaned("-", {"NULL"}) == "-"
    assert cleaned("-", {"-"}) == ""


@pytest.mark.parametrize("header", ["收货地址 ", "\ufeff收货地址", " 收货地址", '"收货地址"', "收货地址\u3000"])
def test_headers_are_the_same_whatever_blanks_and_marks_stand_around_them(header):
    assert header_key(header) == header_key("收货地址")


def test_headers_are_the_same_in_any_width_and_case():
    assert header_key("商品总价（元）") == header_key("商品总价(元)")
    assert header_key("ORDER_ID") == header_key("order_id")
    assert header_key("order id") != header_key("order_id")


@pytest.mark.parametrize(
    ("text", "mangled"),
    [("3.81235E+18", True), ("1.2e+5", True), ("381234", False), ("E+3", False), ("12E3", False), ("10", False)],
)
def test_a_long_number_that_a_spreadsheet_rounded_is_told_apart(text, mangled):
    assert is_mangled(text) is mangled


@pytest.mark.parametrize(
    ("text", "masked"),
    [("张**", True), ("138****5678", True), ("##a8f3", True), ("$$x", True), ("a*b", False), ("张三", False)],
)
def test_a_masked_value_is_told_apart(text, masked):
    assert is_masked(text) is masked
