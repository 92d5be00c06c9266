"""Fourteen orders that others reported as trouble, by name: each ends in one row, one grant, the provider's word.

Events that happened twice over, or whose type the twin does not tell of here, are spoken of the same purchase.
"""

import asyncio
import json
from collections.abc import Mapping
from itertools import count
from types import MappingProxyType

import pytest

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider
from tollkeeper.orgs import Organization

from .shop import Shop
from .test_orders import Slow, state

CREATED, UPDATED = "customer.subscription.created", "customer.subscription.updated"
PAID, SUCCEEDED = "invoice.paid", "invoice.payment_succeeded"
BOUGHT, LATER_PAID = "checkout.session.completed", "checkout.session.async_payment_succeeded"

IN_ORDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pay-282-good": (
            *("charge.succeeded", "payment_method.attached", "invoice.created", CREATED, "invoice.updated"),
            *("invoice.updated", "invoice.finalized", UPDATED, PAID, "invoice.updated", SUCCEEDED),
            *("payment_intent.created", "payment_intent.succeeded", BOUGHT),
        ),
        "pay-282-bad": (
            *("charge.succeeded", BOUGHT, "invoice.created", "payment_method.attached", "invoice.updated"),
            *("invoice.updated", UPDATED, "payment_intent.succeeded", CREATED, SUCCEEDED, "invoice.updated", PAID),
            *("invoice.finalized", "payment_intent.created"),
        ),
        "cashier-1201": (UPDATED, CREATED),
        "same-second": (UPDATED, UPDATED),
        "paid-and-succeeded": (PAID, SUCCEEDED),
        "late-failure": (BOUGHT, LATER_PAID, BOUGHT),
    }
)
AT_ONCE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cashier-1759": (CREATED, UPDATED),
        "drf-35": (CREATED, UPDATED),
        "checkout-vs-created": (BOUGHT, CREATED),
    }
)
_NUMBERS = count()


class Buyer:
    """Somebody who has bought a plan of which we have not heard yet."""

    def __init__(self, shop: Shop, organization: Organization, bodies: list[bytes]) -> None:
        self.shop = shop
        self.organization = organization
        self._by_type = {json.loads(body)["type"]: body for body in bodies}

    def event(self, kind: str) -> bytes:
        """Return an event of this type, another each time, all of one second."""
        like = self._by_type.get(kind) or self._by_type[CREATED]
        return json.dumps(json.loads(like) | {"type": kind, "id": f"evt_case_{next(_NUMBERS)}", "created": 1}).encode()

    async def ended_well(self) -> None:
        """There is one subscription, active, granted once; nothing more comes of hearing everything again."""
        for kind in (BOUGHT, PAID):
            await self.shop.process(self.event(kind))
        ended = await state(self.shop.runtime)
        assert [row["status"] for row in ended["subscriptions"]] == ["active"]
        assert [row["status"] for row in ended["invoices"]] == ["paid"]
        assert len(ended["billing_customers"]) == 1
        assert (await self.shop.status(self.organization)).plan == "pro"
        assert [each.plan for each in self.shop.heard] == ["pro"], "granted once, never taken back"


@pytest.fixture
async def buyer(shop: Shop) -> Buyer:
    ada = await shop.organization()
    return Buyer(shop, ada, await shop.events(await shop.buy(ada)))


@pytest.mark.parametrize("case", IN_ORDER)
async def test_in_this_order(buyer: Buyer, case: str) -> None:
    for kind in IN_ORDER[case]:
        await buyer.shop.process(buyer.event(kind))
    await buyer.ended_well()


@pytest.mark.parametrize("case", AT_ONCE)
async def test_at_once(buyer: Buyer, case: str) -> None:
    await asyncio.gather(*(buyer.shop.process(buyer.event(kind)) for kind in AT_ONCE[case]))
    await buyer.ended_well()


async def test_duplicate_paid(buyer: Buyer) -> None:
    paid = buyer.event(PAID)
    await buyer.shop.process(paid)
    await buyer.shop.process(paid)
    await buyer.ended_well()


async def test_dedupe_not_shared(buyer: Buyer) -> None:
    paid = buyer.event(PAID)
    await buyer.shop.take_in(paid)
    await asyncio.gather(*(buyer.shop.process(paid) for _ in range(2)))
    await buyer.ended_well()


async def test_cashier_1773(buyer: Buyer) -> None:
    """The event of a change is worked off before the call that makes it has returned."""
    shop = buyer.shop
    await shop.process(buyer.event(CREATED))

    async def change() -> None:
        async with shop.runtime.transaction() as tx:
            wish = billing.Change(plan="premium")
            await billing.change_plan(tx, buyer.organization.id, wish, idempotency_key="once")

    await asyncio.gather(change(), *(shop.process(buyer.event(UPDATED)) for _ in range(3)))
    ended = await state(shop.runtime)
    assert [(row["status"], row["plan"]) for row in ended["subscriptions"]] == [("active", "premium")]
    assert [each.plan for each in shop.heard] == ["pro", "premium"]


async def test_firebase_119(buyer: Buyer) -> None:
    """The slow handler asked first and would write last: it may not, since nobody asks before it has written."""
    shop = buyer.shop
    slow = Slow(shop.twin.url)
    shop.runtime.parts[PaymentProvider] = slow
    older = asyncio.create_task(shop.process(buyer.event(UPDATED)))
    await slow.held.wait()
    [subscription] = (await shop.api("GET", "subscriptions", limit="1"))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", cancel_at_period_end="true")
    newer = asyncio.create_task(shop.process(buyer.event(UPDATED)))
    await asyncio.sleep(0.3)
    assert len(slow.asked) == 1
    slow.let_go.set()
    await asyncio.gather(older, newer)
    await slow.close()
    assert (await shop.status(buyer.organization)).cancel_at_period_end, "the newest state stands"


async def test_double_checkout(shop: Shop) -> None:
    ada = await shop.organization()
    pages = await asyncio.gather(*(shop.checkout(ada) for _ in range(2)))
    await asyncio.gather(*(shop.pay(page.url) for page in pages))
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    live = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    assert len(live) == 1
    ended = await state(shop.runtime)
    assert (len(ended["billing_customers"]), len(ended["subscriptions"])) == (1, 1)


def test_they_are_fourteen() -> None:
    alone = {name for name in globals() if name.startswith("test_")} - {
        "test_in_this_order",
        "test_at_once",
        "test_they_are_fourteen",
    }
    assert len(IN_ORDER) + len(AT_ONCE) + len(alone) == 14
