"""What is asked of printing. What prints is large, and loaded when something is printed."""

from dataclasses import dataclass
from pathlib import Path

from .model import InvoiceDocument


class UnusableFontError(ValueError):
    """The extra font is no TrueType font that can be put into a document."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as printed. Empty parts are left out. `address` has lines."""

    name: str = ""
    address: tuple[str, ...] = ()
    tax_id: str = ""
    email: str = ""


def check_font(font: Path) -> None:
    """Have a font ready to write letters beyond Latin, Greek and Cyrillic.

    Raises:
        UnusableFontError: it cannot be used.
    """
    from .printing import load_fonts  # noqa: PLC0415 - slow to load, used by few

    load_fonts(font)


def print_invoice(document: InvoiceDocument, seller: Seller, *, font: Path | None = None) -> bytes:
    """Return the invoice as a PDF. `font` is a TrueType font for letters beyond Latin, Greek and Cyrillic.

    Takes time, also for what it loads: never in the loop.

    Raises:
        UnusableFontError: the extra font cannot be used.
    """
    from .printing import printed  # noqa: PLC0415 - slow to load, used by few

    return printed(document, seller, font)
