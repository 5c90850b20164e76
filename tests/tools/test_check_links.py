"""The link check finds what leads nowhere, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_links


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check_links, "ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# Other page\n\n## What it's for: 用途 `now`\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "text",
    [
        "[a](other.md)",
        "[a](other.md#other-page)",
        "[a](other.md#what-its-for-用途-now)",
        "# Here\n[a](#here)",
        "[a](https://example.com/nowhere.md) [b](mailto:somebody@example.com)",
        "`[a](nowhere.md)`",
        "```\n[a](nowhere.md)\n```",
        '![a](other.md "a title")',
    ],
)
def test_a_link_that_leads_somewhere_is_fine(text: str, document: Path) -> None:
    document.write_text(text)
    assert check_links.complaints(document) == []


def test_a_missing_file_and_a_missing_heading_are_found(document: Path) -> None:
    document.write_text("[a](nowhere.md) [b](other.md#nothing) ![c](picture.png)")
    assert check_links.complaints(document) == [
        "page.md: nowhere.md does not exist",
        "page.md: other.md has no heading #nothing",
        "page.md: picture.png does not exist",
    ]
