"""The rooms' sentences in the user's language."""

from __future__ import annotations

import pytest
from django.utils import translation

from tongpan.console.wording import localized, localized_reasons


@pytest.fixture(autouse=True)
def chinese():
    with translation.override("zh-hans"):
        yield


def test_a_known_sentence_is_said_in_chinese_with_its_values():
    assert localized("is the same as line 12") == "与第 12 行相同"
    assert localized("sales.csv lacks the column UnitPrice or Price. Found columns: a, b.") == (
        "sales.csv 缺少列 UnitPrice or Price。现有列：a, b。"
    )


def test_an_unknown_sentence_stays_as_it_is():
    assert localized("The moon is full.") == "The moon is full."


def test_every_reason_of_a_row_is_translated_with_its_column():
    assert localized_reasons("is not a number; UnitPrice: is empty, but is needed; odd") == (
        "不是数字; UnitPrice: 为空，但此列必填; odd"
    )


def test_a_percent_sign_in_a_value_does_no_harm():
    assert localized("50%.csv is empty.") == "50%.csv 是空文件。"


def test_english_is_left_alone():
    with translation.override("en"):
        assert localized("is not a number") == "is not a number"
