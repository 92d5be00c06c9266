"""Colours: as screens have them, as the eye sees them (OKLCH), and how well one can be read on another."""

import math
import re
from dataclasses import dataclass
from typing import Self

READABLE = 4.5
"""The contrast that text needs (WCAG 2.2, 1.4.3)."""
_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour of sRGB; each part from 0 to 1, beyond it when no screen shows it."""

    red: float
    green: float
    blue: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the colour of `#rrggbb`; raises ValueError for anything else."""
        found = _HEX.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no colour; write `#0b5f6e`.")
        return cls(*(int(part, 16) / 255 for part in found.groups()))

    @classmethod
    def oklch(cls, lightness: float, chroma: float, hue: float) -> Self:
        """Return the colour of this lightness (0 to 1) and hue (degrees); less vivid where no screen shows it."""
        shown = cls._unbound(lightness, chroma, hue)
        if _is_shown(shown):
            return shown
        low, high = 0.0, chroma
        while high - low > _LEAST:
            middle = (low + high) / 2
            low, high = (middle, high) if _is_shown(cls._unbound(lightness, middle, hue)) else (low, middle)
        return cls._unbound(lightness, low, hue)

    @classmethod
    def _unbound(cls, lightness: float, chroma: float, hue: float) -> Self:
        # https://bottosson.github.io/posts/oklab/
        a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
        long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        return cls(
            _curved(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
            _curved(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
            _curved(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
        )

    @property
    def hex(self) -> str:
        """The colour as `#rrggbb`."""
        parts = (round(255 * min(max(part, 0), 1)) for part in (self.red, self.green, self.blue))
        return "#" + "".join(f"{part:02x}" for part in parts)

    def as_oklch(self) -> tuple[float, float, float]:
        """Return lightness, chroma and hue in degrees."""
        red, green, blue = (_straight(part) for part in (self.red, self.green, self.blue))
        long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
        middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
        short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
        lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
        a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
        b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
        return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360

    def lit(self, lightness: float, most_chroma: float = 1.0) -> "Colour":
        """Return the colour of the same hue at another lightness, at most so vivid."""
        _, chroma, hue = self.as_oklch()
        return Colour.oklch(lightness, min(chroma, most_chroma), hue)

    def contrast(self, other: "Colour") -> float:
        """Return how well one is read on the other: from 1 (not at all) to 21 (black on white)."""
        low, high = sorted((self.luminance, other.luminance))
        return (high + 0.05) / (low + 0.05)

    @property
    def luminance(self) -> float:
        """How much light it gives, from 0 to 1 (WCAG's relative luminance)."""
        return 0.2126 * _straight(self.red) + 0.7152 * _straight(self.green) + 0.0722 * _straight(self.blue)


def _is_shown(colour: Colour) -> bool:
    return all(-_LEAST <= part <= 1 + _LEAST for part in (colour.red, colour.green, colour.blue))


def _curved(linear: float) -> float:
    if linear <= 0.0031308:  # noqa: PLR2004 - sRGB's own numbers, here and below
        return 12.92 * linear
    return float(1.055 * linear ** (1 / 2.4) - 0.055)


def _straight(part: float) -> float:
    if part <= 0.04045:  # noqa: PLR2004 - as above
        return part / 12.92
    return float(((part + 0.055) / 1.055) ** 2.4)
