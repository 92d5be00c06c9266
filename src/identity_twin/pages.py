"""The pages a person sees, and the headers they come with."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from twin_kit.pages import HEADERS, templates_of

STATIC = Path(__file__).parent / "static"
_FIELD_LIMIT = 2000
_templates = templates_of("identity_twin")


def show(template: str, status: int = 200, **context: Any) -> Response:
    """The page, with headers that allow nothing but its own style sheet."""
    return HTMLResponse(_templates.get_template(template).render(context), status, HEADERS)


def refuse(words: str, status: int = 400) -> Response:
    """A page that says what is wrong; the browser is not sent back to an address that cannot be trusted."""
    return show("message.html", status, title="This cannot be done", words=words)


async def posted(request: Request) -> dict[str, str]:
    """The text fields of a form."""
    async with request.form(max_files=0, max_fields=50) as form:
        return {name: value[:_FIELD_LIMIT] for name, value in form.items() if isinstance(value, str)}
