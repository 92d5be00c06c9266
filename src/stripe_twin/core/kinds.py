"""What the machinery must know of a kind of object; each resource module registers its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stripe_twin.core.json import Json

if TYPE_CHECKING:
    from stripe_twin.core.unit import Unit

Include = Callable[["Unit", Json], Any]


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    name: the value of its `object` field. label: how "No such ...: 'id'" names it.
    compose: adds what the stored document does not hold (items of a subscription, page addresses).
    includable: fields shown only when expanded. due: when it wants attention by itself, None for never.
    on_due: what then happens.
    """

    name: str
    label: str
    compose: Callable[["Unit", Json], Json] | None = None
    includable: Mapping[str, Include] = field(default_factory=dict)
    due: Callable[[Json], int | None] | None = None
    on_due: Callable[["Unit", Json], None] | None = None


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known."""
    KINDS[kind.name] = kind
    return kind
