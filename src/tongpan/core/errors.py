"""Refusals: expected outcomes that a person must be told about, as opposed to defects."""

from __future__ import annotations


class Refusal(Exception):
    """The request was understood and refused; nothing was written.

    code: a stable dotted identifier that programs may test ("stock.insufficient").
    sentence: what was wrong, where, and what to do, for a person.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
