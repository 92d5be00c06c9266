"""Paying from a bank account: the money is on its way for a while, and gives the plan only when it has arrived."""

import json
import random
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider, dunning
from tollkeeper.billing.flows.service import payment_standing, process_event
from tollkeeper.billing.flows.store import list_events
from tollkeeper.infra import Event
from tollkeeper.orgs import Organization

from .shop import Shop, member
from .test_disputes import time_passes
from .test_orders import Remembering, state

GOOD, NO_FUNDS, NEVER_DECIDED = "000123456789", "000222222227", "000000000009"
ORDERS = 16


@pytest.fixture
def told(shop: Shop) -> list[Event]:
    return shop.hear(dunning.PaymentFailed, dunning.PaymentRecovered)


async def account(shop: Shop, number: str) -> str:
    """A bank account to pay from; returns the provider's id of the method."""
    bank = {"account_number": number, "routing_number": "110000000", "account_holder_type": "individual"}
    wanted = {"type": "us_bank_account", "billing_details[name]": "Ada", "billing_details[email]": "ada@example.com"}
    wanted |= {f"us_bank_account[{name}]": value for name, value in bank.items()}
    return str((await shop.api("POST", "payment_methods", **wanted))["id"])


async def buy_from_account(shop: Shop, number: str) -> tuple[Organization, str]:
    """Complete a checkout with a bank account; returns who bought, and the provider's customer."""
    ada = await shop.organization()
    opened = await shop.checkout(ada)
    page = f"{shop.twin.url}/v1/payment_pages/{opened.session_id}/confirm"
    async with httpx.AsyncClient(trust_env=False, auth=("sk_test_tollkeeper", "")) as browser:
        done = await browser.post(page, data={"payment_method": await account(shop, number)})
    assert (done.json()["status"], done.json()["payment_status"]) == ("complete", "unpaid"), done.text
    return ada, await shop.customer_id(ada)


