"""What may go wrong with webhooks, on demand: a record of settings, checked, kept in the store, normal by default."""

from dataclasses import asdict, dataclass
from typing import Literal

import msgspec

from stripe_twin.core.json import Json
from stripe_twin.core.version import VERSIONS


@dataclass(frozen=True)
class Misdelivery:
    """How deliveries differ from the well-behaved ones. Every default is the normal behaviour.

    Taken when an event is reported:
        duplicates: how many copies of each delivery follow the first, 0 to 20.
        delay_seconds: how long (virtual seconds) every delivery waits before its first try, up to three days.
        reorder_seconds: events reported within this many virtual seconds arrive in any order, up to an hour.
        same_second: events carry the second in which their block of this many seconds began as their `created`.
        seed: makes the order repeatable.
    Taken when a delivery is sent, so also by what already waits:
        concurrent: how many deliveries to one endpoint start at the same moment, 1 to 20.
        api_version: the version bodies are rendered in, None for the endpoint's own.
        thin: bodies are notifications without data (`v2.core.event`).
        down: nothing gets through; every try fails as if the endpoint did not answer.
        signature_clock: whether signatures carry the wall clock's time or the virtual one's.
    """

    duplicates: int = 0
    delay_seconds: float = 0.0
    reorder_seconds: float = 0.0
    same_second: int = 1
    seed: int = 0
    concurrent: int = 1
    api_version: str | None = None
    thin: bool = False
    down: bool = False
    signature_clock: Literal["wall", "virtual"] = "wall"

    def __post_init__(self) -> None:
        """ValueError in words for what lies outside the bounds."""
        bounds = {
            "duplicates": (0, 20),
            "delay_seconds": (0, 259_200),
            "reorder_seconds": (0, 3_600),
            "same_second": (1, 3_600),
            "concurrent": (1, 20),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}")
        if self.api_version is not None and self.api_version not in VERSIONS:
            raise ValueError(f"api_version must be one of {', '.join(VERSIONS)}")

    @property
    def shown(self) -> Json:
        """The settings as JSON."""
        return asdict(self)


NORMAL = Misdelivery()


def read(text: str | bytes) -> Misdelivery:
    """Settings from a JSON object; what it leaves out is normal. ValueError in words when it is not right."""
    given = msgspec.json.decode(text, type=dict[str, object])
    unknown = sorted(given.keys() - NORMAL.shown.keys())
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(NORMAL.shown)}")
    return msgspec.convert(given, Misdelivery)
