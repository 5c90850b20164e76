"""The examples of the reference of the rulebook are documents that are read, and it lists every kind and reason."""

import json
import re
from pathlib import Path

from tongpan.promotions.engine.explaining import SENTENCES
from tongpan.promotions.engine.language import CONDITION_WORDS, LIMIT_WORDS, RULE_WORDS, read_rulebook
from tongpan.promotions.engine.rules import KINDS
from tongpan.promotions.engine.writing import write_rulebook

PAGE = (Path(__file__).parents[3] / "docs/reference/rulebook.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_every_example_is_read_and_written_back():
    for example in EXAMPLES:
        document = example if "rules" in example else {"rules": [example]}
        book = read_rulebook(document, "1")
        assert read_rulebook(write_rulebook(book), "1") == book


def test_every_kind_has_an_example():
    shown = {rule["kind"] for example in EXAMPLES for rule in example.get("rules", [example])}

    assert shown == set(KINDS)


def test_every_word_and_reason_is_on_the_page():
    words = {*RULE_WORDS, *CONDITION_WORDS, *LIMIT_WORDS, *SENTENCES} - {"partial"}

    assert [word for word in sorted(words) if f"`{word}`" not in PAGE] == []