async def renew_from_account(shop: Shop, customer: str, number: str) -> None:
    """Have a new period begin that is to be paid from a bank account."""
    method = await account(shop, number)
    await shop.api("POST", f"payment_methods/{method}/attach", customer=customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    change = {"default_payment_method": method, "billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
    assert (await shop.api("POST", f"subscriptions/{subscription['id']}", **change))["status"] == "active"
    await shop.told(customer)


async def paying(shop: Shop, ada: Organization) -> str:
    """Where payments stand, in a word."""
    found = await shop.status(ada)
    async with shop.runtime.transaction() as tx:
        return (await payment_standing(tx, found.subscription)).state.value


async def test_nothing_is_given_until_the_money_has_arrived(
    shop: Shop, client: httpx.AsyncClient, told: list[Event]
) -> None:
    ada, customer = await buy_from_account(shop, GOOD)
    shop.caller = member(ada)
    await shop.told(customer)
    waiting = (await client.get("/api/subscription/status")).json()
    assert (waiting["plan"], waiting["status"]) == ("free", "active"), "active at the provider, not paid"
    assert waiting["payment"]["state"] == "processing"
    assert waiting["payment"]["since"].endswith("Z")
    assert waiting["payment"]["pay_url"] is None, "there is nothing to do but wait"
    assert [each.plan for each in shop.heard] == []
    again = await client.post("/api/stripe/create-checkout", json={"plan": "pro"})
    assert again.json()["code"] == "already_subscribed", "it would be paid twice"
    for path, wish in [("change", {"plan": "premium"}), ("addons", {"addon": "extra_prompts", "quantity": 1})]:
        refused = await client.post(f"/api/subscription/{path}", json=wish)
        assert (refused.status_code, refused.json()["code"]) == (409, "period_unpaid"), "a small invoice buys no plan"
    await time_passes(shop, minutes=1)
    await shop.told(customer)
    arrived = (await client.get("/api/subscription/status")).json()
    assert (arrived["plan"], arrived["payment"]["state"]) == ("pro", "current")
    assert [each.plan for each in shop.heard] == ["pro"]
    assert told == []


async def test_nothing_is_given_when_the_money_does_not_come(
    shop: Shop, client: httpx.AsyncClient, told: list[Event]
) -> None:
    ada, customer = await buy_from_account(shop, NO_FUNDS)
    shop.caller = member(ada)
    await shop.told(customer)
    await time_passes(shop, minutes=1)
    await shop.told(customer)
    failed = (await client.get("/api/subscription/status")).json()
    assert (failed["plan"], failed["status"]) == ("free", "past_due")
    assert (failed["payment"]["state"], failed["payment"]["requires_action"]) == ("grace", False)
    assert failed["payment"]["pay_url"].startswith("http")
    assert shop.heard == []
    assert [type(each) for each in told] == [dunning.PaymentFailed]
    [invoice] = (await shop.api("GET", "invoices", customer=customer, status="open"))["data"]
    card = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=customer)
    await shop.api("POST", f"invoices/{invoice['id']}/pay", payment_method=card["id"])
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro", "paid otherwise"
    assert await paying(shop, ada) == "current"


async def test_a_renewal_on_its_way_keeps_the_plan(shop: Shop, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    await renew_from_account(shop, customer, GOOD)
    assert ((await shop.status(ada)).plan, await paying(shop, ada)) == ("pro", "processing")
    await time_passes(shop, minutes=1)
    await shop.told(customer)
    assert ((await shop.status(ada)).plan, await paying(shop, ada)) == ("pro", "current")
    assert told == []
    assert {each.plan for each in shop.heard} == {"pro"}, "it was never taken away"


async def test_a_renewal_that_comes_back_is_dunned(shop: Shop, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    await renew_from_account(shop, customer, NO_FUNDS)
    await time_passes(shop, minutes=1)
    await shop.told(customer)
    found = await shop.status(ada)
    assert (found.plan, found.status, await paying(shop, ada)) == ("pro", "past_due", "grace")
    assert [type(each) for each in told] == [dunning.PaymentFailed]


async def test_an_upgrade_on_its_way_is_used_and_dunned_when_it_comes_back(shop: Shop, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    method = await account(shop, NO_FUNDS)
    await shop.api("POST", f"payment_methods/{method}/attach", customer=customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", default_payment_method=method)
    async with shop.runtime.transaction() as tx:
        await billing.change_plan(tx, ada.id, billing.Change(plan="premium"), idempotency_key=f"upgrade {ada.id}")
    assert ((await shop.status(ada)).plan, await paying(shop, ada)) == ("premium", "processing")
    await time_passes(shop, minutes=1)
    await shop.told(customer)
    assert ((await shop.status(ada)).status, await paying(shop, ada)) == ("past_due", "grace")
    assert [type(each) for each in told] == [dunning.PaymentFailed]


class History:
    """Everything told of a purchase from a bank account, to be processed in any order, from nothing or onwards."""

    def __init__(self, shop: Shop, ada: Organization) -> None:
        self.shop, self.ada = shop, ada

    async def forget(self) -> None:
        """Go back to before the first event."""
        async with self.shop.runtime.transaction() as tx:
            raw = await tx.raw()
            await raw.execute("set local role none")
            await raw.execute("truncate subscriptions, invoices, payments, billing_standings cascade")
            await raw.execute("update billing_customers set payment_method = null, balance = 0, currency = null")
            await raw.execute("update provider_events set status = 'received', processed_at = null, attempts = 0")
        self.shop.heard.clear()

    async def in_turn(self, bodies: Sequence[bytes]) -> None:
        """Process events in this order; those that were processed before are done again, as after a repair."""
        names = [json.loads(body)["id"] for body in bodies]
        async with self.shop.runtime.transaction() as tx:
            stored = {each.provider_id: each.id for each in await list_events(tx, limit=1000)}
        for name in names:
            async with self.shop.runtime.transaction() as tx:
                await process_event(tx, stored[name])

    async def end(self) -> tuple[Any, ...]:
        """What all orders must agree on."""
        plan = (await self.shop.status(self.ada)).plan
        return await state(self.shop.runtime), plan, await paying(self.shop, self.ada)


async def test_in_any_order_nothing_is_given_while_it_is_on_its_way(shop: Shop) -> None:
    ada, customer = await buy_from_account(shop, NEVER_DECIDED)
    found = await in_many_orders(shop, ada, await shop.events(customer), given=[])
    assert found[1:] == ("free", "processing")


@pytest.mark.parametrize(("number", "plan", "standing"), [(GOOD, "pro", "current"), (NO_FUNDS, "free", "grace")])
async def test_in_any_order_the_end_is_whether_it_was_paid(shop: Shop, number: str, plan: str, standing: str) -> None:
    ada, customer = await buy_from_account(shop, number)
    await time_passes(shop, minutes=1)
    given = ["pro"] if plan == "pro" else []
    found = await in_many_orders(shop, ada, await shop.events(customer), given=given)
    assert found[1:] == (plan, standing)


async def in_many_orders(shop: Shop, ada: Organization, told: Sequence[bytes], *, given: list[str]) -> tuple[Any, ...]:
    """Process everything told in many orders, some of it twice, always from nothing; returns the one end of all."""
    history, chance = History(shop, ada), random.Random(len(told))
    for body in told:
        await shop.take_in(body)
    resting = shop.runtime.parts[PaymentProvider] = Remembering(shop.twin.url)
    ends = []
    try:
        for _ in range(ORDERS):
            await history.forget()
            await history.in_turn(_shuffled(told, chance))
            ends.append(await history.end())
            assert ends[-1] == ends[0]
            assert [each.plan for each in shop.heard] == given, "given once, or never"
    finally:
        await resting.close()
    return tuple(ends[0])


async def test_what_was_told_while_it_was_on_its_way_comes_after_the_end(shop: Shop) -> None:
    ada, customer = await buy_from_account(shop, GOOD)
    history = History(shop, ada)
    early = await shop.events(customer)
    await time_passes(shop, minutes=1)
    every = await shop.events(customer)
    for body in every:
        await shop.take_in(body)
    await history.in_turn([body for body in every if body not in early])
    assert (await shop.status(ada)).plan == "pro"
    await history.in_turn(early[::-1])
    assert (await shop.status(ada)).plan == "pro"
    assert [each.plan for each in shop.heard] == ["pro"]


def _shuffled(bodies: Sequence[bytes], chance: random.Random) -> list[bytes]:
    """Another order, in which some come twice."""
    order = [*bodies, *chance.sample(list(bodies), min(2, len(bodies)))]
    chance.shuffle(order)
    return order
