"""The way of a browser: to the page, and back with a code. The same for OpenID Connect and for GitHub."""

import time
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .model import Grant, Misbehaviour, Person
from .pages import posted, refuse, show
from .state import CODE_SECONDS, State, subject

_ASKED = ("client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method", "response_type")


async def authorize(state: State, request: Request, issuer: str, *, oidc: bool) -> Response:
    """Show the page, or take its answer. `oidc`: what only OpenID Connect asks for is demanded."""
    fields = await posted(request) if request.method == "POST" else dict(request.query_params)
    asked = {name: fields.get(name, "") for name in _ASKED}
    problem = _problem(asked, fields.get("scope", "openid").split(), oidc=oidc)
    if problem:
        return refuse(problem)
    if request.method == "GET":
        hint = fields.get("login_hint", "ada@example.com")
        kept = {**asked, "scope": fields.get("scope", "openid")}
        return show("authorize.html", client=asked["client_id"], issuer=issuer, asked=kept, hint=hint)
    back = {"state": "of-another-attempt" if state.does(Misbehaviour.OTHER_STATE) else asked["state"]}
    if oidc:
        back["iss"] = f"{state.base}/o/another" if state.does(Misbehaviour.OTHER_ISS) else issuer
    if fields.get("answer") != "allow":
        return _back(asked["redirect_uri"], {**back, "error": "access_denied"})
    email = fields.get("email", "").strip()
    person = Person(
        sub=subject(issuer, email),
        email=email,
        email_verified=fields.get("email_verified") == "yes",
        name=fields.get("name", "").strip(),
    )
    grant = Grant(
        person=person,
        issuer=issuer,
        client_id=asked["client_id"],
        redirect_uri=asked["redirect_uri"],
        nonce=asked["nonce"],
        challenge=asked["code_challenge"],
        expires=time.time() + CODE_SECONDS,
    )
    return _back(asked["redirect_uri"], {**back, "code": state.grant(grant)})


def _problem(asked: Mapping[str, str], scopes: list[str], *, oidc: bool) -> str:
    if not asked["client_id"]:
        return "No client_id."
    if not _on_this_machine(asked["redirect_uri"]):
        return "The redirect_uri does not lead to this machine."
    if not asked["state"] or asked["code_challenge_method"] != "S256" or not asked["code_challenge"]:
        return "A state and a code_challenge of the method S256 are demanded."
    if oidc and (asked["response_type"] != "code" or "openid" not in scopes or not asked["nonce"]):
        return "The response_type is to be code, the scope to hold openid, and there is to be a nonce."
    return ""


def _on_this_machine(address: str) -> bool:
    parts = urlsplit(address)
    try:
        near = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return near and parts.scheme in {"http", "https"} and not parts.fragment


def _back(address: str, fields: Mapping[str, str]) -> Response:
    joint = "&" if urlsplit(address).query else "?"
    return RedirectResponse(f"{address}{joint}{urlencode(fields)}", 303)
