"""Charts: series of numbers over time, and small lines drawn on the server that need no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_STROKE = 1.5


@dataclass(frozen=True, slots=True)
class Point:
    """A number for the bucket that begins at `at`."""

    at: datetime
    value: int


@dataclass(frozen=True, slots=True)
class Trend:
    """Numbers over time, every bucket present; what the macros `chart` and `tile` draw. `bucket`: `hour` or `day`."""

    title: str
    bucket: str
    points: tuple[Point, ...]

    @property
    def total(self) -> int:
        """Everything within the span."""
        return sum(point.value for point in self.points)

    @property
    def values(self) -> tuple[int, ...]:
        """The numbers alone, for a spark line."""
        return tuple(point.value for point in self.points)


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line as SVG wants it: `line` and `area` are the `points` of a polyline and a polygon."""

    width: int
    height: int
    line: str
    area: str


def spark(values: Sequence[int | float], width: int = 120, height: int = 32) -> Spark | None:
    """Return the line of these numbers from nought up; None when there are fewer than two.

    Args:
        values: oldest first.
        width: of the drawing, in its own units.
        height: likewise.
    """
    if len(values) < 2:  # noqa: PLR2004 - a line needs two ends
        return None
    top, bottom = max(*values, 0), min(*values, 0)
    span = (top - bottom) or 1
    room = height - 2 * _STROKE
    places = [
        (width * number / (len(values) - 1), height - _STROKE - room * (value - bottom) / span)
        for number, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return Spark(width, height, line, f"0,{height} {line} {width},{height}")
