"""The twin's addresses."""

from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from captcha_twin.state import TOKEN_LENGTH, Behaviour, State, Trouble

SCRIPT = """\
// An imitation of reCAPTCHA v3's script: every visitor gets a token.
(() => {
  const base = new URL(document.currentScript.src);
  window.grecaptcha = {
    ready: (callback) => { callback(); },
    execute: async (key, options) => {
      const asked = new URLSearchParams({ k: key, action: options.action, hostname: location.hostname });
      const answer = await fetch(new URL(`token?${asked}`, base));
      if (!answer.ok) throw new Error(`reCAPTCHA: ${await answer.text()}`);
      return (await answer.json()).token;
    },
  };
})();
"""
ANYWHERE = {"access-control-allow-origin": "*"}


def build(state: State) -> Starlette:
    """Build the application around one twin's state."""
    app = Starlette(
        routes=[
            Route("/recaptcha/api.js", _script),
            Route("/recaptcha/token", _token),
            Route("/recaptcha/api/siteverify", _verify, methods=["POST"]),
            Route("/_twin/tokens", _make_token, methods=["POST"]),
            Route("/_twin/behaviour", _behaviour, methods=["GET", "PUT"]),
        ]
    )
    app.state.twin = state
    return app


def _state(request: Request) -> State:
    found: State = request.app.state.twin
    return found


async def _script(request: Request) -> Response:
    key = request.query_params.get("render", "")
    if key != _state(request).site_key:
        return PlainTextResponse(f"throw new Error('Invalid site key: ' + {key!r});", 200, media_type="text/javascript")
    return Response(SCRIPT, media_type="text/javascript", headers={"cache-control": "no-store"})


async def _token(request: Request) -> Response:
    asked = request.query_params
    if asked.get("k") != _state(request).site_key:
        return PlainTextResponse("Invalid site key", 400, headers=ANYWHERE)
    token = _state(request).give_out(asked.get("action", ""), asked.get("hostname", ""))
    return JSONResponse({"token": token}, headers=ANYWHERE)


async def _verify(request: Request) -> Response:
    state = _state(request)
    trouble = state.behaviour.next_trouble()
    if trouble == "error":
        return PlainTextResponse("Internal Server Error", 500)
    if trouble == "nonsense":
        return PlainTextResponse("<html>We'll be back</html>")
    form = await request.form()
    secret, name = str(form.get("secret", "")), str(form.get("response", ""))
    problem = _problem(state, secret, name)
    if problem:
        return JSONResponse({"success": False, "error-codes": [problem]})
    token = state.take(name)
    if token is None:
        return JSONResponse({"success": False, "error-codes": ["timeout-or-duplicate"]})
    made_at = datetime.fromtimestamp(token.made_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told = {"challenge_ts": made_at, "hostname": token.hostname, "score": token.score, "action": token.action}
    return JSONResponse({"success": True, **told})


def _problem(state: State, secret: str, name: str) -> str:
    if not secret:
        return "missing-input-secret"
    if secret != state.secret:
        return "invalid-input-secret"
    if not name:
        return "missing-input-response"
    return "" if len(name) == TOKEN_LENGTH else "invalid-input-response"


async def _make_token(request: Request) -> Response:
    wish = await _body(request)
    if wish is None:
        return PlainTextResponse("send {action, score?, age_seconds?}", 400)
    score = wish.get("score")
    token = _state(request).give_out(
        str(wish.get("action", "")),
        "localhost",
        score=None if score is None else float(score),
        age=float(wish.get("age_seconds", 0)),
    )
    return JSONResponse({"token": token}, 201)


async def _behaviour(request: Request) -> Response:
    state = _state(request)
    if request.method == "PUT":
        wish = await _body(request)
        if wish is None or wish.get("trouble", "none") not in get_args(Trouble):
            return PlainTextResponse(f"send {{score?, trouble?: one of {', '.join(get_args(Trouble))}, times?}}", 400)
        state.behaviour = Behaviour(
            float(wish.get("score", Behaviour.score)), wish.get("trouble", "none"), int(wish.get("times", -1))
        )
    now = state.behaviour
    return JSONResponse({"score": now.score, "trouble": now.trouble, "times": now.times})


async def _body(request: Request) -> dict[str, Any] | None:
    try:
        body = await request.json()
    except (JSONDecodeError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) else None
