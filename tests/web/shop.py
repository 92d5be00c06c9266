"""Customers of a shop whose provider answers: the imitation, spoken to as it really is."""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tollkeeper.billing import PaymentProvider, StripeProvider, list_events
from tollkeeper.billing.flows import enqueue
from tollkeeper.billing.flows.service import process_event
from tollkeeper.billing.provider import HANDLED
from tollkeeper.infra import Runtime
from twin_process import CARD, KEY, TwinProcess

if TYPE_CHECKING:
    from .conftest import Browser

GOOD_CARD = "4242424242424242"
OTHER_CARD = "5555555555554444"


@dataclass
class Shop:
    """The running site, with its provider at hand."""

    runtime: Runtime
    site: httpx.ASGITransport
    provider: StripeProvider
    twin: TwinProcess

    async def api(self, method: str, path: str, **data: str) -> dict[str, object]:
        """Speak to the provider past the site."""
        async with httpx.AsyncClient(trust_env=False, auth=(KEY, "")) as client:
            answer = await client.request(
                method, f"{self.twin.url}/v1/{path}", data=data if method == "POST" else None, params=None
            )
        assert answer.is_success, answer.text
        found: dict[str, object] = answer.json()
        return found

    async def pay(self, url: str, number: str = GOOD_CARD) -> None:
        """Fill in the provider's page."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(url, data={"email": "ada@example.com", "card_number": number, **CARD})
        assert answer.status_code == 303, answer.text

    async def told(self) -> None:
        """Take in and process everything that the provider has to tell."""
        listed = (await self.api("GET", "events?limit=100"))["data"]
        assert isinstance(listed, list)
        for each in reversed([each for each in listed if each["type"] in HANDLED]):
            body = json.dumps(each).encode()
            async with self.runtime.transaction() as tx:
                await enqueue(tx, self.provider.read_event(body), body)
        async with self.runtime.transaction() as tx:
            stored = [event.id for event in await list_events(tx, limit=1_000)]
        for ident in stored:
            async with self.runtime.transaction() as tx:
                await process_event(tx, ident)

    async def buy(self, browser: "Browser", plan: str = "pro", **fields: str) -> str:
        """Buy a plan in the browser; returns the provider's id of the customer."""
        answer = await browser.send("/billing", "/billing/checkout", plan=plan, interval="month", **fields)
        await self.pay(leads_to(answer))
        await self.told()
        customers = (await self.api("GET", "customers?limit=1"))["data"]
        assert isinstance(customers, list)
        return str(customers[0]["id"])

    async def fail_to_pay(self, customer: str, method: str) -> None:
        """Have a new period begin that the card does not pay."""
        attached = await self.api("POST", f"payment_methods/{method}/attach", customer=customer)
        found = (await self.api("GET", f"subscriptions?customer={customer}"))["data"]
        assert isinstance(found, list)
        anchor = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
        card = {"default_payment_method": str(attached["id"])}
        await self.api("POST", f"subscriptions/{found[0]['id']}", **card, **anchor)
        await self.told()


def leads_to(answer: httpx.Response) -> str:
    """Return the address at the provider that an answer sends to: at once, or by the link of a page."""
    if answer.status_code == 303:
        return answer.headers["location"]
    found = re.search(r'href="(http://127\.0\.0\.1:[^"]+)"', answer.text)
    assert found is not None, answer.text
    return found[1].replace("&amp;", "&")


def at_twin(runtime: Runtime, site: httpx.ASGITransport, twin: TwinProcess) -> Shop:
    """Have the site speak to the imitation."""
    provider = StripeProvider(KEY, api_base=twin.url)
    runtime.parts[PaymentProvider] = provider
    return Shop(runtime, site, provider, twin)
