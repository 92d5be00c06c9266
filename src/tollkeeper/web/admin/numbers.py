"""Numbers as they come in addresses and forms."""


def whole_number(text: str, *, digits: int) -> int | None:
    """Return a whole number, nought or above, of at most so many digits; None: the text is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
