"""Coupon codes: every number has one, no two share it, and a wrong symbol is seen."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.promotions.codes import ALPHABET, LENGTH, NUMBERS, Coder, Space, looks_like_code, spelt, tidy

CODER = Coder(b"a key of this installation only!")
numbers = st.integers(0, NUMBERS - 1)


@given(numbers)
@settings(max_examples=200)
def test_a_code_leads_back_to_its_number(number):
    code = CODER.code(number)

    assert len(code) == LENGTH
    assert set(code) <= set(ALPHABET)
    assert CODER.number(code) == number
    assert CODER.number(f" {spelt(code).lower()} ") == number


def test_codes_of_neighbours_have_nothing_in_common_and_never_meet():
    codes = list(CODER.codes(range(20_000)))

    assert len(set(codes)) == 20_000
    assert sum(a[0] == b[0] for a, b in itertools.pairwise(codes)) < 1_000


@given(numbers, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
@settings(max_examples=200)
def test_any_single_wrong_symbol_is_seen(number, place, symbol):
    code = CODER.code(number)
    wrong = code[:place] + symbol + code[place + 1 :]

    assert looks_like_code(wrong) == (wrong == code)


@given(numbers, st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
@settings(max_examples=200)
def test_any_two_symbols_that_changed_places_are_seen(number, one, other):
    symbols = list(CODER.code(number))
    symbols[one], symbols[other] = symbols[other], symbols[one]

    assert looks_like_code("".join(symbols)) == ("".join(symbols) == CODER.code(number))


def test_a_code_of_another_key_is_hardly_ever_a_code():
    other = Coder(b"the key of somebody else, not us")

    assert [code for code in other.codes(range(5_000)) if CODER.number(code) is not None] == []


@pytest.mark.parametrize("text", ["", "ABC", "I0O1I0O1I0O", "ÄÖÜ", "A" * 12, "\x00" * 11])
def test_what_is_no_code_stands_for_nothing(text):
    assert CODER.number(tidy(text)) is None


def test_the_space_says_how_likely_a_guess_is():
    assert Space(1024).guess == Fraction(1, 2**45)
    assert Space(1024).left == 2**32 - 1024
