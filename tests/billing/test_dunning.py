"""While a payment fails: the schedule, what each step does and tells, and how it is over."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from tollkeeper.billing import dunning
from tollkeeper.billing.dunning import MACHINE, Action, Case, Signal, State, Step
from tollkeeper.billing.dunning.rules import due, next_at, signal
from tollkeeper.billing.flows.jobs import dunning_steps, expiring_cards
from tollkeeper.billing.flows.service import take_dunning_steps
from tollkeeper.billing.subscriptions import SubscriptionEnded
from tollkeeper.infra import Event, Settings
from tollkeeper.kit import FixedClock, new_id

from .shop import Shop

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TOLD: tuple[type[Event], ...] = (
    dunning.PaymentFailed,
    dunning.DunningStepReached,
    dunning.AccessRestricted,
    dunning.PaymentRecovered,
    dunning.CardExpiring,
    SubscriptionEnded,
)


def case_of(state: State = State.GRACE, attempts: int = 1, steps_done: int = 0) -> Case:
    ids = (new_id(), new_id(), new_id())
    return Case(
        *ids, "in_1", state, NOW, attempts, steps_done, None, requires_action=False, page_url=None, closed_at=None
    )


def test_a_schedule_is_read_in_the_order_of_its_days() -> None:
    assert dunning.read_schedule("7:restrict, 0:remind:first, 14:end") == (
        Step(0, Action.REMIND, "first"),
        Step(7, Action.RESTRICT, "restrict"),
        Step(14, Action.END, "end"),
    )
    assert dunning.read_schedule("") == ()
    with pytest.raises(ValueError, match="nothing can follow"):
        dunning.read_schedule("3:end, 7:remind")


@pytest.mark.parametrize("text", ["remind", "x:remind", "3:shout", "3:remind;7:end", "3:remind:Be Nice", "3:remind,"])
def test_a_wrong_schedule_is_refused_with_the_settings(text: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, TOLLKEEPER_ENV="test", TOLLKEEPER_DUNNING=text)


def test_the_schedule_that_is_set_can_be_read() -> None:
    steps = dunning.read_schedule(Settings(_env_file=None, TOLLKEEPER_ENV="test").dunning)
    assert [step.action for step in steps] == [Action.REMIND, Action.REMIND, Action.RESTRICT, Action.END]


def test_the_machine_leads_from_every_open_state_back_and_out() -> None:
    for state in (State.GRACE, State.RESTRICTED):
        for heard in Signal:
            assert (state, heard) in MACHINE
        assert MACHINE[state, Signal.PAID] is State.CURRENT
        assert MACHINE[state, Signal.OVER] is MACHINE[state, Signal.END] is State.ENDED
    assert not [heard for state, heard in product([State.ENDED], Signal) if (state, heard) in MACHINE]
    drawn = dunning.machine_as_mermaid()
    assert all(f"{before} --> {after}: {why}" in drawn for (before, why), after in MACHINE.items())


@pytest.mark.parametrize(
    ("case", "status", "attempts", "over", "heard"),
    [
        (None, "active", 0, False, None),
        (None, "past_due", 1, False, Signal.FAILED),
        (None, "canceled", 1, True, None),
        (None, "incomplete", 1, False, None),
        (case_of(), "past_due", 1, False, None),
        (case_of(), "past_due", 2, False, Signal.FAILED),
        (case_of(), "unpaid", 2, False, Signal.FAILED),
        (case_of(), "active", 1, False, Signal.PAID),
        (case_of(), "canceled", 1, True, Signal.OVER),
        (case_of(), "paused", 1, False, None),
    ],
)
def test_what_the_providers_state_says(case: Case | None, status: str, attempts: int, over: bool, heard: Any) -> None:
    assert signal(case, status, attempts, over=over) is heard


def test_a_step_is_due_on_its_day_to_the_second() -> None:
    schedule = dunning.read_schedule("0:remind, 3:restrict")
    assert next_at(NOW, schedule, 1) == NOW + timedelta(days=3)
    assert next_at(NOW, schedule, 2) is None
    case = case_of(steps_done=1)
    assert due(case, schedule, NOW + timedelta(days=3)) == schedule[1]
    assert due(case, schedule, NOW + timedelta(days=3, seconds=-1)) is None
    assert due(case_of(steps_done=2), schedule, NOW + timedelta(days=99)) is None


@pytest.fixture
def told(shop: Shop) -> list[Event]:
    return shop.hear(*TOLD)


async def fail_to_pay(shop: Shop, customer: str, method: str = "pm_card_chargeCustomerFail") -> str:
    """Have a new period begin that the card does not pay; returns the provider's id of the subscription."""
    attached = await shop.api("POST", f"payment_methods/{method}/attach", customer=customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    change = {
        "default_payment_method": attached["id"],
        "billing_cycle_anchor[type]": "now",
        "proration_behavior": "none",
    }
    changed = await shop.api("POST", f"subscriptions/{subscription['id']}", **change)
    assert changed["status"] == "past_due"
    await shop.told(customer)
    return str(subscription["id"])


async def steps(shop: Shop) -> None:
    async with shop.runtime.transaction() as tx:
        cases = await dunning.due_cases(tx)
    for case in cases:
        async with shop.runtime.transaction() as tx:
            await take_dunning_steps(tx, case.id)


def names(told: list[Event]) -> list[str]:
    return [getattr(each, "message", each.name.removeprefix("billing.")) for each in told]


async def test_fail_and_recover(shop: Shop, clock: FixedClock, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    await fail_to_pay(shop, customer)
    assert (await shop.status(ada)).plan == "pro"
    clock.advance(timedelta(minutes=1))
    await steps(shop)
    clock.advance(timedelta(days=3))
    await steps(shop)
    await steps(shop)
    assert names(told) == ["payment_failed", "remind", "second_reminder"]
    assert (await shop.status(ada)).plan == "pro"
    clock.advance(timedelta(days=4))
    await steps(shop)
    assert names(told)[3:] == ["restrict", "access_restricted"]
    status = await shop.status(ada)
    assert (status.plan, status.status) == ("free", "past_due")
    [invoice] = (await shop.api("GET", "invoices", customer=customer, status="open"))["data"]
    good = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=customer)
    await shop.api("POST", f"invoices/{invoice['id']}/pay", payment_method=good["id"])
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro"
    [recovered] = told[5:]
    assert isinstance(recovered, dunning.PaymentRecovered)
    assert recovered.restored
    assert [each.plan for each in shop.heard][-2:] == [None, "pro"]


async def test_fail_and_end_though_every_step_is_late(shop: Shop, clock: FixedClock, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    subscription = await fail_to_pay(shop, customer)
    clock.advance(timedelta(days=20))
    await steps(shop)
    await steps(shop)
    assert names(told) == [
        "payment_failed",
        "remind",
        "second_reminder",
        "restrict",
        "access_restricted",
        "end",
        "subscription_ended",
    ]
    assert (await shop.api("GET", f"subscriptions/{subscription}"))["status"] == "canceled"
    status = await shop.status(ada)
    assert (status.plan, status.subscription) == ("free", None)


async def test_paid_in_the_meantime_nothing_is_taken_away(shop: Shop, clock: FixedClock, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    await fail_to_pay(shop, customer)
    [invoice] = (await shop.api("GET", "invoices", customer=customer, status="open"))["data"]
    good = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=customer)
    await shop.api("POST", f"invoices/{invoice['id']}/pay", payment_method=good["id"])
    clock.advance(timedelta(days=20))
    await steps(shop)
    assert names(told) == ["payment_failed", "payment_recovered"]
    assert (await shop.status(ada)).plan == "pro"


async def test_a_payment_that_has_to_be_confirmed_says_where(shop: Shop, told: list[Event]) -> None:
    ada = await shop.organization()
    customer = await shop.buy(ada)
    await shop.told(customer)
    await fail_to_pay(shop, customer, "pm_card_authenticationRequired")
    [failed] = told
    assert isinstance(failed, dunning.PaymentFailed)
    assert failed.requires_action
    assert failed.page_url is not None
    assert failed.page_url.startswith("http")


async def test_the_job_finds_what_is_due(shop: Shop, clock: FixedClock) -> None:
    customer = await shop.buy(await shop.organization())
    await shop.told(customer)
    await fail_to_pay(shop, customer)
    clock.advance(timedelta(minutes=1))
    async with shop.runtime.transaction() as tx:
        await dunning_steps.handler(tx)
        found = await tx.connection.exec_driver_sql(
            "select count(*) from procrastinate_jobs where task_name = 'billing.dunning_step'"
        )
        assert found.scalar_one() == 1


async def test_a_card_about_to_expire_is_told_of_once(shop: Shop, clock: FixedClock, told: list[Event]) -> None:
    customer = await shop.buy(await shop.organization())
    await shop.told(customer)
    for years in (0, 20, 0):
        clock.advance(timedelta(days=365 * years))
        async with shop.runtime.transaction() as tx:
            await expiring_cards.handler(tx)
    [warned] = told
    assert isinstance(warned, dunning.CardExpiring)
    assert (warned.last4, warned.exp_month, warned.exp_year) == ("4242", 12, 2040)
