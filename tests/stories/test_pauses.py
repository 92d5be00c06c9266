"""A pause over a renewal, and coming back after the end, told on the virtual clock."""

from datetime import timedelta

from tollkeeper import billing
from twin_process import SITE

from .telling import Person, Story


async def rests(story: Story, person: Person, days: int) -> None:
    """The operator lets a subscription rest for so many days."""
    async with story.runtime.transaction() as tx:
        until = tx.now.replace(microsecond=0) + timedelta(days=days)
        await billing.pause(tx, person.organization.id, until, by_operator=True)
    await story.word_gets_round()


async def comes_back(story: Story, person: Person) -> None:
    """The customer has the last plan begin anew."""
    async with story.runtime.transaction() as tx:
        buyer = billing.Buyer(person.organization.id, person.organization.name, "ada@example.com")
        page = await billing.reactivate(tx, buyer, success_url=f"{SITE}/ok", cancel_url=f"{SITE}/no")
        assert page is None, "the card is still kept"
    await story.word_gets_round()


async def test_a_pause_over_a_renewal_ends_by_itself_with_a_paid_period(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await rests(story, ada, 45)
    assert await ada.standing() == ("free", "active"), "the plan rests at once"
    await story.days_pass(40)
    assert (await ada.invoices())[0] == ("void", 2000), "nothing is owed for the period that fell into the pause"
    await story.days_pass(6)
    now = await ada.status()
    assert now.plan == "pro"
    assert (await ada.invoices())[0] == ("paid", 2000)
    assert len(await ada.invoices()) == 3, "paid once"
    await story.days_pass(32)
    assert [status for status, _ in await ada.invoices()] == ["paid", "paid", "void", "paid"]


async def test_nobody_has_the_plan_unpaid_after_a_pause(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await rests(story, ada, 35)
    await ada.pays_with("pm_card_chargeCustomerFail")
    await story.days_pass(36)
    assert await ada.standing() == ("free", "active")
    await ada.pays_with("pm_card_visa")
    async with story.runtime.transaction() as tx:
        await billing.unpause(tx, ada.organization.id, by_operator=False, idempotency_key="pays")
    await story.word_gets_round()
    assert await ada.standing() == ("pro", "active")
    assert (await ada.invoices())[0] == ("paid", 2000)


async def test_coming_back_after_the_end(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.cancels()
    await story.days_pass(40)
    assert await ada.standing() == ("free", "active")
    await comes_back(story, ada)
    assert await ada.standing() == ("pro", "active")
    await story.days_pass(32)
    assert await ada.invoices() == [("paid", 2000)] * 3
