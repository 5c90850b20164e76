"""Colours of the design tokens are readable in both themes (WCAG 2.2, AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "src/tongpan/console/static/console/css/tokens.css"
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOURS = {name: {"light": light, "dark": dark} for name, light, dark in PAIR.findall(TOKENS.read_text("utf-8"))}
TEXTS = ("text", "text-2", "text-3", "accent", "accent-strong", "good", "warn", "bad", "info", "note")
SURFACES = ("surface", "surface-2", "bg")
TONES = ("good", "warn", "bad", "info", "note")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str, theme: str) -> float:
    a, b = luminance(COLOURS[one][theme]), luminance(COLOURS[other][theme])
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_every_surface(theme):
    weak = {
        (text, surface): round(contrast(text, surface, theme), 2)
        for text in TEXTS
        for surface in SURFACES
        if contrast(text, surface, theme) < 4.5
    }

    assert weak == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_badges_and_buttons_are_readable(theme):
    pairs = [(tone, f"{tone}-soft") for tone in TONES]
    pairs += [
        ("on-accent", "accent"),
        ("accent-strong", "accent-soft"),
        ("text-2", "surface-3"),
        ("text", "accent-soft"),
    ]

    assert {pair: round(contrast(*pair, theme), 2) for pair in pairs if contrast(*pair, theme) < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_focus_rings_and_edges_of_fields_can_be_seen(theme):
    for name in ("focus", "line-strong", *(f"chart-{number}" for number in range(1, 11))):
        assert contrast(name, "surface", theme) >= 3, (name, contrast(name, "surface", theme))
