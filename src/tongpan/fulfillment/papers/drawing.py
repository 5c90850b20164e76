"""Draws papers as PDF. Pure: plain documents go in, the bytes of a file come out.

The texts are set in a Chinese font that every reader of PDF brings along, so that none is embedded.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tongpan.core.late import Late

if TYPE_CHECKING:
    import segno
    from reportlab.pdfbase import cidfonts, pdfmetrics
    from reportlab.pdfgen import canvas
else:
    segno = Late("segno")
    cidfonts = Late("reportlab.pdfbase.cidfonts")
    pdfmetrics = Late("reportlab.pdfbase.pdfmetrics")
    canvas = Late("reportlab.pdfgen.canvas")

mm = 72 / 25.4  # in points
A4 = (210 * mm, 297 * mm)
FONT = "STSong-Light"
LABEL = (100 * mm, 150 * mm)
SLIP = (100 * mm, 150 * mm)
_MARGIN = 18 * mm
_SMALL, _TEXT, _BIG = 8, 10, 16


@dataclass(frozen=True, slots=True)
class Item:
    """Units of a SKU."""

    sku: str
    name: str
    qty: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a packing slip, a label or a pickup slip says. due, slot: as they are to be read. code: of a pickup."""

    id: int
    number: str
    shop: str
    node: str
    items: Sequence[Item]
    due: str = ""
    slot: str = ""
    recipient: str = ""
    phone: str = ""
    address: str = ""
    place: str = ""
    note: str = ""
    gift_wrap: str = ""
    gift_card: str = ""
    is_contactless: bool = False
    carrier: str = ""
    tracking_number: str = ""
    code: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """One line of a pick list: where for is the parcels, as they are to be read."""

    node: str
    item: Item
    parcels: str


def draw_pick_list(title: str, lines: Sequence[Gathered]) -> bytes:
    """A list to walk along the shelves with, a box to tick on each line."""
    paper = _Paper(A4)
    paper.line(title, _BIG)
    count = len(lines)
    paper.line(ngettext("%(count)d line", "%(count)d lines", count) % {"count": count}, _SMALL)
    node = ""
    for line in lines:
        if line.node != node:
            node = line.node
            paper.gap(6)
            paper.line(node, 12)
        paper.box()
        paper.row([(0, line.item.sku), (150, line.item.name), (440, f"× {line.item.qty}")], indent=16)
        paper.line(line.parcels, _SMALL, indent=16)
    return paper.done()


def draw_packing_slips(parcels: Iterable[Parcel]) -> bytes:
    """One page for each parcel, to lie in it: what it holds, and what the gift card says. No price."""
    paper = _Paper(A4)
    for number, parcel in enumerate(parcels):
        if number:
            paper.next()
        paper.line(_("Packing slip"), _BIG)
        paper.line(f"{parcel.shop} · {_('Order')} {parcel.number} · {_('Parcel')} {parcel.id}")
        paper.line(parcel.node, _SMALL)
        for text in _facts(parcel):
            paper.line(text)
        paper.gap(6)
        for item in parcel.items:
            paper.row([(0, item.sku), (150, item.name), (440, f"× {item.qty}")])
        if parcel.gift_wrap:
            paper.gap(6)
            paper.line(f"{_('Gift wrap')}: {parcel.gift_wrap}", 12)
        if parcel.gift_card:
            paper.gap(6)
            paper.line(_("Gift card"), 12)
            paper.line(parcel.gift_card, 12)
    return paper.done()


def draw_labels(parcels: Iterable[Parcel]) -> bytes:
    """One label of 100 × 150 mm for each parcel: where it goes, and a barcode of its tracking number or its own id."""
    paper = _Paper(LABEL, margin=6 * mm)
    for number, parcel in enumerate(parcels):
        if number:
            paper.next()
        paper.line(parcel.carrier or _("Parcel"), _BIG)
        paper.line(parcel.place, 14)
        paper.gap(4)
        paper.line(f"{parcel.recipient}  {parcel.phone}", 13)
        paper.line(parcel.address, 13)
        paper.gap(4)
        for text in _facts(parcel):
            paper.line(text)
        paper.gap(4)
        paper.line(f"{_('From')} {parcel.node} · {parcel.shop} {parcel.number}", _SMALL)
        paper.barcode(parcel.tracking_number or f"TP{parcel.id}")
    return paper.done()


