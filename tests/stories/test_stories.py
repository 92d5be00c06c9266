"""Lives of customers, told from beginning to end on the virtual clock."""

from tollkeeper.billing import CancelAt

from .telling import Story

FAILS_WHEN_CHARGED = "pm_card_chargeCustomerFail"
PRO, PREMIUM = 2000, 5000


async def test_buy_renew_three_times(story: Story) -> None:
    ada = await story.customer("Ada")
    assert await ada.standing() == ("free", "active")
    await ada.buys("pro")
    assert await ada.standing() == ("pro", "active")
    first = (await ada.status()).current_period_end
    for renewals in (1, 2, 3):
        await story.days_pass(32)
        assert await ada.standing() == ("pro", "active")
        assert await ada.invoices() == [("paid", PRO)] * (1 + renewals)
    last = (await ada.status()).current_period_end
    assert first is not None
    assert last is not None
    assert 89 <= (last - first).days <= 92


async def test_upgrade_then_downgrade(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await story.days_pass(10)
    await ada.moves_to("premium")
    assert await ada.standing() == ("premium", "active")
    [(state, difference), bought] = await ada.invoices()
    assert (state, bought) == ("paid", ("paid", PRO))
    assert 0 < difference < PREMIUM - PRO
    await ada.moves_to("pro")
    assert await ada.standing() == ("premium", "active"), "what is paid for stays until the period ends"
    await story.days_pass(25)
    assert await ada.standing() == ("pro", "active")
    assert (await ada.invoices())[0] == ("paid", PRO)


async def test_the_card_fails_and_recovers(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.pays_with(FAILS_WHEN_CHARGED)
    await story.days_pass(32)
    assert await ada.standing() == ("pro", "past_due"), "the plan stays while the provider tries again"
    assert (await ada.invoices())[0] == ("open", PRO)
    await ada.pays_with("pm_card_visa")
    await story.days_pass(10)
    assert await ada.standing() == ("pro", "active")
    assert await ada.invoices() == [("paid", PRO)] * 2


async def test_the_card_fails_until_it_ends(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.pays_with(FAILS_WHEN_CHARGED)
    await story.days_pass(32)
    assert await ada.standing() == ("pro", "past_due")
    await story.days_pass(45)
    assert await ada.standing() == ("free", "active")
    assert (await ada.subscription())["status"] == "canceled"


async def test_cancelled_it_lasts_until_the_period_ends(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.cancels()
    await story.days_pass(20)
    assert await ada.standing() == ("pro", "active")
    await story.days_pass(12)
    assert await ada.standing() == ("free", "active")
    assert await ada.invoices() == [("paid", PRO)]


async def test_refunded_and_ended(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    [payment] = (await story.at_provider("GET", "payment_intents"))["data"]
    refund = await story.at_provider("POST", "refunds", payment_intent=payment["id"])
    assert (refund["status"], refund["amount"]) == ("succeeded", PRO)
    await ada.cancels(CancelAt.NOW)
    assert await ada.standing() == ("free", "active")
    await story.days_pass(32)
    assert await ada.invoices() == [("paid", PRO)], "nothing is charged after the end"


async def test_the_card_is_removed(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.removes_the_card()
    await story.days_pass(20)
    assert await ada.standing() == ("pro", "active"), "what is paid for stays until the period ends"
    await story.days_pass(13)
    assert await ada.standing() == ("pro", "past_due"), "there is nothing to collect the renewal from"


async def test_the_provider_is_down_in_the_middle_of_a_renewal(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await story.days_pass(27)
    alive = story.provider_goes_down()
    await story.days_pass(6)
    assert await ada.standing() == ("pro", "active"), "nobody loses what they paid for"
    assert await ada.invoices() == [("paid", PRO)], "we have heard of the renewal, but cannot ask about it"
    await story.provider_comes_back(alive)
    assert await ada.invoices() == [("paid", PRO)] * 2, "charged once"
    assert await ada.standing() == ("pro", "active")
