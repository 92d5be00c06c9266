"""Somebody needs more prompts in the middle of the month, adds packs, keeps calling, and drops them again."""

import pytest

from tollkeeper import billing
from tollkeeper.gate import Gate, QuotaExceededError
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Role
from tollkeeper.rating import Interval

from .telling import Person, Story

PRO, PACK = 2000, 500


class Caller:
    """The program of a customer, which asks for prompts."""

    def __init__(self, gate: Gate, person: Person) -> None:
        self.gate = gate
        self.person = person
        self.actor = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], person.organization.id)

    async def asks(self, prompts: int) -> int | None:
        """Use prompts; returns how many are left of the limit."""
        self.gate.projection.clear()
        access = await self.gate.access(self.person.organization.id)
        balance = await self.gate.take(self.actor, access, "prompts", prompts, key=None, at=None)
        return balance.remaining

    async def takes_packs(self, quantity: int) -> None:
        """Have so many packs of prompts beside the plan."""
        change = billing.AddonChange("extra_prompts", quantity)
        async with self.person.story.runtime.transaction() as tx:
            key = f"packs-{quantity}-{tx.now}"
            await billing.set_addon(tx, self.person.organization.id, change, idempotency_key=key)
        await self.person.story.word_gets_round()

    async def packs(self) -> dict[str, int]:
        """What is beside the plan now."""
        subscription = (await self.person.status()).subscription
        assert subscription is not None
        return subscription.units()


async def test_more_prompts_in_the_middle_of_the_month(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    gate = Gate(story.runtime)
    program = Caller(gate, ada)
    await story.days_pass(15)
    assert await program.asks(50_000) == 0, "half of the month is left, and no prompt"
    with pytest.raises(QuotaExceededError):
        await program.asks(1)

    await program.takes_packs(2)
    assert await program.asks(15_000) == 5_000, "the packs count at once"
    [(state, charged), bought] = await ada.invoices()
    assert (state, bought) == ("paid", ("paid", PRO))
    assert 2 * PACK * 0.45 < charged < 2 * PACK * 0.55, "half of the month is left to pay for"

    await program.takes_packs(0)
    assert await program.packs() == {"extra_prompts": 2}
    assert await program.asks(5_000) == 0, "what is paid for stays until the period ends"
    assert len(await ada.invoices()) == 2, "nothing is charged or credited for it"

    await story.days_pass(17)
    assert await program.packs() == {}
    assert (await ada.invoices())[0] == ("paid", PRO), "the plan alone is renewed"
    assert await program.asks(50_000) == 0, "a new month, with the plan's own limit"
    with pytest.raises(QuotaExceededError):
        await program.asks(1)
    await gate.close()


async def test_packs_renew_with_the_plan_and_go_along_to_the_year(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    gate = Gate(story.runtime)
    program = Caller(gate, ada)
    await program.takes_packs(3)
    await story.days_pass(32)
    assert (await ada.invoices())[0] == ("paid", PRO + 3 * PACK)
    async with story.runtime.transaction() as tx:
        change = billing.Change(interval=Interval.YEAR)
        await billing.change_plan(tx, ada.organization.id, change, idempotency_key="by-the-year")
    await story.word_gets_round()
    assert await program.packs() == {"extra_prompts": 3}
    [(_, charged), *_] = await ada.invoices()
    left = PRO + 3 * PACK
    # It renewed one to four days ago, by the month this is.
    assert 10 * left - left <= charged <= 10 * left - left * 0.85, "a year of both, less what is left of the month"
    await gate.close()
