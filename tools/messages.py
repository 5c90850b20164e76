"""The catalogue of the Chinese console: `update` collects what the sources say, `compile` makes the .mo file.

    python tools/messages.py update     add new sentences to the .po file, drop those no source has any more
    python tools/messages.py compile    write the .mo file that Django reads
    python tools/messages.py check      exit 1 when a sentence is untranslated or the .mo file is out of date

English is the language of the sources. Sentences of the configuration screens (django-unfold, which has no
translations) are collected too, unless Django's own catalogues have them.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "tongpan"
FOLDER = SOURCES / "locale" / "zh_Hans" / "LC_MESSAGES"
PO, MO = FOLDER / "django.po", FOLDER / "django.mo"
_SINGLE = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_PLURAL = {"ngettext", "ngettext_lazy"}
_TEMPLATE_CALL = re.compile(
    r"""\b(?P<name>_|gettext|ngettext)\((?P<arguments>(?:\s*u?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\s*,?)+)"""
)
MessageId = str | tuple[str, str]


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not installed.")
    return Path(spec.origin).parent


def _in_python(text: str) -> Iterator[MessageId]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name in _SINGLE and texts:
            yield texts[0]
        elif name in _PLURAL and len(texts) >= 2:
            yield texts[0], texts[1]


def _in_template(text: str) -> Iterator[MessageId]:
    for found in _TEMPLATE_CALL.finditer(templatize(text)):
        texts = ast.literal_eval(f"({found['arguments'].rstrip().rstrip(',')},)")
        if found["name"] == "ngettext":
            yield texts[0], texts[1]
        else:
            yield texts[0]


def _sentences(folder: Path) -> Iterator[tuple[MessageId, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            yield from ((one, path) for one in _in_python(path.read_text("utf-8")))
        elif path.suffix == ".html":
            yield from ((one, path) for one in _in_template(path.read_text("utf-8")))


def _of_django() -> set[str]:
    known: set[str] = set()
    for path in _package("django").rglob("locale/zh_Hans/LC_MESSAGES/django.mo"):
        with path.open("rb") as file:
            for message in read_mo(file):
                known.add(_key(message.id))
    return known


def _key(message_id: object) -> str:
    return message_id[0] if isinstance(message_id, (tuple, list)) else str(message_id)


def collected() -> dict[str, tuple[MessageId, list[str]]]:
    """Every sentence of ours and every one of the configuration screens that Django does not translate."""
    found: dict[str, tuple[MessageId, list[str]]] = {}

    def add(message_id: MessageId, place: str) -> None:
        key = _key(message_id)
        before, places = found.get(key, (message_id, []))
        kept = message_id if isinstance(message_id, tuple) else before
        found[key] = (kept, places if place in places else [*places, place])

    for message_id, path in _sentences(SOURCES):
        add(message_id, str(path.relative_to(ROOT)))
    django = _of_django()
    for message_id, path in _sentences(_package("unfold")):
        if _key(message_id) not in django and _key(message_id).strip():
            add(message_id, f"unfold/{path.name}")
    return found


def read() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def update() -> None:
    """Write the .po file anew: translations are kept, sentences that no source has are dropped."""
    old = read() if PO.exists() else Catalog()
    catalog = Catalog(locale="zh_Hans", project="Tongpan", charset="utf-8", fuzzy=False)
    catalog.header_comment = "# The Chinese of the console. Made by tools/messages.py; translations are written here."
    catalog.revision_date = catalog.creation_date = old.creation_date
    for _key_text, (message_id, places) in sorted(collected().items(), key=lambda one: (one[1][1][0], one[0])):
        before = old.get(message_id) or old.get(_key(message_id))
        text = before.string if isinstance(before, Message) else ""
        if isinstance(message_id, tuple) and isinstance(text, str):
            text = (text,)
        catalog.add(message_id, text, locations=[(place, 0) for place in places[:3]])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalog, width=116, omit_header=False, include_lineno=False)


def compiled() -> bytes:
    """The bytes of the .mo file that the .po file gives."""
    buffer = io.BytesIO()
    write_mo(buffer, read())
    return buffer.getvalue()


def _texts(mo: bytes) -> dict[str, object]:
    """What a .mo file says; its header names the tool that wrote it and does not count."""
    return {_key(message.id): message.string for message in read_mo(io.BytesIO(mo)) if message.id}


def problems() -> list[str]:
    """What is wrong with the catalogue, in sentences; empty when nothing is."""
    catalog = read()
    wanted = collected()
    have = {_key(message.id): message for message in catalog if message.id}
    lacking = sorted(set(wanted) - set(have))
    dropped = sorted(set(have) - set(wanted))
    empty = sorted(key for key, message in have.items() if not "".join(message.string or ""))
    found = [f"Not in the catalogue: {key!r}. Run `update`." for key in lacking]
    found += [f"In the catalogue but in no source: {key!r}. Run `update`." for key in dropped]
    found += [f"Not translated: {key!r}." for key in empty]
    found += [f"{message.id!r}: {error}" for message, errors in catalog.check() for error in errors]
    if not MO.exists() or _texts(MO.read_bytes()) != _texts(compiled()):
        found.append("The .mo file is out of date. Run `compile`.")
    return found


def main(command: str) -> int:
    settings.configure(USE_I18N=True)
    if command == "update":
        update()
    elif command == "compile":
        MO.write_bytes(compiled())
    else:
        found = problems()
        sys.stdout.write("".join(f"{line}\n" for line in found))
        return 1 if found else 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