def draw_pickup_slips(parcels: Iterable[Parcel]) -> bytes:
    """One slip for each pickup, for its buyer: the store, the goods, and the code as text and as QR."""
    paper = _Paper(SLIP, margin=8 * mm)
    for number, parcel in enumerate(parcels):
        if number:
            paper.next()
        paper.line(_("Pickup"), _BIG)
        paper.line(f"{parcel.node}", 13)
        paper.line(f"{parcel.shop} · {_('Order')} {parcel.number}")
        for item in parcel.items:
            paper.line(f"{item.name or item.sku} × {item.qty}")
        if parcel.due:
            paper.line(f"{_('Fetch it until')} {parcel.due}")
        if parcel.code:
            paper.gap(4)
            paper.line(parcel.code, 18)
            paper.qr(parcel.link or parcel.code)
    return paper.done()


def _facts(parcel: Parcel) -> list[str]:
    facts = []
    if parcel.due:
        facts.append(f"{_('Due')} {parcel.due}")
    if parcel.slot:
        facts.append(f"{_('Wanted between')} {parcel.slot}")
    if parcel.is_contactless:
        facts.append(_("Contactless: leave it at the door"))
    if parcel.note:
        facts.append(f"{_('Note')}: {parcel.note}")
    return facts


class _Paper:
    """A page that is written from the top down; it turns over when it is full."""

    def __init__(self, size: tuple[float, float], margin: float = _MARGIN) -> None:
        if FONT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(cidfonts.UnicodeCIDFont(FONT))
        self.width, self.height = size
        self.margin = margin
        self._file = io.BytesIO()
        # Invariant: the same papers are the same bytes, without a clock.
        self._canvas = canvas.Canvas(self._file, pagesize=size, invariant=True)
        self._y = self.height - margin

    def gap(self, points: float) -> None:
        self._y -= points

    def next(self) -> None:
        self._canvas.showPage()
        self._y = self.height - self.margin

    def line(self, text: str, size: float = _TEXT, indent: float = 0) -> None:
        """``text``, broken where the page ends; nothing for none."""
        for piece in _broken(text, size, self.width - 2 * self.margin - indent):
            self._room(size * 1.5)
            self._write(self.margin + indent, piece, size)

    def row(self, cells: Sequence[tuple[float, str]], indent: float = 0) -> None:
        self._room(_TEXT * 1.5)
        for (at, text), following in zip(cells, [*(c[0] for c in cells[1:]), 480], strict=True):
            pieces = _broken(text, _TEXT, following - at - 6)
            self._write(self.margin + indent + at, pieces[0] if pieces else "", _TEXT)

    def box(self) -> None:
        self._room(_TEXT * 1.5)
        self._canvas.rect(self.margin, self._y - 1, 9, 9)
        self._y += _TEXT * 1.5

    def barcode(self, text: str) -> None:
        # Loading all that it knows of barcodes takes as long as the rest of a process's start.
        from reportlab.graphics.barcode.code128 import Code128  # noqa: PLC0415

        drawn = Code128(text, barHeight=18 * mm, barWidth=0.45 * mm, humanReadable=False)
        scale = min(1.0, (self.width - 2 * self.margin) / drawn.width)
        self._room(24 * mm)
        self._canvas.saveState()
        self._canvas.translate(self.margin, self._y + 4 * mm)
        self._canvas.scale(scale, 1)
        drawn.drawOn(self._canvas, 0, 0)
        self._canvas.restoreState()
        self._write(self.margin, text, _TEXT)

    def qr(self, text: str) -> None:
        matrix = segno.make(text, error="m").matrix
        side = min(52 * mm, self.width - 2 * self.margin)
        self._room(side + 4)
        cell = side / len(matrix)
        for y, row in enumerate(matrix):
            for x, dark in enumerate(row):
                if dark:
                    at = (self.margin + x * cell, self._y + side - (y + 1) * cell)
                    self._canvas.rect(*at, cell, cell, stroke=0, fill=1)

    def done(self) -> bytes:
        self._canvas.save()
        return self._file.getvalue()

    def _room(self, points: float) -> None:
        self._y -= points
        if self._y < self.margin:
            self.next()
            self._y -= points

    def _write(self, x: float, text: str, size: float) -> None:
        self._canvas.setFont(FONT, size)
        self._canvas.drawString(x, self._y, text)


def _broken(text: str, size: float, width: float) -> list[str]:
    """``text`` in pieces of at most ``width`` points; control characters are blanks. Chinese breaks anywhere."""
    pieces: list[str] = []
    for line in text.splitlines():
        piece = ""
        for character in "".join(c if c.isprintable() else " " for c in line):
            if piece and pdfmetrics.stringWidth(piece + character, FONT, size) > width:
                pieces.append(piece)
                piece = ""
            piece += character
        if piece.strip():
            pieces.append(piece)
    return pieces


def qr_svg(text: str) -> str:
    """A QR of ``text`` as inline SVG with the quiet zone it needs; whoever shows it says how large."""
    made: Any = segno.make(text, error="m")
    drawn: str = made.svg_inline(scale=4, border=4, light="white", omitsize=True)
    return drawn
