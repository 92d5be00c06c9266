"""Browsers without scripts: a session each, and the token a form carries."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text

from tollkeeper import identity
from tollkeeper.gate import Gate
from tollkeeper.kit import Role

from .grid import PASSWORD, ZERO, Route
from .pages import Page
from .world import World, filled

FORM_TOKEN = "f" * 43
"""What a browser that is not logged in has in its cookie and in its form."""
_OURS: Any = object()


@dataclass
class Visits:
    """Who is logged in, by name."""

    world: World
    sessions: dict[str, str] = field(default_factory=dict)

    async def log_in(self, name: str) -> None:
        wish = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = await self.world.client.post("/api/auth/login", json=wish)
        assert answer.status_code == 200, answer.text
        self.sessions[name] = answer.cookies[identity.SESSION_COOKIE]
        self.world.client.cookies.clear()

    async def now_is(self, role: Role, name: str = "ada") -> None:
        """Give somebody another role, and have what was read of it before forgotten."""
        sql = "update members set role = :role where user_id = (select id from users where email = :email)"
        async with self.world.runtime.transaction() as tx:
            await tx.connection.execute(text(sql), {"role": role.value, "email": f"{name}@example.com"})
        self.world.runtime.part(Gate).projection.clear()

    async def renew(self, page: Page) -> None:
        """Log in again who was logged out by a good call."""
        if page.path in {"/logout", "/step-up"}:  # a proof ends the session's token before
            await self.log_in(page.caller)

    async def fill(self, page: Page, given: dict[str, str]) -> dict[str, str]:
        """What the page's words in braces stand for; what is used up is made afresh unless it is given."""
        call, path = page.call, re.findall(r"\{(\w+)\}", page.path)
        for word in given:
            call = call.replace(f"{{{word}}}", "")
        words = await self.world.fill(Route(call, page.needs, body=dict(page.form or {})))
        return {**dict.fromkeys(path, ZERO), **words, **filled(given, words)}

    async def good(
        self,
        page: Page,
        *,
        by: str | None = None,
        session: Any = _OURS,
        token: Any = _OURS,
        form: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        known: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The good call of a page; what is given replaces its part. A token of None: the field is left out."""
        words = await self.fill(page, known or {})
        if session is _OURS:
            session = self.sessions.get(by or page.caller)
        cookies = {"tk_form": FORM_TOKEN} | ({identity.SESSION_COOKIE: session} if session else {})
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), **(headers or {})}
        data = None
        if page.writes:
            data = filled(form if form is not None else page.form or {}, words)
            if token is _OURS:
                token = identity.csrf_token(session) if session else FORM_TOKEN
            data |= {} if token is None else {identity.CSRF_FIELD: token}
        query = params if params is not None else filled(page.query, words)
        path = page.path.format(**words)
        answer = await self.world.client.request(page.method, path, data=data, params=query, headers=sent)
        self.world.client.cookies.clear()
        return answer
