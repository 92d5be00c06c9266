"""What a deployment looks like: its name, its sign, and the colours of pages and mails, light and dark."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tollkeeper.kit import READABLE, Colour

if TYPE_CHECKING:
    from .settings import Settings

NAME = "Tollkeeper"
MAX_LOGO = 100_000
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme that mails share with pages; each `#rrggbb`.

    Attributes:
        page: what everything lies on.
        surface: panels and sheets.
        line: hairlines.
        text: what is read.
        muted: text of second rank.
        accent: links, buttons, charts.
        on_accent: what is read on the accent.
        tint: a breath of the accent, behind what it marks.
    """

    page: str
    surface: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    tint: str


LIGHT = Palette(
    page="#f7f9fa",
    surface="#ffffff",
    line="#e0e5e7",
    text="#171e23",
    muted="#53595d",
    accent="#006676",
    on_accent="#f8fdfe",
    tint="#ebfafd",
)
DARK = Palette(
    page="#0c1114",
    surface="#12181c",
    line="#282f33",
    text="#e7ecee",
    muted="#a0a5a8",
    accent="#5ecad6",
    on_accent="#041a1e",
    tint="#122529",
)
"""The same as in `web/ui/assets/app.css`; a test compares them."""


@dataclass(frozen=True, slots=True)
class Logo:
    """The operator's sign. `name` changes with the content, so that a browser may keep it for ever."""

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Brand:
    """How this deployment appears. `has_accent`: its colours are not Tollkeeper's own; `logo` None: Tollkeeper's."""

    name: str
    light: Palette
    dark: Palette
    has_accent: bool
    logo: Logo | None


def brand_of(settings: "Settings") -> Brand:
    """Return how this deployment appears."""
    light, dark = _palettes(settings.brand_accent)
    name = settings.brand_name or settings.seller_name or NAME
    return Brand(name, light, dark, bool(settings.brand_accent), _logo(settings.brand_logo))


@cache
def _palettes(accent: str) -> tuple[Palette, Palette]:
    if not accent:
        return LIGHT, DARK
    colour = Colour.parse(accent)
    return _with(LIGHT, colour, on=0.99, tint=0.975), _with(DARK, colour.lit(0.78, 0.13), on=0.2, tint=0.25)


def _with(palette: Palette, accent: Colour, *, on: float, tint: float) -> Palette:
    return Palette(
        page=palette.page,
        surface=palette.surface,
        line=palette.line,
        text=palette.text,
        muted=palette.muted,
        accent=accent.hex,
        on_accent=accent.lit(on, 0.03).hex,
        tint=accent.lit(tint, 0.026).hex,
    )


def accent_problem(accent: str) -> str:
    """Say why this is no accent, and which is the nearest that is; empty when it is one."""
    if not accent or _is_readable(colour := Colour.parse(accent)):
        return ""
    lightness = colour.as_oklch()[0]
    while not _is_readable(nearest := colour.lit(lightness)):
        lightness -= 0.005
    return (
        f"TOLLKEEPER_BRAND_ACCENT: {accent} cannot be read on white (contrast "
        f"{colour.contrast(Colour.parse(LIGHT.surface)):.1f}, {READABLE} is needed); the nearest that can is "
        f"{nearest.hex}."
    )


def _is_readable(accent: Colour) -> bool:
    """Whether text of this colour is read wherever it stands, and text on it."""
    light = _with(LIGHT, accent, on=0.99, tint=0.975)
    grounds = (light.page, light.surface, light.on_accent, light.tint)
    return all(accent.contrast(Colour.parse(each)) >= READABLE for each in grounds)


@cache
def _logo(path: Path | None) -> Logo | None:
    if path is None:
        return None
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:12]
    suffix = path.suffix.lower()
    return Logo(f"logo-{digest}{suffix}", LOGO_TYPES[suffix], body)
