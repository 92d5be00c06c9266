"""Whatever the order, number and speed of the provider's events: the end is what the provider says."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider
from tollkeeper.billing.flows.service import process_event
from tollkeeper.billing.flows.store import list_events
from tollkeeper.billing.provider import (
    CustomerState,
    InvoiceState,
    StripeProvider,
    SubscriptionState,
    price_at_provider,
)
from tollkeeper.catalog import get_plan
from tollkeeper.infra import Runtime, Tx
from tollkeeper.orgs import Organization

from .shop import KEY, Shop

SIX = (
    "checkout.session.completed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
)
MIRROR = ("billing_customers", "subscriptions", "invoices", "billing_standings")
_ROWS = sql.SQL("select to_jsonb(mirrored) from {} mirrored")
OURS = {"id", "customer_id", "synced_at", "changed_at", "created_at"}


class Remembering(StripeProvider):
    """The provider at a moment it has come to rest: its answers are real, and asked for once each."""

    def __init__(self, api_base: str) -> None:
        super().__init__(KEY, api_base=api_base)
        self.answers: dict[str, Any] = {}

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        if subscription_id not in self.answers:
            self.answers[subscription_id] = await super().fetch_subscription(subscription_id)
        found: SubscriptionState | None = self.answers[subscription_id]
        return found

    async def fetch_customer(self, customer_id: str) -> CustomerState | None:
        if customer_id not in self.answers:
            self.answers[customer_id] = await super().fetch_customer(customer_id)
        found: CustomerState | None = self.answers[customer_id]
        return found

    async def fetch_invoice(self, invoice_id: str) -> InvoiceState | None:
        if invoice_id not in self.answers:
            self.answers[invoice_id] = await super().fetch_invoice(invoice_id)
        found: InvoiceState | None = self.answers[invoice_id]
        return found


async def live_through_everything(shop: Shop, organization: Organization) -> list[bytes]:
    """Buy, fail to pay for a change, cancel; return the six events of it, one of each type."""
    customer = await shop.buy(organization)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    failing = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    async with shop.runtime.transaction() as tx:
        plan = await get_plan(tx, "premium")
        premium = (await price_at_provider(tx, plan, plan.prices[0])).provider_id
    await shop.api(
        "POST",
        f"subscriptions/{subscription['id']}",
        **{
            "default_payment_method": failing["id"],
            "items[0][id]": subscription["items"]["data"][0]["id"],
            "items[0][price]": premium,
            "proration_behavior": "always_invoice",
            "payment_behavior": "allow_incomplete",
        },
    )
    await shop.api("DELETE", f"subscriptions/{subscription['id']}")
    every = await shop.events(customer)
    return [next(body for body in every if json.loads(body)["type"] == wanted) for wanted in SIX]


State = dict[str, list[dict[str, Any]]]


async def state(runtime: Runtime) -> State:
    """Return everything mirrored, without our own ids and times."""
    async with runtime.transaction() as tx:
        return await mirrored(tx)


async def mirrored(tx: Tx) -> State:
    """The same, as this transaction sees it."""
    found: State = {}
    for table in MIRROR:
        cursor = await (await tx.raw()).execute(_ROWS.format(sql.Identifier(table)))
        rows = [{k: v for k, v in row[0].items() if k not in OURS} for row in await cursor.fetchall()]
        found[table] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    return found


@pytest.fixture
async def history(shop: Shop) -> AsyncIterator["History"]:
    ada = await shop.organization()
    bodies = await live_through_everything(shop, ada)
    resting = Remembering(shop.twin.url)
    shop.runtime.parts[PaymentProvider] = resting
    for body in bodies:
        await shop.take_in(body)
    async with shop.runtime.transaction() as tx:
        stored = {json.loads(each.body)["type"]: each.id for each in await list_events(tx)}
    yield History(shop, ada, [stored[name] for name in SIX])
    await resting.close()


class History:
    """Six stored events of one organization, to be processed in any order from nothing."""

    def __init__(self, shop: Shop, organization: Organization, events: list[UUID]) -> None:
        self.shop = shop
        self.organization = organization
        self.events = events

    async def forget(self) -> None:
        """Go back to before the first event: only who the customer is remains known, from the checkout."""
        async with self.shop.runtime.transaction() as tx:
            raw = await tx.raw()
            await raw.execute("delete from subscription_history")
            await raw.execute("delete from billing_standings")
            await raw.execute("delete from subscriptions")
            await raw.execute("delete from invoices")
            await raw.execute("update billing_customers set payment_method = null, balance = 0, currency = null")
            await raw.execute("update provider_events set status = 'received', processed_at = null, attempts = 0")

    async def process(self, event: UUID) -> None:
        async with self.shop.runtime.transaction() as tx:
            await process_event(tx, event)

    async def in_turn(self, order: Sequence[UUID]) -> State:
        await self.forget()
        for event in order:
            await self.process(event)
        return await state(self.shop.runtime)

    async def in_pairs(self, order: Sequence[UUID]) -> State:
        await self.forget()
        for left, right in zip(order[::2], order[1::2], strict=True):
            await asyncio.gather(self.process(left), self.process(right), self.process(left))
        return await state(self.shop.runtime)

    async def in_every_order(self, first: UUID, chance: random.Random) -> list[State]:
        """Return where each order that begins so ends.

        Orders that begin alike share their beginning: what comes after it is tried from there and taken back. One time
        in three, and always at the end, an event that was processed before comes once more.
        """
        await self.forget()
        ends: list[State] = []

        async def go_on(connection: AsyncConnection, before: Sequence[UUID], event: UUID) -> None:
            order = [*before, event]
            left = [each for each in self.events if each not in order]
            async with connection.begin_nested() as taken_back:
                await process_event(self.shop.runtime.tx(connection), event)
                if not left or chance.random() < 1 / 3:
                    await process_event(self.shop.runtime.tx(connection), chance.choice(order))
                for each in left:
                    await go_on(connection, order, each)
                if not left:
                    ends.append(await mirrored(self.shop.runtime.tx(connection)))
                await taken_back.rollback()

        async with self.shop.runtime.transaction() as tx:
            await go_on(tx.connection, [], first)
        return ends


async def test_the_six_events_in_order(history: History) -> None:
    wanted = await history.in_turn(history.events)
    [subscription] = wanted["subscriptions"]
    assert subscription["status"] == "canceled"
    assert datetime.fromisoformat(subscription["ended_at"]) >= datetime.fromisoformat(subscription["started_at"])
    assert len(wanted["invoices"]) == 2
    assert {invoice["attempt_count"] for invoice in wanted["invoices"]} == {1}
    assert sorted(invoice["amount_paid"] for invoice in wanted["invoices"])[1] == 2000
    assert (await history.shop.status(history.organization)).plan == "free"


@pytest.mark.parametrize("first", range(6), ids=SIX)
async def test_every_order_ends_in_the_same_state(history: History, first: int) -> None:
    wanted = await history.in_turn(history.events)
    ends = await history.in_every_order(history.events[first], random.Random(first))
    assert len(ends) == 120
    assert all(end == wanted for end in ends)


async def test_every_pair_at_once_ends_in_the_same_state(history: History) -> None:
    wanted = await history.in_turn(history.events)
    pairings = {tuple(tuple(sorted(order[at : at + 2])) for at in (0, 2, 4)) for order in permutations(history.events)}
    assert len(pairings) == 90
    for pairing in sorted(pairings):
        assert await history.in_pairs([event for pair in pairing for event in pair]) == wanted


async def test_the_same_event_at_many_workers_is_processed_once(history: History) -> None:
    await history.forget()
    await asyncio.gather(*(history.process(history.events[0]) for _ in range(5)))
    async with history.shop.runtime.transaction() as tx:
        [once] = [each for each in await list_events(tx) if each.id == history.events[0]]
        cursor = await (await tx.raw()).execute("select count(*) from subscription_history")
        assert await cursor.fetchone() == (1,)
    assert (once.status, once.attempts) == ("processed", 1)


class Slow(StripeProvider):
    """The provider, whose first answer about a subscription is held up on its way to us."""

    def __init__(self, api_base: str) -> None:
        super().__init__(KEY, api_base=api_base)
        self.asked: list[str] = []
        self.held = asyncio.Event()
        self.let_go = asyncio.Event()

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        answer = await super().fetch_subscription(subscription_id)
        self.asked.append(answer.status if answer else "gone")
        if len(self.asked) == 1:
            self.held.set()
            await self.let_go.wait()
        return answer


async def test_an_older_answer_cannot_overwrite_a_newer_one(shop: Shop) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    [bought] = [body for body in await shop.events(customer) if b"checkout.session.completed" in body]
    slow = Slow(shop.twin.url)
    shop.runtime.parts[PaymentProvider] = slow
    older = asyncio.create_task(shop.process(bought))
    await slow.held.wait()
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("DELETE", f"subscriptions/{subscription['id']}")
    [ended] = [body for body in await shop.events(customer) if b"customer.subscription.deleted" in body]
    newer = asyncio.create_task(shop.process(ended))
    await asyncio.sleep(0.5)
    assert slow.asked == ["active"], "the second may not ask before the first has written"
    slow.let_go.set()
    assert set(await asyncio.gather(older, newer)) == {"processed"}
    await slow.close()
    assert slow.asked == ["active", "canceled"]
    assert (await shop.status(ada)).plan == "free"
    assert [each.plan for each in shop.heard] == ["pro", None]


async def test_events_that_straggle_in_while_life_goes_on(shop: Shop) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    early = await shop.events(customer)
    assert len(early) > 3
    await shop.process(early[-1])
    assert (await shop.status(ada)).plan == "pro"
    async with shop.runtime.transaction() as tx:
        await billing.cancel(tx, ada.id, billing.CancelAt.PERIOD_END)
    late = (await shop.events(customer))[len(early) :]
    for body in [*reversed(late), *reversed(early[:-1]), *late]:
        await shop.process(body)
    status = await shop.status(ada)
    assert (status.plan, status.status, status.cancel_at_period_end) == ("pro", "active", True)
    assert [each.plan for each in shop.heard] == ["pro"]
