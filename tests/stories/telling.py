"""Words to tell a story with: a customer buys, time passes, a card fails, and what is true then."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from tollkeeper import billing, orgs
from tollkeeper.billing import PaymentProvider, StripeProvider
from tollkeeper.infra import Runtime
from tollkeeper.orgs import Organization
from tollkeeper.wiring import TimeMachine
from twin_process import CARD, KEY, SITE

GOOD = "4242424242424242"
NOBODY = "http://127.0.0.1:9"


class Story:
    """The world: the product, its provider, and time."""

    def __init__(self, runtime: Runtime, machine: TimeMachine, provider_url: str, begun: datetime) -> None:
        self.runtime = runtime
        self.machine = machine
        self.provider_url = provider_url
        self.begun = begun

    async def customer(self, name: str) -> "Person":
        """Somebody signs up."""
        async with self.runtime.transaction() as tx:
            return Person(self, await orgs.create_organization(tx, name, None))

    async def days_pass(self, days: float) -> None:
        """Let time pass for everybody; everything that comes due is done on the way."""
        async for _ in self.machine.advance(timedelta(days=days)):
            pass

    async def word_gets_round(self) -> None:
        """What just happened at the provider is told to us, and worked off."""
        await self.machine.settle(self.runtime.clock.now())

    async def at_provider(self, method: str, path: str, **data: str) -> dict[str, Any]:
        """Do something at the provider without us, as in its dashboard."""
        async with httpx.AsyncClient(trust_env=False, auth=(KEY, "")) as client:
            url = f"{self.provider_url}/v1/{path}"
            answer = await (
                client.post(url, data=data) if method == "POST" else client.request(method, url, params=data)
            )
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def provider_goes_down(self) -> StripeProvider:
        """Nothing we ask the provider is answered any more; what it has to tell still comes."""
        found: StripeProvider = self.runtime.parts[PaymentProvider]
        dead = StripeProvider(KEY, api_base=NOBODY)
        dead.account = found.account
        self.runtime.parts[PaymentProvider] = dead
        return found

    async def provider_comes_back(self, alive: StripeProvider) -> None:
        """It answers again; what failed meanwhile gets its next try within minutes."""
        await self.runtime.parts[PaymentProvider].close()
        self.runtime.parts[PaymentProvider] = alive
        await self.days_pass(6 / (24 * 60))


@dataclass
class Person:
    """A customer of the shop."""

    story: Story
    organization: Organization

    async def buys(self, plan: str, *, card: str = GOOD) -> None:
        """Buy a plan on the hosted page."""
        wish = billing.Purchase(success_url=f"{SITE}/ok", cancel_url=f"{SITE}/no", plan=plan)
        async with self.story.runtime.transaction() as tx:
            buyer = billing.Buyer(self.organization.id, self.organization.name, "ada@example.com")
            page = await billing.create_checkout(tx, buyer, wish)
        form = {"email": "ada@example.com", "card_number": card, **CARD}
        async with httpx.AsyncClient(trust_env=False) as browser:
            assert (await browser.post(page.url, data=form)).status_code == httpx.codes.SEE_OTHER
        await self.story.word_gets_round()

    async def cancels(self, at: billing.CancelAt = billing.CancelAt.PERIOD_END) -> None:
        """End the subscription."""
        async with self.story.runtime.transaction() as tx:
            await billing.cancel(tx, self.organization.id, at)
        await self.story.word_gets_round()

    async def moves_to(self, plan: str, *, at: billing.ChangeAt | None = None) -> None:
        """Ask for another plan: unless said otherwise a higher one at once, a lower one when the period ends."""
        async with self.story.runtime.transaction() as tx:
            change = billing.Change(plan=plan, at=at)
            await billing.change_plan(tx, self.organization.id, change, idempotency_key=f"{plan}-{tx.now}")
        await self.story.word_gets_round()

    async def pays_with(self, method: str) -> None:
        """Replace the card by one of the provider's test cards, such as `pm_card_visa`."""
        customer, subscription = await self._customer(), await self.subscription()
        made = await self.story.at_provider("POST", f"payment_methods/{method}/attach", customer=customer)
        await self.story.at_provider("POST", f"subscriptions/{subscription['id']}", default_payment_method=made["id"])
        await self.story.word_gets_round()

    async def removes_the_card(self) -> None:
        """Leave the provider without any way to be paid."""
        customer = await self._customer()
        methods = (await self.story.at_provider("GET", f"customers/{customer}/payment_methods"))["data"]
        assert methods, "there is a card to remove"
        for method in methods:
            await self.story.at_provider("POST", f"payment_methods/{method['id']}/detach")
        await self.story.word_gets_round()

    async def subscription(self) -> dict[str, Any]:
        """The newest subscription as the provider has it."""
        listed = await self.story.at_provider("GET", "subscriptions", customer=await self._customer(), status="all")
        found: dict[str, Any] = listed["data"][0]
        return found

    async def standing(self) -> tuple[str, str]:
        """The plan that may be used now, and the state of the subscription."""
        now = await self.status()
        return now.plan, now.status

    async def status(self) -> billing.Status:
        """Everything the status call answers."""
        async with self.story.runtime.transaction() as tx:
            return await billing.status(tx, self.organization.id, created_at=self.organization.created_at)

    async def invoices(self) -> list[tuple[str, int]]:
        """What was billed, newest first: state and total in cents."""
        async with self.story.runtime.transaction() as tx:
            page = await billing.list_invoices(tx, self.organization.id)
        return [(each.status, each.total.amount) for each in page.data]

    async def overview(self) -> billing.Overview:
        """Everything the billing page shows at a glance."""
        async with self.story.runtime.transaction() as tx:
            return await billing.overview(tx, self.organization.id, created_at=self.organization.created_at)

    async def _customer(self) -> str:
        now = await self.overview()
        assert now.customer is not None
        return now.customer.provider_id
