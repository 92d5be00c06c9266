"""What one page or form promises."""

from dataclasses import dataclass, field
from typing import Any

from .grid import Called

Fields = dict[str, str]
NOTHING_TO_GET_WRONG: tuple[Fields, frozenset[str]] = ({}, frozenset())


@dataclass(frozen=True)
class Page(Called):
    """One page or form and its promises.

    Attributes:
        call: method and path as the router has them.
        needs: PUBLIC, PERSON (anybody logged in), STAFF, ADMIN, or the permission that is needed.
        success: status of the good call by `caller`; None where the test named in `told` makes it.
        form: the good fields of a form; its token is added.
        query: the good query of a page.
        wrong: fields with something wrong in each, and those that then show an error beside them (with 422). No fields:
            there is nothing to get wrong in this form.
        refused: the status when something is wrong.
        others: names another tenant's thing in the path, or, with `as`, who asks for ours: 404, as if it did not exist.
        twice: statuses the same form may be answered with when it comes a second time.
        foreign: comes from another site by design (a provider, the browser itself), so it has no token; says why.
        told: path of the test that tells what this row cannot.
    """

    call: str
    needs: str
    success: int | None = 200
    form: Fields | None = None
    query: Fields = field(default_factory=dict)
    wrong: tuple[Fields, frozenset[str]] | None = None
    refused: int = 422
    caller: str = "ada"
    others: Fields | None = None
    twice: frozenset[int] = frozenset({200, 303})
    foreign: str = ""
    told: str = ""


def unnamed(**fields: str) -> tuple[Fields, frozenset[str]]:
    """Fields that are wrong; the page says so on top."""
    return fields, frozenset()


def form_of(call: str, needs: str, form: Any = None, **more: Any) -> Page:
    """Return the row of a form that leads on to another page."""
    return Page(call, needs, **{"success": 303, "form": form or {}, "wrong": NOTHING_TO_GET_WRONG, **more})
