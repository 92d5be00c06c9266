"""Pages of the admin: in their frame, and those that ask before something is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from tollkeeper.web.ui import FormState, empty_form, page

from .guard import StaffViewer
from .places import GROUPS


def show(request: Request, viewer: StaffViewer, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Answer with `admin/<template>` in the frame; `context` is what the template shows."""
    return page(request, f"admin/{template}", status=status, viewer=viewer, groups=GROUPS, **context)


@dataclass(frozen=True, slots=True)
class Typed:
    """A field of the page that asks. `kind`: an input's type, `textarea`, or `select` with `choices` (value, words)."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    required: bool = True
    choices: Sequence[tuple[str, str]] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """What an admin confirms before it is done.

    Attributes:
        title: what is done, as a question or an order ("Suspend Ada's workshop").
        text: what follows from it.
        action: where the form goes.
        button: what is pressed.
        back: where it leads when nothing is done.
        rows: what is shown of it, (words, value).
        typed: what has to be typed or chosen.
        hidden: what the form carries along.
        is_grave: it cannot be undone, or stops somebody from working.
    """

    title: str
    text: str
    action: str
    button: str
    back: str
    rows: Sequence[tuple[str, str]] = ()
    typed: Sequence[Typed] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    is_grave: bool = False


def ask(
    request: Request, viewer: StaffViewer, asking: Asking, *, form: FormState | None = None, status: int = 200
) -> HTMLResponse:
    """Answer with the page that asks; `form` as it was refused, with `status`."""
    shown = form or empty_form(*(each.name for each in asking.typed))
    return show(request, viewer, "ask.html", status=status, asking=asking, form=shown)
