"""The addresses of an OpenID Connect issuer: discovery, page, token, keys, userinfo."""

import base64
import hmac
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .model import Grant, Misbehaviour, Person
from .pages import posted
from .signing_in import authorize
from .state import SECRET_PREFIX, TOKEN_SECONDS, State, fits

_NO_STORE = {"Cache-Control": "no-store"}


def routes(state: State) -> list[Route]:
    """The addresses of the first issuer, and of those below `/o/`."""
    addresses = Addresses(state)
    calls = (
        ("/.well-known/openid-configuration", addresses.discovery, ["GET"]),
        ("/authorize", addresses.authorize, ["GET", "POST"]),
        ("/token", addresses.token, ["POST"]),
        ("/jwks", addresses.jwks, ["GET"]),
        ("/userinfo", addresses.userinfo, ["GET"]),
    )
    return [
        Route(prefix + path, call, methods=methods) for prefix in ("", "/o/{issuer}") for path, call, methods in calls
    ]


def broken(state: State) -> Response | None:
    """The answer of an issuer that is down, or behind a proxy that answers in its place; None when it works."""
    if state.does(Misbehaviour.DOWN):
        return PlainTextResponse("down for maintenance", 503)
    return PlainTextResponse("<html>Welcome</html>") if state.does(Misbehaviour.NOT_JSON) else None


class Addresses:
    """What each address answers."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def discovery(self, request: Request) -> Response:
        """What this issuer is called, and where everything is."""
        self._state.asked.append("discovery")
        issuer, wrong = self._issuer(request), self._state
        document = {
            "issuer": f"{issuer}/another" if wrong.does(Misbehaviour.DISCOVERY_OF_ANOTHER) else issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": "ftp://127.0.0.1/" if wrong.does(Misbehaviour.INSECURE_ENDPOINT) else f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": ["openid", "email", "profile"],
        }
        return broken(self._state) or JSONResponse(document)

    async def authorize(self, request: Request) -> Response:
        """The page, and the way back."""
        return await authorize(self._state, request, self._issuer(request), oidc=True)

    async def token(self, request: Request) -> Response:
        """Trade a code, once, for an ID token and an access token."""
        self._state.asked.append("token")
        fields = await posted(request)
        grant = self._state.spend(fields.get("code", ""))
        client, secret = _client(request, fields)
        if not client or not hmac.compare_digest(secret.encode(), f"{SECRET_PREFIX}{client}".encode()):
            return _refused("invalid_client", 401)
        if fields.get("grant_type") != "authorization_code":
            return _refused("unsupported_grant_type")
        if grant is None or grant.issuer != self._issuer(request) or not _is_theirs(grant, client, fields):
            return _refused("invalid_grant")
        answer = {
            "access_token": self._state.token_for(grant.person),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": self._state.id_token(grant),
        }
        return broken(self._state) or JSONResponse(answer, headers=_NO_STORE)

    async def jwks(self, _: Request) -> Response:
        """The public keys."""
        self._state.asked.append("jwks")
        return broken(self._state) or JSONResponse(self._state.key_set())

    async def userinfo(self, request: Request) -> Response:
        """Who holds the access token."""
        person = bearer(self._state, request)
        if person is None:
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": "Bearer"})
        told: dict[str, Any] = {"sub": person.sub, "name": person.name}
        if not self._state.does(Misbehaviour.NO_EMAIL):
            told |= {"email": person.email, "email_verified": person.email_verified}
        if self._state.does(Misbehaviour.USERINFO_OF_ANOTHER):
            told["sub"] = "somebody-else"
        return broken(self._state) or JSONResponse(told, headers=_NO_STORE)

    def _issuer(self, request: Request) -> str:
        name = request.path_params.get("issuer")
        return f"{self._state.base}/o/{name}" if name else self._state.base


def bearer(state: State, request: Request) -> Person | None:
    """Whose access token came along."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return state.person_of(token) if scheme.lower() == "bearer" else None


def _client(request: Request, fields: dict[str, str]) -> tuple[str, str]:
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return fields.get("client_id", ""), fields.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote(client), unquote(secret)


def _is_theirs(grant: Grant, client: str, fields: dict[str, str]) -> bool:
    """Whether the code was given to this client, for this address, and for who holds this verifier."""
    return (
        grant.client_id == client
        and grant.redirect_uri == fields.get("redirect_uri")
        and fits(grant.challenge, fields.get("code_verifier", ""))
    )


def _refused(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, _NO_STORE)
