"""The pages people read mails on, and the same for programs."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mailbox_twin.mailbox import Letter, Mailbox
from mailbox_twin.smtp import receiving
from twin_kit.pages import HEADERS, POLICY, templates_of

_HEADERS = {**HEADERS, "Content-Security-Policy": f"{POLICY}; form-action 'self'"}
# A mail's own styles may show; nothing else of it may happen.
_OF_MAILS = {
    **_HEADERS,
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
}
_templates = templates_of("mailbox_twin")


def build(mailbox: Mailbox, smtp: socket.socket) -> Starlette:
    """The application around a mailbox; while it runs, mails come in from the socket `smtp`."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with receiving(mailbox, smtp):
            yield

    app = Starlette(
        routes=[
            Route("/", _front),
            Route("/mails/{number:int}", _mail),
            Route("/mails/{number:int}/html", _html),
            Route("/wipe", _wipe_by_hand, methods=["POST"]),
            Route("/api/mails", _list),
            Route("/api/mails", _wipe, methods=["DELETE"]),
            Route("/api/mails/{number:int}", _read),
            Route("/api/health", _health),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: _lost},
    )
    app.state.mailbox = mailbox
    return app


def _mailbox(request: Request) -> Mailbox:
    found: Mailbox = request.app.state.mailbox
    return found


def _letter(request: Request) -> Letter:
    letter = _mailbox(request).letter(request.path_params["number"])
    if letter is None:
        raise HTTPException(404)
    return letter


def _show(template: str, status: int = 200, **context: Any) -> Response:
    return HTMLResponse(_templates.get_template(template).render(context), status, _HEADERS)


async def _front(request: Request) -> Response:
    to = request.query_params.get("to", "")
    return _show("front.html", letters=_mailbox(request).letters(to), to=to)


async def _mail(request: Request) -> Response:
    return _show("mail.html", letter=_letter(request))


async def _html(request: Request) -> Response:
    return HTMLResponse(_letter(request).html, headers=_OF_MAILS)


async def _wipe_by_hand(request: Request) -> Response:
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403)
    _mailbox(request).wipe()
    return RedirectResponse("/", 303)


async def _list(request: Request) -> Response:
    letters = _mailbox(request).letters(request.query_params.get("to", ""))
    return JSONResponse({"data": [each.as_json() for each in letters]}, headers=_HEADERS)


async def _read(request: Request) -> Response:
    return JSONResponse(_letter(request).as_json(), headers=_HEADERS)


async def _wipe(request: Request) -> Response:
    _mailbox(request).wipe()
    return Response(status_code=204)


async def _health(_: Request) -> Response:
    return JSONResponse({"service": "mailbox_twin"}, headers=_HEADERS)


async def _lost(request: Request, error: Exception) -> Response:
    """No such address or mail: in JSON below /api, as a page elsewhere."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = "There is nothing at this address."
    if request.url.path.startswith("/api"):
        return JSONResponse({"detail": words}, status)
    return _show("lost.html", status, words=words)
