"""Every relative link of every document leads to a file, and to a heading where it names one.

python tools/check_links.py    exit 1 and one line per broken link
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def main() -> int:
    documents = [ROOT / name for name in _tracked() if name.endswith(".md")]
    broken = [complaint for document in documents for complaint in complaints(document)]
    for complaint in broken:
        print(complaint, file=sys.stderr)  # noqa: T201
    print(f"{len(documents)} documents, {len(broken)} broken links")  # noqa: T201
    return 1 if broken else 0


def complaints(document: Path) -> list[str]:
    """What is wrong with the links of ``document``, one sentence each."""
    found = []
    for match in LINK.finditer(CODE.sub("", document.read_text())):
        target, _, anchor = unquote(match.group(1)).partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists():
            found.append(f"{document.relative_to(ROOT)}: {target} does not exist")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            found.append(f"{document.relative_to(ROOT)}: {path.relative_to(ROOT)} has no heading #{anchor}")
    return found


def anchors(document: Path) -> set[str]:
    """The anchors of the headings of ``document``, as code hosts make them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _tracked() -> list[str]:
    """The files of the project: as git knows them, or all outside of installed things where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    ignored = {".venv", "node_modules", "build", ".data"}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return [str(path) for path in found if not ignored & set(path.parts)]


if __name__ == "__main__":
    sys.exit(main())
