"""Usage beyond a soft limit: on the invoice once, explained, whatever happens on the way."""

from tollkeeper import billing

from .beyond import explained, uses
from .telling import Story

PREMIUM = 5000
BEYOND = 3_400  # prompts, that is four packages begun at 0.10 USD


async def test_a_month_beyond_the_limit_ends_on_the_invoice(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("premium")
    await story.days_pass(3)
    await uses(ada, "prompts", 250_000 + BEYOND)
    await story.days_pass(29)
    assert await ada.invoices() == [("paid", PREMIUM + 40), ("paid", PREMIUM)]
    found = await explained(ada)
    assert found.matches is True
    [usage] = [line for line in found.lines if line.kind == "usage"]
    assert usage.description == "Prompts: 3,400 beyond 250,000 (0.10 USD for each 1,000)"
    assert usage.steps[0].startswith("1 event since")
    assert "the plan includes 250,000" in usage.steps
    assert usage.replayed == usage.invoiced
    await story.days_pass(32)
    assert (await ada.invoices())[0] == ("paid", PREMIUM), "the next month begins at zero"


async def test_the_provider_is_down_at_the_renewal(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("premium")
    await uses(ada, "prompts", 250_000 + BEYOND)
    await story.days_pass(27)
    alive = story.provider_goes_down()
    await story.days_pass(6)
    assert await ada.invoices() == [("paid", PREMIUM)], "nobody can be asked"
    await story.provider_comes_back(alive)
    assert (await ada.invoices())[0] == ("paid", PREMIUM), "the renewal's invoice was final before we heard of it"
    await story.days_pass(32)
    assert (await ada.invoices())[0] == ("paid", PREMIUM + 40), "so it is on the next one"
    await story.days_pass(32)
    assert (await ada.invoices())[0] == ("paid", PREMIUM), "once"


async def test_leaving_pays_what_was_used(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("premium")
    await uses(ada, "prompts", 250_000 + BEYOND)
    await story.days_pass(5)
    await ada.cancels(billing.CancelAt.NOW)
    assert await ada.standing() == ("free", "active")
    assert await ada.invoices() == [("paid", 40), ("paid", PREMIUM)]
    assert (await explained(ada)).matches is True
    await story.days_pass(40)
    assert len(await ada.invoices()) == 2, "nothing comes after it"


async def test_cancelled_at_the_end_pays_what_was_used_in_the_last_month(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("premium")
    await ada.cancels()
    await story.days_pass(20)
    await uses(ada, "deployments", 501)
    await story.days_pass(12)
    assert await ada.standing() == ("free", "active")
    assert await ada.invoices() == [("paid", 10), ("paid", PREMIUM)]


async def test_a_change_within_the_month_pays_up_to_it_and_not_again(story: Story) -> None:
    ada = await story.customer("Ada")
    await ada.buys("premium")
    await uses(ada, "prompts", 250_000 + BEYOND)
    await story.days_pass(10)
    await ada.moves_to("pro", at=billing.ChangeAt.NOW)
    await story.days_pass(25)
    last = await explained(ada)
    assert [line.invoiced.amount for line in last.lines if line.kind == "usage"] == [40]
    assert last.matches is True
    await story.days_pass(32)
    assert [line.kind for line in (await explained(ada)).lines] == ["plan"]
