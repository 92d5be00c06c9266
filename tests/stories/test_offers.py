"""Trials and coupons, told from beginning to end on the virtual clock."""

import httpx

from tollkeeper import billing, catalog
from tollkeeper.billing.provider import push_catalogue
from twin_process import SITE

from .telling import Person, Story

CATALOGUE = """
features: {}
plans:
  free: {name: Free, default: true}
  pro:
    name: Pro
    prices: {month: {usd: 2000}}
    trial: {days: 14, card: required}
  lite:
    name: Lite
    prices: {month: {usd: 900}}
    trial: {days: 14, card: optional, without_card: cancel}
  calm:
    name: Calm
    prices: {month: {usd: 900}}
    trial: {days: 14, card: optional, without_card: pause}
coupons:
  welcome: {name: Welcome, percent_off: 25, duration: repeating, months: 3}
codes:
  WELCOME: {coupon: welcome}
"""


async def sells(story: Story) -> None:
    """The shop puts its offers up, here and at the provider."""
    async with story.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(CATALOGUE))
    async with story.runtime.transaction() as tx:
        await push_catalogue(tx)


async def begins_without_card(story: Story, person: Person, plan: str) -> None:
    """Start a trial on the hosted page, which asks for nothing to pay with."""
    wish = billing.Purchase(success_url=f"{SITE}/ok", cancel_url=f"{SITE}/no", plan=plan)
    async with story.runtime.transaction() as tx:
        buyer = billing.Buyer(person.organization.id, person.organization.name, "ada@example.com")
        page = await billing.create_checkout(tx, buyer, wish)
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.post(page.url, data={})).status_code == httpx.codes.SEE_OTHER
    await story.word_gets_round()


async def test_a_trial_with_a_card_becomes_a_paid_plan(story: Story) -> None:
    await sells(story)
    ada = await story.customer("Ada")
    await ada.buys("pro")
    assert await ada.standing() == ("pro", "trialing")
    assert await ada.invoices() == [("paid", 0)], "nothing is asked for during the trial"
    await story.days_pass(15)
    assert await ada.standing() == ("pro", "active")
    assert await ada.invoices() == [("paid", 2000), ("paid", 0)]
    await story.days_pass(32)
    assert (await ada.invoices())[0:2] == [("paid", 2000)] * 2


async def test_a_trial_without_a_card_ends_by_itself_and_is_not_given_again(story: Story) -> None:
    await sells(story)
    ada = await story.customer("Ada")
    await begins_without_card(story, ada, "lite")
    assert await ada.standing() == ("lite", "trialing")
    await story.days_pass(15)
    assert await ada.standing() == ("free", "active")
    assert (await ada.subscription())["status"] == "canceled"
    await ada.buys("pro")
    assert await ada.standing() == ("pro", "active"), "who had a trial pays"
    assert (await ada.invoices())[0] == ("paid", 2000)


async def test_a_trial_without_a_card_rests_and_wakes_up_with_one(story: Story) -> None:
    await sells(story)
    ada = await story.customer("Ada")
    await begins_without_card(story, ada, "calm")
    await story.days_pass(15)
    assert await ada.standing() == ("free", "paused"), "kept, but not to be used"
    await story.days_pass(10)
    await ada.pays_with("pm_card_visa")
    async with story.runtime.transaction() as tx:
        await billing.wake_after_trial(tx, ada.organization.id, idempotency_key="wake")
    await story.word_gets_round()
    assert await ada.standing() == ("calm", "active")
    assert (await ada.invoices())[0] == ("paid", 900)
    await story.days_pass(32)
    assert (await ada.invoices())[:2] == [("paid", 900)] * 2


async def test_a_coupon_lowers_three_months(story: Story) -> None:
    await sells(story)
    ada = await story.customer("Ada")
    await ada.buys("pro")
    async with story.runtime.transaction() as tx:
        await billing.apply_promotion(tx, ada.organization.id, "welcome", idempotency_key="welcome")
        await billing.end_trial(tx, ada.organization.id, idempotency_key="now")
    await story.word_gets_round()
    found = (await ada.status()).discount
    assert found is not None
    assert (found.code, found.name) == ("WELCOME", "Welcome")
    told = []
    for days in (32, 31, 34):
        coming = (await ada.overview()).next_invoice
        assert coming is not None
        told.append((coming.amount.amount, coming.discount.amount))
        await story.days_pass(days)
        assert (await ada.invoices())[0] == ("paid", coming.amount.amount), "what was told before is what came"
    assert told == [(1500, 500), (1500, 500), (2000, 0)]
    assert [total for _, total in await ada.invoices()][::-1] == [0, 1500, 1500, 1500, 2000]
    assert (await ada.status()).discount is None
