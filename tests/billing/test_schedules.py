"""What a subscription is to become later, however it was decided: by us, or past us in the provider's dashboard."""

import json
import random
from itertools import permutations
from typing import Any

import pytest

from tollkeeper import billing
from tollkeeper.billing.provider import price_at_provider
from tollkeeper.catalog import get_plan
from tollkeeper.orgs import Organization

from .shop import Shop
from .test_orders import state
from .test_reading import event, parse

SCHEDULES = "subscription_schedules"


class Planned:
    """A subscription to premium, of which only what is told about its schedules is heard."""

    def __init__(self, shop: Shop, organization: Organization, customer: str, subscription: str) -> None:
        self.shop = shop
        self.organization = organization
        self.customer = customer
        self.subscription = subscription

    async def schedule(self, plan: str | None = None, **then: str) -> str:
        """Do what the dashboard does: a schedule of the running period and, when told so, of a plan after it."""
        made = await self.shop.api("POST", SCHEDULES, from_subscription=self.subscription)
        if plan is not None:
            await self.then(made, plan, **then)
        return str(made["id"])

    async def then(self, schedule: dict[str, Any], plan: str, **more: str) -> None:
        async with self.shop.runtime.transaction() as tx:
            found = await get_plan(tx, plan)
            price = await price_at_provider(tx, found, found.prices[0])
        running = schedule["phases"][0]
        phases = {
            "phases[0][items][0][price]": running["items"][0]["price"],
            "phases[0][start_date]": str(running["start_date"]),
            "phases[0][end_date]": str(running["end_date"]),
            "phases[1][items][0][price]": price.provider_id,
            "phases[1][duration][interval]": "month",
            **more,
        }
        await self.shop.api("POST", f"{SCHEDULES}/{schedule['id']}", **phases)

    async def told(self) -> list[bytes]:
        """Return what the provider tells of schedules, and of nothing else, oldest first."""
        every = await self.shop.events(self.customer)
        return [body for body in every if json.loads(body)["type"].startswith("subscription_schedule.")]

    async def hear(self) -> None:
        for body in await self.told():
            await self.shop.process(body)

    async def pending(self) -> str | None:
        """Return the plan our mirror believes to come."""
        found = (await self.shop.status(self.organization)).subscription
        assert found is not None
        return found.pending.plan if found.pending else None


@pytest.fixture
async def planned(shop: Shop) -> Planned:
    ada = await shop.organization()
    customer = await shop.buy(ada, plan="premium")
    await shop.told(customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    return Planned(shop, ada, customer, subscription["id"])


async def test_a_change_planned_in_the_dashboard_reaches_us_and_is_taken_back(planned: Planned) -> None:
    schedule = await planned.schedule("pro")
    assert await planned.pending() is None, "nothing was told yet"
    await planned.hear()
    assert await planned.pending() == "pro"
    assert (await planned.shop.status(planned.organization)).plan == "premium"
    await planned.shop.api("POST", f"{SCHEDULES}/{schedule}/release")
    await planned.hear()
    assert await planned.pending() is None
    assert [each.plan for each in planned.shop.heard] == ["premium"], "what is to come changes nothing of now"


async def test_a_code_made_in_the_dashboard_is_none_of_ours(planned: Planned) -> None:
    api = planned.shop.api
    coupon = await api("POST", "coupons", duration="once", percent_off="25", name="Loyal")
    code = await api("POST", "promotion_codes", **{"promotion[type]": "coupon", "promotion[coupon]": coupon["id"]})
    await planned.schedule("pro", **{"phases[1][discounts][0][promotion_code]": code["id"]})
    await planned.hear()
    found = (await planned.shop.status(planned.organization)).subscription
    assert found is not None
    assert found.pending is not None
    assert (found.pending.plan, found.pending.code_id) == ("pro", None)
    state = await planned.shop.provider.fetch_subscription(planned.subscription)
    assert state is not None
    assert state.pending is not None
    assert state.pending.code == code["id"], "known to be there"


async def test_a_plan_without_a_second_step_is_no_change_to_come(planned: Planned) -> None:
    await planned.schedule()
    await planned.hear()
    assert await planned.pending() is None


async def test_a_schedule_canceled_in_the_dashboard_ends_the_subscription(planned: Planned) -> None:
    schedule = await planned.schedule("pro")
    await planned.hear()
    await planned.shop.api("POST", f"{SCHEDULES}/{schedule}/cancel")
    await planned.hear()
    status = await planned.shop.status(planned.organization)
    assert (status.plan, status.subscription) == ("free", None)


@pytest.mark.parametrize("released", [False, True], ids=["planned", "taken back"])
async def test_every_order_with_duplicates_ends_in_the_same_state(planned: Planned, *, released: bool) -> None:
    schedule = await planned.schedule("pro")
    if released:
        await planned.shop.api("POST", f"{SCHEDULES}/{schedule}/release")
    bodies = await planned.told()
    assert len(bodies) == (3 if released else 2)
    ends, chance = [], random.Random(1)
    for number, order in enumerate(permutations(bodies)):
        repeated = [*order, chance.choice(order)]
        for place, body in enumerate(repeated):  # each a message of its own, of the same change
            await planned.shop.process(
                json.dumps(json.loads(body) | {"id": f"evt_{number}_{place}_{released}"}).encode()
            )
        assert await planned.pending() == (None if released else "pro")
        ends.append(await state(planned.shop.runtime))
    assert all(each == ends[0] for each in ends)


async def test_what_we_planned_ourselves_is_told_as_well_and_changes_nothing(planned: Planned) -> None:
    async with planned.shop.runtime.transaction() as tx:
        await billing.change_plan(tx, planned.organization.id, billing.Change(plan="pro"), idempotency_key="down")
    before = await state(planned.shop.runtime)
    assert await planned.pending() == "pro"
    await planned.hear()
    assert await state(planned.shop.runtime) == before


@pytest.mark.parametrize(
    ("named", "subscription"),
    [
        ({"subscription": "sub_1"}, "sub_1"),
        ({"subscription": None, "released_subscription": "sub_1"}, "sub_1"),
        ({"subscription": None, "released_subscription": None}, None),
    ],
)
def test_a_schedule_names_its_subscription(named: dict[str, Any], subscription: str | None) -> None:
    body = {"id": "sub_sched_1", "object": "subscription_schedule", "customer": "cus_1", **named}
    subject = parse(event("subscription_schedule.released", data={"object": body})).subject
    assert (subject.customer_id, subject.subscription_id) == ("cus_1", subscription)
