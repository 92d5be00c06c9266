"""Steps of people in teams, over the API."""

from typing import Any

from posted import posted
from tollkeeper.infra import Runtime

from .callers import PASSWORD, Caller


async def invited(runtime: Runtime, by: Caller, email: str, role: str = "viewer") -> str:
    """Invite somebody; returns the token of the mail."""
    answer = await by("POST", "/invitations", {"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    token: str = (await posted(runtime, email, "invitation"))[-1]["token"]
    return token


async def joined(runtime: Runtime, by: Caller, email: str, role: str = "viewer") -> tuple[Caller, dict[str, Any]]:
    """Invite somebody new, who makes an account by the link; returns them, and what they were answered."""
    token = await invited(runtime, by, email, role)
    answer = await by.http.post("/api/invitations/join", json={"token": token, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    by.http.cookies.clear()
    return Caller(by.http, answer.json()["access_token"]), answer.json()


async def may(caller: Caller) -> set[str]:
    """What the caller may do now."""
    answer = await caller("GET", "/auth/me")
    assert answer.status_code == 200, answer.text
    return set(answer.json()["permissions"])
