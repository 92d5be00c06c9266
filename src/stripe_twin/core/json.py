"""One name for JSON objects, and how they are kept and printed."""

from typing import Any

from msgspec import json

Json = dict[str, Any]


def compact(value: Any) -> str:
    """The form kept in the store."""
    return json.encode(value).decode()


def pretty(value: Any) -> bytes:
    """The form Stripe sends: two-space indentation, UTF-8."""
    return json.format(json.encode(value), indent=2)


def parse(text: str) -> Json:
    """A document from its kept form."""
    document: Json = json.decode(text)
    return document
