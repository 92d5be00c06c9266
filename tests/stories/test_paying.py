"""Ways of paying that take their time, or want the customer's hand: bank accounts, 3-D Secure, a card that is gone."""

import httpx

from tollkeeper import billing
from tollkeeper.billing.flows.model import PaymentStanding
from tollkeeper.billing.flows.service import payment_standing
from twin_process import CARD, KEY, SITE

from .telling import GOOD, Person, Story

PRO = 2000
ACCOUNT, EMPTY_ACCOUNT = "000123456789", "000222222227"
ASKS_EACH_TIME = "4000002760003184"


async def buys_from_account(person: Person, plan: str, account: str) -> None:
    """Buy a plan on the hosted page, the money to come from a bank account."""
    story = person.story
    wish = billing.Purchase(success_url=f"{SITE}/ok", cancel_url=f"{SITE}/no", plan=plan)
    async with story.runtime.transaction() as tx:
        buyer = billing.Buyer(person.organization.id, person.organization.name, "ada@example.com")
        page = await billing.create_checkout(tx, buyer, wish)
    form = {
        "type": "us_bank_account",
        "us_bank_account[account_number]": account,
        "us_bank_account[routing_number]": "110000000",
        "us_bank_account[account_holder_type]": "individual",
        "billing_details[name]": "Ada",
        "billing_details[email]": "ada@example.com",
    }
    method = await story.at_provider("POST", "payment_methods", **form)
    await story.at_provider("POST", f"payment_pages/{page.session_id}/confirm", payment_method=method["id"])
    await story.word_gets_round()


async def paying(person: Person) -> PaymentStanding:
    """Where payments stand, as the status call tells."""
    now = await person.status()
    async with person.story.runtime.transaction() as tx:
        return await payment_standing(tx, now.subscription)


async def pays_by_the_link(person: Person, card: str = GOOD) -> None:
    """Open the link, type in a card, and confirm where the bank asks for it."""
    link = (await paying(person)).pay_url
    assert link is not None
    async with httpx.AsyncClient(trust_env=False, auth=(KEY, "")) as browser:
        answer = await browser.post(link, data={"card_number": card, **CARD})
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        onward = httpx.URL(link).join(answer.headers["location"])
        if "/authenticate/" in str(onward):
            assert (await browser.post(onward, data={"outcome": "complete"})).is_redirect
    await person.story.word_gets_round()


async def test_paid_from_a_bank_account(story: Story) -> None:
    ada = await story.customer("Ada")
    await buys_from_account(ada, "pro", ACCOUNT)
    assert await ada.standing() == ("free", "active"), "the provider trusts the bank; we wait for the money"
    assert (await paying(ada)).state == "processing"
    await story.days_pass(1)
    assert await ada.standing() == ("pro", "active"), "it has arrived"
    assert (await paying(ada)).state == "current"
    await story.days_pass(32)
    assert await ada.standing() == ("pro", "active"), "renewed from the same account"
    assert await ada.invoices() == [("paid", PRO)] * 2


async def test_the_bank_account_is_empty(story: Story) -> None:
    ada = await story.customer("Ada")
    await buys_from_account(ada, "pro", EMPTY_ACCOUNT)
    await story.days_pass(1)
    assert await ada.standing() == ("free", "past_due"), "nothing came, and nothing was given"
    assert await ada.invoices() == [("open", PRO)]
    await pays_by_the_link(ada)
    assert await ada.standing() == ("pro", "active")
    assert await ada.invoices() == [("paid", PRO)]


async def test_the_bank_account_is_empty_and_nobody_cares(story: Story) -> None:
    ada = await story.customer("Ada")
    await buys_from_account(ada, "pro", EMPTY_ACCOUNT)
    for _ in range(3):
        await story.days_pass(5)
        assert (await ada.standing())[0] == "free"
    assert (await ada.subscription())["status"] == "canceled"
    assert await ada.standing() == ("free", "active")
    assert (await paying(ada)).state == "current", "nothing is owed by who has nothing"


async def test_the_renewal_has_to_be_confirmed(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.pays_with("pm_card_authenticationRequired")
    await story.days_pass(32)
    assert await ada.standing() == ("pro", "past_due")
    waiting = await paying(ada)
    assert (waiting.state, waiting.requires_action) == ("grace", True)
    assert waiting.next_step_at is not None
    assert waiting.next_step_at > story.runtime.clock.now()
    await pays_by_the_link(ada, ASKS_EACH_TIME)
    assert await ada.standing() == ("pro", "active")
    assert await paying(ada) == PaymentStanding()
    assert await ada.invoices() == [("paid", PRO)] * 2


async def test_the_card_is_gone_when_it_is_needed(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await ada.removes_the_card()
    await story.days_pass(32)
    assert await ada.standing() == ("pro", "past_due")
    await story.days_pass(7)
    assert (await paying(ada)).state == "restricted"
    assert await ada.standing() == ("free", "past_due"), "a week is enough"
    await pays_by_the_link(ada)
    assert await ada.standing() == ("pro", "active"), "at once"
    assert await ada.invoices() == [("paid", PRO)] * 2
