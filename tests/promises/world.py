"""Everybody who calls, and what they own: a customer who bought a plan, one who did not, the operator, nobody."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from stripe import WebhookSignature

from authenticator import Authenticator
from tollkeeper import billing, identity, orgs
from tollkeeper.billing.flows.service import process_event
from tollkeeper.gate import Gate
from tollkeeper.identity import elsewhere
from tollkeeper.identity.staff import StaffRole, find_person, set_staff
from tollkeeper.infra import Runtime
from tollkeeper.kit import Actor, ActorKind, FixedClock, Permission, parse_id
from tollkeeper.orgs import sign_on

from .grid import PASSWORD, PUBLIC, ZERO, Route

SITE = "http://127.0.0.1:8000"
WEBHOOK_SECRET = "whsec_promises"
NEARLY_ALL = "nearly-all"
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
        login = {"email": "ada@example.com", "password": PASSWORD}
        # Logins of their own, since a call in the grid ends the login it is made by.
        for name in ("ada elsewhere", "ada leaving"):
            self.bearers[name] = (await self.call("POST", "/api/auth/login", login)).json()["access_token"]
        self.known["eve_invitation_id"] = await self._open_invitation("eve", "grace@example.org")
        await self._role("eve", "of-eve")
        self.known["eve_identity_id"] = await self._identity("eve")
        self.known["eve_domain_id"] = await self._domain("eve", "evil.example")
        await self._register("hedy")
        self.known["hedy_passkey_id"] = await self._passkey("hedy")
        await self._employ("staff", StaffRole.SUPPORT)
        await self._employ("boss", StaffRole.ADMIN)
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
            "export_id": ZERO,
            "group_id": "developer",
            "kind": "User",
            "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
            **self.known,
        }
        known |= {"organization_id": self.known["ada_id"], "person_id": self.known["ada_user_id"]}
        for word, make in self._makers(route).items():
            if f"{{{word}}}" in route.path:
                known[word] = await make()
        if re.search("/(sso|sign-on)(/remove)?$", route.path):
            await self._connection("ada")
        if route.path.endswith("/profile/picture") and not route.writes:
            await self._picture()
        if "{refresh_token}" in str(route.body):
            login = {"email": "ada@example.com", "password": PASSWORD}
            known["refresh_token"] = (await self.call("POST", "/api/auth/login", login)).json()["refresh_token"]
        return known

    def _makers(self, route: Route) -> dict[str, Callable[[], Awaitable[str]]]:
        return {
            "key_id": self._spare_key,
            "user_id": partial(self._member, suspended=route.path.endswith("/reactivate")),
            "invitation_id": partial(self._open_invitation, "ada", "spare@example.com"),
            "identity_id": partial(self._identity, "ada"),
            "domain_id": partial(self._domain, "ada", "difference.example"),
            "key": partial(self._role, "ada", "support"),
            "operator_key_id": self._operator_key,
            "session_id": self._spare_login,
            "passkey_id": partial(self._passkey, "hedy"),
            "impersonation_id": self._impersonation,
        }

    async def webhook(self, body: bytes, *, secret: str = WEBHOOK_SECRET, seconds: int = 0) -> httpx.Response:
        """Deliver as the provider does, signed `seconds` from now."""
        at = int(self.clock.now().timestamp()) + seconds
        signature = WebhookSignature.generate_signature_header(body.decode(), secret, at)
        return await self.call("POST", "/api/webhooks/stripe", body, headers={"Stripe-Signature": signature})

    async def stored_events(self) -> list[billing.StoredEvent]:
        async with self.runtime.transaction() as tx:
            return await billing.list_events(tx, limit=1000)

    async def _identity(self, name: str) -> str:
        """Something this person can sign in with elsewhere."""
        user_id = UUID(self.known[f"{name}_user_id"])
        known = elsewhere.Vouched("demo", "https://issuer.example", name, f"{name}@example.com", name)
        async with self.runtime.transaction() as tx:
            await elsewhere.link(tx, user_id, known)
            return str((await elsewhere.list_identities(tx, user_id))[0].id)

    async def _domain(self, name: str, domain: str) -> str:
        async with self.runtime.transaction() as tx:
            return str((await sign_on.claim_domain(tx, UUID(self.known[f"{name}_id"]), domain)).id)

    async def _connection(self, name: str) -> str:
        """An issuer of this person's organization, which nobody asks here."""
        wish = sign_on.ConnectionWish(issuer="https://issuer.example", client_id="tollkeeper")
        organization_id = UUID(self.known[f"{name}_id"])
        async with self.runtime.transaction() as tx:
            return str(
                (await sign_on.set_up_connection(tx, Actor(ActorKind.SYSTEM, frozenset()), organization_id, wish)).id
            )

    async def _spare_key(self) -> str:
        made = await self.call("POST", "/api/keys", {"name": "spare"}, by="ada")
        return str(made.json()["id"])

    async def _spare_login(self) -> str:
        """Another login of Ada's."""
        await self.call("POST", "/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})
        listed = (await self.call("GET", "/api/auth/sessions", by="ada")).json()["data"]
        found: str = next(each["id"] for each in listed if not each["current"])
        return found

    async def _passkey(self, name: str) -> str:
        """A passkey of this person's, on a device of its own."""
        party, device = identity.RelyingParty("localhost", "http://localhost"), Authenticator("http://localhost")
        async with self.runtime.transaction() as tx:
            user = await identity.get_user(tx, UUID(self.known[f"{name}_user_id"]))
            made = device.create(await identity.passkey_creation_options(tx, user, party))
            return str((await identity.add_passkey(tx, user.id, party, "laptop", made))[0].id)

    async def _picture(self) -> None:
        async with self.runtime.transaction() as tx:
            await identity.set_picture(tx, UUID(self.known["ada_user_id"]), b"a picture")

    async def _operator_key(self) -> str:
        async with self.runtime.transaction() as tx:
            key, _ = await identity.create_key(
                tx, organization_id=None, created_by=None, name="spare", kind=identity.KeyKind.OPERATOR
            )
        return str(key.id)

    async def _register(self, name: str) -> None:
        wish = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = await self.call("POST", "/api/auth/register", wish)
        assert answer.status_code == 201, answer.text
        self.bearers[name] = answer.json()["access_token"]
        self.known[f"{name}_id"] = answer.json()["organization"]["id"]
        listed = await self.call("GET", "/api/auth/sessions", by=name)
        self.known[f"{name}_session_id"] = listed.json()["data"][0]["id"]
        self.known[f"{name}_user_id"] = answer.json()["user"]["id"]
        made = await self.call("POST", "/api/keys", {"name": "first"}, by=name)
        self.known[f"{name}_key_id"] = made.json()["id"]

    async def _member(self, *, suspended: bool) -> str:
        """Somebody else in Ada's organization: who is there already, or a newcomer."""
        listed = (await self.call("GET", "/api/members", by="ada")).json()["data"]
        user_id: str = next((each["user_id"] for each in listed if each["role"] not in {"owner", NEARLY_ALL}), "")
        if not user_id:
            async with self.runtime.transaction() as tx:
                email = "hopper@example.com"
                known = await identity.find_credentials(tx, email)  # removed by the call before
                if known is None:
                    await identity.register_user(tx, email=email, password_hash=None, name="Grace Hopper")
                    known = await identity.find_credentials(tx, email)
                assert known
                organization_id = parse_id(self.known["ada_id"])
                assert organization_id
                await orgs.admit(
                    tx, organization_id, known.user_id, await orgs.role_named(tx, organization_id, "viewer")
                )
            user_id = str(known.user_id)
        if suspended:
            await self.call("POST", f"/api/members/{user_id}/suspend", by="ada")
        return user_id

    async def now_may(self, permissions: frozenset[Permission]) -> None:
        """Have Carl, a member of Ada's organization with a role of its own, do exactly this."""
        role = {"name": "Nearly all", "permissions": sorted(permissions)}
        if "carl" not in self.bearers:
            made = await self.call("POST", "/api/roles", {"key": NEARLY_ALL, **role}, by="ada")
            assert made.status_code == 201, made.text
            await self._register("carl")
            ours, carl = UUID(self.known["ada_id"]), UUID(self.known["carl_user_id"])
            async with self.runtime.transaction() as tx:
                await orgs.admit(tx, ours, carl, await orgs.role_named(tx, ours, NEARLY_ALL))
            moved = await self.call("POST", f"/api/organizations/{ours}/switch", by="carl")
            self.bearers["carl"] = moved.json()["access_token"]
        changed = await self.call("PATCH", f"/api/roles/{NEARLY_ALL}", role, by="ada")
        assert changed.status_code == 200, changed.text
        self.runtime.part(Gate).projection.clear()

    async def _open_invitation(self, by: str, email: str) -> str:
        listed = (await self.call("GET", "/api/invitations", by=by)).json()["data"]
        if not listed:
            listed = [(await self.call("POST", "/api/invitations", {"email": email}, by=by)).json()]
        found: str = listed[0]["id"]
        return found

    async def _role(self, by: str, key: str) -> str:
        wish = {"key": key, "name": "Support", "permissions": ["usage:read"]}
        assert (await self.call("POST", "/api/roles", wish, by=by)).status_code in {201, 409}
        return key

    async def _impersonation(self) -> str:
        wish = {"email": "eve@example.com", "reason": "she asked for help"}
        begun = await self.call("POST", "/api/staff/impersonations", wish, by="staff")
        return str(begun.json()["id"])

    async def _employ(self, name: str, role: StaffRole) -> None:
        await self._register(name)
        async with self.runtime.transaction() as tx:
            person = await find_person(tx, f"{name}@example.com")
            await set_staff(tx, person, role)

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
    return re.sub(r"\{(\w+)\}", lambda word: known[word[1]], value) if isinstance(value, str) else value


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
