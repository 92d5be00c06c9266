"""Invoices on paper: a PDF of our own. The same document gives the same bytes; it takes time, so never in the loop."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from tollkeeper.billing.provider import InvoiceLine
from tollkeeper.kit import Money

from .model import CreditNote, InvoiceDocument
from .paper import Seller, UnusableFontError
from .rules import address_lines, notes, rates_of, sums, tax_id_words, unit_price

_FOLDER = Path(__file__).parent / "fonts"
_PLAIN, _BOLD, _EXTRA = "Tollkeeper", "Tollkeeper-Bold", "Tollkeeper-Extra"
_INK, _SOFT, _LINE = HexColor(0x1A1A1A), HexColor(0x5C5C5C), HexColor(0xD9D9D9)
_MARGIN = 20 * mm
_PADDING = 6  # what the library leaves free inside its margins
_WIDTH = A4[0] - 2 * _MARGIN
_TITLES = {"draft": "Draft invoice", "void": "Void invoice"}
_MARKS = {"draft": "DRAFT", "void": "VOID"}
_STATES = {"paid": "Paid", "open": "Open", "uncollectible": "Not collected", "draft": "Draft", "void": "Void"}
# The library keeps fonts and styles for the whole process.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Styles:
    body: ParagraphStyle
    right: ParagraphStyle
    soft: ParagraphStyle
    soft_right: ParagraphStyle
    bold: ParagraphStyle
    bold_right: ParagraphStyle
    title: ParagraphStyle


def _styles() -> _Styles:
    body = ParagraphStyle("body", fontName=_PLAIN, fontSize=9, leading=13, textColor=_INK)
    soft = ParagraphStyle("soft", body, fontSize=8, leading=11, textColor=_SOFT)
    bold = ParagraphStyle("bold", body, fontName=_BOLD)
    return _Styles(
        body=body,
        right=ParagraphStyle("right", body, alignment=TA_RIGHT),
        soft=soft,
        soft_right=ParagraphStyle("soft_right", soft, alignment=TA_RIGHT),
        bold=bold,
        bold_right=ParagraphStyle("bold_right", bold, alignment=TA_RIGHT),
        title=ParagraphStyle("title", bold, fontSize=20, leading=24),
    )


def load_fonts(extra: Path | None) -> None:
    """Make the fonts known to the library. `extra` writes the letters that ours lack; None: there is none.

    Raises:
        UnusableFontError: the extra font cannot be used.
    """
    known = set(pdfmetrics.getRegisteredFontNames())
    for name, file in ((_PLAIN, "DejaVuSans.ttf"), (_BOLD, "DejaVuSans-Bold.ttf")):
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, _FOLDER / file))
    if extra is not None and _EXTRA not in known:
        try:
            pdfmetrics.registerFont(TTFont(_EXTRA, extra))
        except (TTFError, OSError) as error:
            raise UnusableFontError(str(error)) from error


def printed(document: InvoiceDocument, seller: Seller, font: Path | None) -> bytes:
    """Return the invoice as a PDF. `font` is a TrueType font for letters beyond Latin, Greek and Cyrillic.

    Raises:
        UnusableFontError: the extra font cannot be used.
    """
    with _ONE_AT_A_TIME:
        load_fonts(font)
        return _Printer(document, seller).pdf()


class _Printer:
    """One document being printed."""

    def __init__(self, document: InvoiceDocument, seller: Seller) -> None:
        self._document = document
        self._invoice = document.invoice
        self._seller = seller
        self._styles = _styles()

    def pdf(self) -> bytes:
        paper = BytesIO()
        invoice = self._invoice
        title = f"{self._called()} {invoice.number}" if invoice.number else _TITLES["draft"]
        template = SimpleDocTemplate(
            paper,
            pagesize=A4,
            leftMargin=_MARGIN - _PADDING,
            rightMargin=_MARGIN - _PADDING,
            topMargin=_MARGIN,
            bottomMargin=_MARGIN,
            title=title,
            author=self._seller.name or None,
            invariant=1,  # no time of printing in it
        )
        draw = partial(_page, mark=_MARKS.get(invoice.status, ""), title=title)
        template.build([*self._head(), *self._body(), *self._tail()], onFirstPage=draw, onLaterPages=draw)
        return paper.getvalue()

    def _called(self) -> str:
        # It stays the invoice that is kept for taxes: there is no second paper of the same number.
        return "Invoice and receipt" if self._document.is_receipt else "Invoice"

    def _head(self) -> list[Flowable]:
        invoice, styles = self._invoice, self._styles
        title = _TITLES.get(invoice.status, self._called())
        facts = [
            ("Number", invoice.number or "not given yet"),
            ("Date", _day(invoice.finalized_at or invoice.issued_at)),
        ]
        facts += [("Status", _STATES.get(invoice.status, invoice.status.capitalize()))]
        facts += [(name, _day(at)) for name, at in (("Due", invoice.due_at), ("Paid on", invoice.paid_at)) if at]
        facts += [("Paid with", self._document.paid_with)] if self._document.paid_with else []
        if invoice.period_start and invoice.period_end and invoice.period_start < invoice.period_end:
            facts.append(("Period", f"{_day(invoice.period_start)} to {_day(invoice.period_end)}"))
        shown = [[_words(name, styles.soft), _words(value, styles.body)] for name, value in facts]
        table = Table(shown, colWidths=[22 * mm, 63 * mm], hAlign="LEFT", style=_TIGHT)
        top = Table([[[Paragraph(title, styles.title), Spacer(0, 3 * mm), table], self._from()]], colWidths=_HALVES)
        top.setStyle(_TIGHT)
        return [top, Spacer(0, 8 * mm), *self._to(), Spacer(0, 8 * mm)]

    def _from(self) -> list[Flowable]:
        seller, styles = self._seller, self._styles
        lines = [_words(seller.name, styles.bold_right)] if seller.name else []
        more = [*seller.address, f"Tax ID {seller.tax_id}" if seller.tax_id else "", seller.email]
        return [*lines, *(_words(line, styles.soft_right) for line in more if line)]

    def _to(self) -> list[Flowable]:
        who, styles = self._invoice.billed_to, self._styles
        ids = [f"{tax_id_words(each.kind)} {each.value}" for each in who.tax_ids]
        lines = [*address_lines(who.address), who.email or "", *ids]
        name = _words(who.name or who.email or "", styles.bold)
        return [_words("Billed to", styles.soft), name, *(_words(line, styles.body) for line in lines if line)]

    def _body(self) -> list[Flowable]:
        invoice, styles = self._invoice, self._styles
        currency = invoice.total.currency.upper()
        heads = ("Description", "Quantity", "Unit price", "Tax", f"Amount ({currency})")
        rows: list[list[Flowable | list[Flowable]]] = [
            [_words(text, styles.soft if place == 0 else styles.soft_right) for place, text in enumerate(heads)]
        ]
        rows += [self._line(line) for line in invoice.lines]
        table = Table(rows, colWidths=_COLUMNS, repeatRows=1, style=_RULED)
        return [table, Spacer(0, 5 * mm), self._sums()]

    def _line(self, line: InvoiceLine) -> list[Flowable | list[Flowable]]:
        styles, currency = self._styles, self._invoice.total.currency
        words: list[Flowable] = [_words(line.description, styles.body)]
        if line.period_start and line.period_end and line.period_start < line.period_end:
            words.append(_words(f"{_day(line.period_start)} to {_day(line.period_end)}", styles.soft))
        off = sum(each.amount for each in line.discounts)
        if off:
            words.append(_words(f"before discounts of {_figure(Money(off, currency))}", styles.soft))
        cells = (
            "" if line.quantity is None else f"{line.quantity:,}",
            unit_price(line, currency),
            rates_of(line, self._document.terms),
            _figure(Money(line.amount, currency)),
        )
        return [words, *(_words(cell, styles.right) for cell in cells)]

    def _sums(self) -> Flowable:
        styles = self._styles
        rows = [
            [
                _words(row.label, styles.bold if row.strong else styles.body),
                _words(str(row.amount), styles.bold_right if row.strong else styles.right),
            ]
            for row in sums(self._document)
        ]
        return Table(rows, colWidths=[65 * mm, 35 * mm], hAlign="RIGHT", style=_RULED)

    def _tail(self) -> list[Flowable]:
        styles = self._styles
        found: list[Flowable] = [Spacer(0, 6 * mm)]
        found += [_words(note, styles.body) for note in notes(self._invoice)]
        if self._document.credit_notes:
            found += [Spacer(0, 4 * mm), _words("Credit notes", styles.bold), Spacer(0, 1 * mm)]
            rows = [
                [_words(text, styles.body), right] for text, right in map(self._credit, self._document.credit_notes)
            ]
            found.append(Table(rows, colWidths=[_WIDTH - 35 * mm, 35 * mm], style=_RULED))
        return found

    def _credit(self, note: CreditNote) -> tuple[str, Flowable]:
        parts = [note.number, _day(note.issued_at), (note.reason or "").replace("_", " "), note.memo or ""]
        void = ["void"] if note.status == "void" else []
        return ", ".join(part for part in [*parts, *void] if part), _words(str(-note.total), self._styles.right)


def _page(canvas: Canvas, template: SimpleDocTemplate, *, mark: str, title: str) -> None:
    """Draw what stands on every page: its number, and for what is not valid a mark across it."""
    canvas.saveState()
    if mark:
        canvas.setFillColor(Color(0, 0, 0, alpha=0.08))
        canvas.setFont(_BOLD, 110)
        canvas.translate(A4[0] / 2, A4[1] / 2)
        canvas.rotate(45)
        canvas.drawCentredString(0, -40, mark)
    canvas.restoreState()
    canvas.saveState()
    canvas.setFont(_PLAIN, 8)
    canvas.setFillColor(_SOFT)
    canvas.drawString(_MARGIN, 10 * mm, title)
    canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, f"Page {template.page}")
    canvas.restoreState()


def _words(text: str, style: ParagraphStyle) -> Paragraph:
    """Return text as it is, letters our font lacks in the extra font if there is one."""
    return Paragraph("<br/>".join(_covered(line, style.fontName) for line in text.splitlines()), style)


def _covered(text: str, font: str) -> str:
    if _EXTRA not in pdfmetrics.getRegisteredFontNames():
        return escape(text)
    chosen = pdfmetrics.getFont(font)
    known = chosen.face.charToGlyph if isinstance(chosen, TTFont) else {}
    return "".join(
        escape(letter) if ord(letter) in known else f'<font name="{_EXTRA}">{escape(letter)}</font>' for letter in text
    )


def _figure(money: Money) -> str:
    return str(money).rsplit(" ", 1)[0]


def _day(at: datetime) -> str:
    return f"{at:%-d %b %Y}"


_HALVES: Sequence[float] = (_WIDTH / 2, _WIDTH / 2)
_COLUMNS: Sequence[float] = (_WIDTH - 102 * mm, 20 * mm, 28 * mm, 20 * mm, 34 * mm)
_TIGHT = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
)
_RULED = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
    ]
)
