"""A shop with the demo catalogue, and the provider's imitation as a process of its own, spoken to as it really is."""

import json
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from sqlalchemy.event import listen as listen_for
from stripe import WebhookSignature

from tollkeeper import billing, orgs
from tollkeeper.billing import Buyer, EntitlementsChanged, OpenedCheckout, Purchase
from tollkeeper.billing.flows.jobs import enqueue
from tollkeeper.billing.flows.service import process_event
from tollkeeper.billing.flows.store import list_events
from tollkeeper.billing.provider import HANDLED, StripeProvider
from tollkeeper.infra import Event, Runtime, Tx
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, FixedClock, Role
from tollkeeper.orgs import Organization
from twin_process import CARD, KEY, SITE, TwinProcess

__all__ = ["CARD", "KEY", "SECRET", "SITE", "Shop", "TwinProcess", "call", "member", "sign"]

SECRET = "whsec_shop"
E = TypeVar("E", bound=Event)


@dataclass
class Shop:
    """What a test needs to sell something and to be told of it."""

    runtime: Runtime
    provider: StripeProvider
    twin: TwinProcess
    heard: list[EntitlementsChanged] = field(default_factory=list)
    caller: Actor | None = None

    def hear(self, *kinds: type[E]) -> list[E]:
        """Return a list that grows with every event of these kinds that is told, and committed, from now on."""
        told: list[E] = []

        async def listen(tx: Tx, event: E) -> None:
            listen_for(tx.connection.sync_connection, "commit", lambda _: told.append(event))

        self.runtime.routes.add(projections=dict.fromkeys(kinds, listen))
        return told

    async def organization(self, name: str = "Ada") -> Organization:
        async with self.runtime.transaction() as tx:
            return await orgs.create_organization(tx, name, None)

    async def checkout(self, organization: Organization, plan: str = "pro", **changes: Any) -> OpenedCheckout:
        wish = {"success_url": f"{SITE}/ok", "cancel_url": f"{SITE}/no", "plan": plan, **changes}
        async with self.runtime.transaction() as tx:
            buyer = Buyer(organization.id, organization.name, f"{organization.id.hex}@example.com")
            return await billing.create_checkout(tx, buyer, Purchase(**wish))

    async def pay(self, url: str, number: str = "4242424242424242") -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(url, data={"email": "ada@example.com", "card_number": number, **CARD})

    async def buy(self, organization: Organization, plan: str = "pro", **changes: Any) -> str:
        """Buy a plan; returns the provider's id of the customer."""
        opened = await self.checkout(organization, plan, **changes)
        assert (await self.pay(opened.url)).status_code == 303
        return await self.customer_id(organization)

    async def customer_id(self, organization: Organization) -> str:
        async with self.runtime.transaction() as tx:
            overview = await billing.overview(tx, organization.id, created_at=organization.created_at)
        assert overview.customer is not None
        return overview.customer.provider_id

    async def api(self, method: str, path: str, **data: str) -> dict[str, Any]:
        """Speak to the provider past our own adapter."""
        async with httpx.AsyncClient(trust_env=False, auth=(KEY, "")) as client:
            sent = {"data": data} if method == "POST" else {"params": data}
            answer = await client.request(method, f"{self.twin.url}/v1/{path}", **sent)  # type: ignore[arg-type]
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def events(self, customer_id: str) -> list[bytes]:
        """Return what happened to a customer as the provider would send it, oldest first, of types we act on."""
        listed = (await self.api("GET", "events", limit="100"))["data"]
        ours = [each for each in listed if customer_id in json.dumps(each["data"])]
        acted = [each for each in reversed(ours) if each["type"] in HANDLED]
        return [json.dumps(each).encode() for each in acted]

    async def take_in(self, body: bytes) -> None:
        """Store an event as the endpoint does, its signature aside."""
        async with self.runtime.transaction() as tx:
            await enqueue(tx, self.provider.read_event(body), body)

    async def process(self, body: bytes) -> str:
        """Store an event and process it at once, each in its own transaction; returns what became of it."""
        await self.take_in(body)
        async with self.runtime.transaction() as tx:
            wanted = self.provider.read_event(body).id
            stored = next(each for each in await list_events(tx, limit=10_000) if each.provider_id == wanted)
        async with self.runtime.transaction() as tx:
            return (await process_event(tx, stored.id)).value

    async def told(self, customer_id: str) -> None:
        """Process everything that happened to a customer."""
        for body in await self.events(customer_id):
            await self.process(body)

    async def status(self, organization: Organization) -> billing.Status:
        async with self.runtime.transaction() as tx:
            return await billing.status(tx, organization.id, created_at=organization.created_at)


def sign(body: bytes, clock: FixedClock, *, secret: str = SECRET, seconds: int = 0) -> str:
    at = int(clock.now().timestamp()) + seconds
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, at))


def member(organization: Organization, role: Role = Role.OWNER, kind: ActorKind = ActorKind.TOKEN) -> Actor:
    return Actor(kind, ROLE_PERMISSIONS[role], organization.id)


async def call(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """Ask for a change of the caller's subscription; it is answered with this status."""
    answer = await client.post(f"/api/subscription/{path}", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found
