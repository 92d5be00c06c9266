"""Whatever the order and number of what is told of payments: one end, and each thing told on once."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import pytest

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider, RefundFailed, RefundMade
from tollkeeper.billing.flows import service
from tollkeeper.billing.flows.service import process_event
from tollkeeper.billing.flows.store import list_events
from tollkeeper.billing.payments import RefundOrder
from tollkeeper.billing.provider import PaymentState, RefundReason, StripeProvider, SubscriptionState
from tollkeeper.infra import Event
from tollkeeper.orgs import Organization

from .shop import KEY, Shop
from .test_disputes import DISPUTES, TOLD, disputed, events_of_payments, only, time_passes

REFUND_FAILS = "4000000000005126"


@pytest.fixture
def told(shop: Shop) -> list[Event]:
    return shop.hear(*TOLD, RefundMade, RefundFailed)


class Remembering(StripeProvider):
    """The provider at a moment it has come to rest: its answers are real, and asked for once each."""

    def __init__(self, api_base: str) -> None:
        super().__init__(KEY, api_base=api_base)
        self.answers: dict[str, PaymentState | None] = {}
        self.subscriptions: dict[str, SubscriptionState | None] = {}

    async def fetch_payment(self, payment_id: str) -> PaymentState | None:
        if payment_id not in self.answers:
            self.answers[payment_id] = await super().fetch_payment(payment_id)
        return self.answers[payment_id]

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        if subscription_id not in self.subscriptions:
            self.subscriptions[subscription_id] = await super().fetch_subscription(subscription_id)
        return self.subscriptions[subscription_id]


class History:
    """Everything that happened to a payment, to be processed in any order from nothing."""

    def __init__(self, shop: Shop, ada: Organization, events: list[UUID], told: list[Event]) -> None:
        self.shop, self.ada, self.events, self.told = shop, ada, events, told

    async def in_turn(self, order: Sequence[UUID]) -> tuple[Any, ...]:
        await self.forget()
        for event in order:
            await self.process(event)
        return await self.state()

    async def at_once(self) -> tuple[Any, ...]:
        await self.forget()
        await asyncio.gather(*(self.process(event) for event in [*self.events, *self.events]))
        return await self.state()

    async def forget(self) -> None:
        self.told.clear()
        async with self.shop.runtime.transaction() as tx:
            raw = await tx.raw()
            await raw.execute("set local role none")
            await raw.execute("truncate payments cascade")
            await raw.execute("update subscriptions set withheld = null")
            await raw.execute("update provider_events set status = 'received', processed_at = null")

    async def process(self, event: UUID) -> None:
        async with self.shop.runtime.transaction() as tx:
            await process_event(tx, event)

    async def state(self) -> tuple[Any, ...]:
        ours = {"id", "customer_id", "payment_id", "synced_at"}
        rows = []
        async with self.shop.runtime.transaction() as tx:
            for query in (
                "select to_jsonb(p) from payments p",
                "select to_jsonb(r) from refunds r",
                "select to_jsonb(d) from disputes d",
            ):
                found = await (await (await tx.raw()).execute(query)).fetchall()
                rows.append([{name: row[0][name] for name in row[0].keys() - ours} for row in found])
        return (*rows, (await self.shop.status(self.ada)).plan, sorted(each.name for each in self.told))


async def come_to_rest(shop: Shop, ada: Organization, customer: str, told: list[Event]) -> AsyncIterator[History]:
    for body in await events_of_payments(shop, customer):
        await shop.take_in(body)
    resting = Remembering(shop.twin.url)
    shop.runtime.parts[PaymentProvider] = resting
    async with shop.runtime.transaction() as tx:
        stored = [each for each in await list_events(tx, limit=1000) if each.type.startswith(("charge.", "refund."))]
    yield History(shop, ada, [each.id for each in stored], told)
    await resting.close()


@pytest.fixture
async def lost(shop: Shop, client: httpx.AsyncClient, told: list[Event]) -> AsyncIterator[History]:
    """A payment, its dispute, evidence, and the bank's decision."""
    ada, customer = await disputed(shop)
    evidence = {"uncategorized_text": "losing_evidence", "submit": True}
    await client.post(f"{DISPUTES}/{(await only(client, ada))['id']}/evidence", json=evidence)
    await time_passes(shop, minutes=5)
    async for history in come_to_rest(shop, ada, customer, told):
        yield history


@pytest.fixture
async def came_back(shop: Shop, told: list[Event]) -> AsyncIterator[History]:
    """A payment, its refund, and the refund's failure."""
    ada = await shop.organization()
    opened = await shop.checkout(ada)
    assert (await shop.pay(opened.url, REFUND_FAILS)).status_code == 303
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    async with shop.runtime.transaction() as tx:
        [invoice] = (await billing.list_invoices(tx, ada.id)).data
        await service.refund(tx, ada.id, invoice.id, RefundOrder(None, RefundReason.DUPLICATE))
    await time_passes(shop, minutes=1)
    async for history in come_to_rest(shop, ada, customer, told):
        yield history


async def test_a_lost_dispute_in_every_order(lost: History) -> None:
    assert len(lost.events) == 5
    wanted = await lost.in_turn(lost.events)
    assert wanted[3:] == ("free", ["billing.dispute_closed", "billing.dispute_opened"])
    assert wanted[2][0]["status"] == "lost"
    await every_order(lost, wanted)


async def test_a_refund_that_came_back_in_every_order(came_back: History) -> None:
    assert len(came_back.events) == 5
    wanted = await came_back.in_turn(came_back.events)
    assert wanted[3:] == ("pro", ["billing.refund_failed", "billing.refund_made"])
    assert (wanted[0][0]["amount_refunded"], wanted[1][0]["status"]) == (0, "failed")
    await every_order(came_back, wanted)


async def test_all_at_once(came_back: History) -> None:
    wanted = await came_back.in_turn(came_back.events)
    for _ in range(5):
        assert await came_back.at_once() == wanted


async def every_order(history: History, wanted: tuple[Any, ...]) -> None:
    chance = random.Random(5)
    for order in permutations(history.events):
        repeated = [*order]
        repeated.insert(chance.randrange(6), chance.choice(order))
        assert await history.in_turn(repeated) == wanted
