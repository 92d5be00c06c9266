"""The ASGI application: issuers, GitHub, the front page, and what only tests ask for."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import github, issuer
from .model import Misbehaviour
from .pages import STATIC, posted, refuse, show
from .state import State


def build(state: State) -> Starlette:
    """The application around a state."""
    return Starlette(
        routes=[
            *issuer.routes(state),
            *github.routes(state),
            *_control(state),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )


def _control(state: State) -> list[Route]:
    async def front(_: Request) -> Response:
        return show("front.html", base=state.base, kinds=list(Misbehaviour), now=state.misbehaviour)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "asked": state.asked})

    async def misbehave(request: Request) -> Response:
        try:
            state.misbehaviour = Misbehaviour((await posted(request)).get("kind", ""))
        except ValueError:
            return refuse("There is no such misbehaviour.", 422)
        return RedirectResponse("/", 303)

    async def roll(request: Request) -> Response:
        if (await posted(request)).get("forget"):
            state.forget_keys()
        else:
            state.roll()
        return RedirectResponse("/", 303)

    return [
        Route("/", front, methods=["GET"]),
        Route("/_twin/health", health, methods=["GET"]),
        Route("/_twin/misbehave", misbehave, methods=["POST"]),
        Route("/_twin/roll", roll, methods=["POST"]),
    ]
