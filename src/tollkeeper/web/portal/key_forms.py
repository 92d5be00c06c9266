"""What the forms of API keys have in common."""

from collections.abc import Mapping

from tollkeeper.identity import clean_name
from tollkeeper.kit import FieldProblem, InvalidInputError

MAX_KEY_NAME = 100
FIELDS = ("name", "expires", "kind", "networks")


def key_name(fields: Mapping[str, str]) -> str:
    """Return the name typed.

    Raises:
        InvalidInputError: there is none, or it is too long.
    """
    name = clean_name(fields.get("name", ""))
    if not name:
        raise InvalidInputError([FieldProblem("name", "Give the key a name, for example where it is used")])
    if len(name) > MAX_KEY_NAME:
        raise InvalidInputError([FieldProblem("name", f"must have at most {MAX_KEY_NAME} characters")])
    return name


def lines_of(text: str) -> list[str]:
    """Return what stands on lines, or between commas, of its own."""
    return text.replace(",", " ").split()
