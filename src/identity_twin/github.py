"""The addresses of GitHub's sign-in, as a GitHub Enterprise Server has them: OAuth 2.0 without ID tokens."""

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .issuer import bearer, broken
from .model import Misbehaviour
from .pages import posted
from .signing_in import authorize
from .state import SECRET_PREFIX, State, fits


def routes(state: State) -> list[Route]:
    """GitHub's addresses."""
    issuer = f"{state.base}/github"

    async def page(request: Request) -> Response:
        return await authorize(state, request, issuer, oidc=False)

    async def token(request: Request) -> Response:
        fields = await posted(request)
        grant = state.spend(fields.get("code", ""))
        client = fields.get("client_id", "")
        known = hmac.compare_digest(fields.get("client_secret", "").encode(), f"{SECRET_PREFIX}{client}".encode())
        # GitHub says what is wrong with status 200.
        if not known:
            return JSONResponse({"error": "incorrect_client_credentials"})
        if (
            grant is None
            or (grant.client_id, grant.issuer) != (client, issuer)
            or not fits(grant.challenge, fields.get("code_verifier", ""))
        ):
            return JSONResponse({"error": "bad_verification_code"})
        answer = {"access_token": state.token_for(grant.person), "token_type": "bearer", "scope": "user:email"}
        return broken(state) or JSONResponse(answer)

    async def user(request: Request) -> Response:
        person = bearer(state, request)
        if person is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        login = person.email.partition("@")[0]
        told = {"id": int(person.sub[:8], 16), "login": login, "name": person.name, "email": None}
        return broken(state) or JSONResponse(told)

    async def emails(request: Request) -> Response:
        person = bearer(state, request)
        if person is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        hidden = {"email": "1@users.noreply.github.com", "primary": False, "verified": True}
        own = {"email": person.email, "primary": True, "verified": person.email_verified}
        return JSONResponse([hidden] if state.does(Misbehaviour.NO_EMAIL) else [hidden, own])

    return [
        Route("/github/login/oauth/authorize", page, methods=["GET", "POST"]),
        Route("/github/login/oauth/access_token", token, methods=["POST"]),
        Route("/github/api/v3/user", user, methods=["GET"]),
        Route("/github/api/v3/user/emails", emails, methods=["GET"]),
    ]
