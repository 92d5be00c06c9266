"""One name for JSON objects, and how Stripe prints them."""

import json
from typing import Any

Json = dict[str, Any]


def compact(value: Any) -> str:
    """The form kept in the store."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def pretty(value: Any) -> bytes:
    """The form Stripe sends: two-space indentation, UTF-8."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def copy(value: Json) -> Json:
    """A deep copy of plain JSON."""
    copied: Json = json.loads(json.dumps(value))
    return copied
