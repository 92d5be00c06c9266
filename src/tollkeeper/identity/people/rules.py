"""Pure decisions: which language tags there are, and which pictures are taken."""

import re
from io import BytesIO

from tollkeeper.kit import FieldProblem, InvalidInputError

from .model import MAX_PICTURE, PICTURE_SIDE

# Language, script, region (RFC 5646); what comes beyond them changes nothing a page could show.
_TAG = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|\d{3}))?")
_FORMATS = ("PNG", "JPEG", "WEBP")
# A file of a megabyte can claim to be as large as it likes; this much is drawn at most.
_MAX_PIXELS = 24_000_000


def check_language_tag(text: str, field: str) -> str:
    """Return the tag as it is usually written: `DE-at` is `de-AT`.

    Raises:
        InvalidInputError: naming `field`.
    """
    found = _TAG.fullmatch(text)
    if found is None:
        raise InvalidInputError([FieldProblem(field, "is not a language tag such as `en` or `de-AT`", field)])
    language, script, region = found.groups()
    parts = [language.lower(), script and script.title(), region and region.upper()]
    return "-".join(part for part in parts if part)


def redraw(content: bytes) -> bytes:
    """Return the picture drawn anew: a square WebP without anything else that the file held, places and names included.

    Takes PNG, JPEG and WebP. Works for some milliseconds: call it off the event loop.

    Raises:
        InvalidInputError: naming the field `picture`: it is too large, none of these, or broken.
    """
    if len(content) > MAX_PICTURE:
        raise _refused(f"must have at most {MAX_PICTURE // 1024} KiB", "too_large")
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - slow to load, used by few

    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise _refused(f"must have at most {_MAX_PIXELS // 1_000_000} million pixels", "too_large")
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
            square = ImageOps.fit(upright, (PICTURE_SIDE, PICTURE_SIDE))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise _refused("is not a PNG, JPEG or WebP picture, or is broken", "picture") from None
    drawn = BytesIO()
    # A picture made of the points alone: nothing else of the file comes along.
    plain = Image.new("RGBA", square.size)
    plain.paste(square)
    plain.save(drawn, "WEBP", quality=85)
    return drawn.getvalue()


def _refused(message: str, kind: str) -> InvalidInputError:
    return InvalidInputError([FieldProblem("picture", message, kind)])
