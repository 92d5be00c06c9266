"""Everybody who calls, and what they own: a customer who bought a plan, one who did not, the operator, nobody."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from stripe import WebhookSignature

from tollkeeper import billing, identity
from tollkeeper.billing.flows.service import process_event
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, Permission, parse_id

from .grid import PASSWORD, PUBLIC, ZERO, Route

SITE = "http://127.0.0.1:8000"
WEBHOOK_SECRET = "whsec_promises"
CARD = {"card_number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123", "name": "Ada"}


@dataclass
class World:
    """Callers by name (their credential), and what words in braces stand for."""

    runtime: Runtime
    clock: FixedClock
    client: httpx.AsyncClient
    bearers: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    async def populate(self, twin_url: str) -> None:
        for name in ("ada", "eve"):
            await self._register(name)
        self.bearers["operator"] = await self._key(None)
        self.bearers["key"] = self.known["secret"] = await self._key(self.known["ada_id"])
        for permission in Permission:
            self.bearers[f"all but {permission}"] = await self._key(
                self.known["ada_id"], [each for each in Permission if each is not permission]
            )
        await self._buy(twin_url)

    async def call(self, method: str, path: str, body: Any = None, *, by: str = PUBLIC, **more: Any) -> httpx.Response:
        """Send one request; a body that is no bytes is sent as JSON, lone surrogates escaped."""
        headers = dict(more.pop("headers", {}))
        if by in self.bearers:
            headers["Authorization"] = f"Bearer {self.bearers[by]}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            more["content"] = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.client.request(method, path, headers=headers, **more)
        self.client.cookies.clear()
        return answer

    async def good(self, route: Route, **changes: Any) -> httpx.Response:
        """The good call of a route; `changes` replace what is sent with it."""
        known = await self.fill(route)
        good = {"by": route.caller, "body": filled(route.body, known), "params": filled(route.query, known)}
        sent: dict[str, Any] = {**good, **changes}
        return await self.call(route.method, route.path.format(**known), sent.pop("body"), **sent)

    async def fill(self, route: Route) -> dict[str, str]:
        """What the route's words in braces stand for; what a call uses up is made afresh."""
        known = {
            "customer": self.known["ada_id"],
            "method_id": "pm_of_nobody",
            "tax_id": "txi_of_nobody",
            "dispute_id": ZERO,
            "reservation_id": ZERO,
            "lease_id": ZERO,
            "event_id": ZERO,
            "grant_id": ZERO,
            **self.known,
        }
        if "{key_id}" in route.path:
            made = await self.call("POST", "/api/keys", {"name": "spare"}, by="ada")
            known["key_id"] = made.json()["id"]
        if "{refresh_token}" in str(route.body):
            login = {"email": "ada@example.com", "password": PASSWORD}
            known["refresh_token"] = (await self.call("POST", "/api/auth/login", login)).json()["refresh_token"]
        return known

    async def webhook(self, body: bytes, *, secret: str = WEBHOOK_SECRET, seconds: int = 0) -> httpx.Response:
        """Deliver as the provider does, signed `seconds` from now."""
        at = int(self.clock.now().timestamp()) + seconds
        signature = WebhookSignature.generate_signature_header(body.decode(), secret, at)
        return await self.call("POST", "/api/webhooks/stripe", body, headers={"Stripe-Signature": signature})

    async def stored_events(self) -> list[billing.StoredEvent]:
        async with self.runtime.transaction() as tx:
            return await billing.list_events(tx, limit=1000)

    async def _register(self, name: str) -> None:
        wish = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = await self.call("POST", "/api/auth/register", wish)
        assert answer.status_code == 201, answer.text
        self.bearers[name] = answer.json()["access_token"]
        self.known[f"{name}_id"] = answer.json()["organization"]["id"]
        made = await self.call("POST", "/api/keys", {"name": "first"}, by=name)
        self.known[f"{name}_key_id"] = made.json()["id"]

    async def _key(self, organization_id: str | None, scopes: list[Permission] | None = None) -> str:
        kind = identity.KeyKind.LIVE if organization_id else identity.KeyKind.OPERATOR
        async with self.runtime.transaction() as tx:
            _, secret = await identity.create_key(
                tx,
                organization_id=parse_id(organization_id) if organization_id else None,
                created_by=None,
                name="promise",
                kind=kind,
                scopes=scopes or (),
            )
        return secret

    async def _buy(self, twin_url: str) -> None:
        """Ada buys Pro on the hosted page, and the provider tells of it."""
        opened = await self.call("POST", "/api/stripe/create-checkout", {"plan": "pro"}, by="ada")
        assert opened.status_code == 200, opened.text
        async with httpx.AsyncClient(trust_env=False) as browser:
            paid = await browser.post(opened.json()["url"], data={"email": "ada@example.com", **CARD})
            assert paid.status_code == 303, paid.text
            told = await browser.get(f"{twin_url}/v1/events?limit=100", auth=("sk_test_tollkeeper", ""))
        for event in reversed(told.json()["data"]):
            if "ada@example.com" in json.dumps(event) and event["type"].startswith(("customer.sub", "invoice.paid")):
                assert (await self.webhook(json.dumps(event).encode())).status_code == 200
        for stored in await self.stored_events():
            async with self.runtime.transaction() as tx:
                await process_event(tx, stored.id)
        invoices = await self.call("GET", "/api/billing/invoices", by="ada")
        self.known["invoice_id"] = invoices.json()["data"][0]["id"]


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """Replace words in braces, in every string of a JSON value."""
    if isinstance(value, dict):
        return {key: filled(each, known) for key, each in value.items()}
    return value.format(**known) if isinstance(value, str) else value


def fault(answer: httpx.Response, *allowed: int) -> str | None:
    """What is wrong with an answer that should be a problem document of one of these statuses; None: nothing."""
    where = f"{answer.request.method} {str(answer.request.url)[:120]}: {answer.status_code}"
    if answer.status_code not in allowed:
        return f"{where}, not {allowed}: {answer.text[:300]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"{where} is no problem document but {answer.headers['content-type']}"
    told = answer.json()
    missing = {"type", "title", "status", "detail", "code", "hint", "request_id"} - told.keys()
    if missing or told["status"] != answer.status_code or told["request_id"] != answer.headers["x-request-id"]:
        return f"{where} lacks {sorted(missing)} or contradicts itself: {answer.text[:300]}"
    if "Traceback" in answer.text or 'File "' in answer.text or "site-packages" in answer.text:
        return f"{where} lets a trace out"
    return None


def crash(answer: httpx.Response) -> str | None:
    """What is wrong with an answer to nonsense: success is allowed, a refusal must be a problem, a fault never."""
    if answer.status_code < 400:
        return None
    return fault(answer, *range(400, 500))
