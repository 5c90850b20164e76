"""The rooms' sentences in the user's language."""

from __future__ import annotations

import pytest
from django.utils import translation

from tongpan.console.wording import _patterns, localized, localized_reasons


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


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no channel 'x'.",
        "The discount '第二件半价' cannot be read; write 满300减50, or in English 50 off 300.",
        "From open a case cannot become fine; it can become evidence, confirmed.",
        "Nobody can have complained at 2026-01-01T00:00:00+00:00.",
        "A plan has at least one SKU and one channel, and at most 20000 pairs.",
    ],
)
def test_refusals_of_the_patrol_are_known_sentences(sentence):
    assert any(pattern.fullmatch(sentence) for pattern, _ in _patterns())
