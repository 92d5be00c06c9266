"""What browsers keep of a login, and what they are told when it ends."""

from fastapi import Request
from starlette.responses import Response

from tollkeeper.identity import (
    DEVICE_COOKIE,
    DEVICE_LIFE,
    SESSION_COOKIE,
    SESSION_LIFE,
    OpenedSession,
    Session,
    session_of,
)
from tollkeeper.infra import Tx, forget_cookie, is_https, keep_cookie, make_secret, sent_cookie
from tollkeeper.orgs.model import Client

_MAX_DEVICE = 100
OWN_SESSION_COOKIE = "tollkeeper_own"
"""Where the browser of staff keeps their own session while they act as somebody."""


def client_of(request: Request) -> Client:
    """Return from where the request comes; a browser that is not known yet gets a token to be known by."""
    user_agent = request.headers.get("user-agent", "").replace("\x00", "")
    sent = sent_cookie(request, DEVICE_COOKIE)[:_MAX_DEVICE]
    made: str = request.scope.setdefault("state", {}).setdefault("made_device", make_secret())
    host = request.client.host if request.client else ""
    return Client(user_agent, host, device=sent or made, is_back=bool(sent))


def set_session_cookie(request: Request, response: Response, session: OpenedSession) -> None:
    """Give the browser its session, and what it is known again by."""
    keep_cookie(request, response, SESSION_COOKIE, session.token, SESSION_LIFE)
    keep_cookie(request, response, DEVICE_COOKIE, client_of(request).device, DEVICE_LIFE)
    if sent_cookie(request, OWN_SESSION_COOKIE):
        forget_cookie(request, response, OWN_SESSION_COOKIE)


def keep_own_session(request: Request, response: Response, acting: OpenedSession) -> None:
    """Have the browser of staff keep its own session beside the one in which they act as somebody, to come back to."""
    own: str | None = request.scope.get("state", {}).get("session_token")
    if own is not None:
        keep_cookie(request, response, OWN_SESSION_COOKIE, own, acting.session.expires_at - acting.session.created_at)


async def own_session(tx: Tx, request: Request) -> Session | None:
    """Return the own session of staff who act as somebody in this browser; None: there is none to come back to.

    The session they act in does not open it: the browser has to send the own one's token, too, and it has to be open
    still and theirs.
    """
    acting: Session | None = request.scope.get("state", {}).get("session")
    kept = sent_cookie(request, OWN_SESSION_COOKIE)
    if acting is None or acting.impersonator_id is None or not kept:
        return None
    own = await session_of(tx, kept)
    if own is None or own.user_id != acting.impersonator_id or own.impersonator_id is not None:
        return None
    return own


def end_in_browser(request: Request, response: Response, own: Session | None = None) -> None:
    """Take the session from the browser, and all it keeps of what was shown; `own` is given back instead.

    Of cookies, `Clear-Site-Data` would take those of every host of the domain, and what this browser is known by.
    """
    if own is None:
        forget_cookie(request, response, SESSION_COOKIE)
    else:
        left = own.expires_at - own.last_seen_at
        keep_cookie(request, response, SESSION_COOKIE, sent_cookie(request, OWN_SESSION_COOKIE), left)
    if sent_cookie(request, OWN_SESSION_COOKIE):
        forget_cookie(request, response, OWN_SESSION_COOKIE)
    if is_https(request):
        response.headers["clear-site-data"] = '"cache", "storage"'
