"""The line to the provider is cut for exactly an hour while a renewal is under way; or only its answers are lost."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from line import Line
from tollkeeper import billing
from tollkeeper.billing import PaymentProvider, ProviderUnavailableError, StripeProvider
from tollkeeper.billing.flows.store import list_events
from tollkeeper.billing.provider import Circuit, Limits, ProviderLists, StripeLists
from twin_process import KEY

from .telling import Person, Story

PRO, PREMIUM = 2000, 5000
MINUTES = 1 / (24 * 60)


@pytest.fixture
async def line(story: Story) -> AsyncIterator[Line]:
    """The product speaks to the provider over this line, through its circuit as ever."""
    async with Line(story.provider_url).open() as made:
        await billing.close(story.runtime)
        circuit = Circuit(Limits(failures=2), story.runtime.clock.now)
        story.runtime.provide(Circuit, circuit)
        story.runtime.parts[PaymentProvider] = StripeProvider(KEY, api_base=made.url, circuit=circuit)
        # How we hear of what happened there, as webhooks would tell: not over this line.
        story.runtime.parts[ProviderLists] = StripeLists(KEY, api_base=story.provider_url)
        yield made


async def heard(story: Story) -> Counter[str]:
    """Every event we were told of, by what became of it."""
    async with story.runtime.transaction() as tx:
        return Counter(each.status.value for each in await list_events(tx, limit=1000))


async def until_the_renewal(story: Story, ada: Person) -> None:
    """Time passes until half an hour into the renewal: the invoice is drawn up, nothing is paid yet."""
    end = (await ada.status()).current_period_end
    assert end is not None
    left = end - story.runtime.clock.now() + timedelta(minutes=30)
    await story.days_pass(left / timedelta(days=1))
    assert await ada.invoices() == [("draft", PRO), ("paid", PRO)]


async def charges(story: Story) -> list[int]:
    """What was really taken, newest first."""
    return [each["amount"] for each in (await story.at_provider("GET", "charges"))["data"] if each["paid"]]


async def test_an_hour_in_the_middle_of_a_renewal(story: Story, line: Line) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await until_the_renewal(story, ada)
    line.cut()
    await story.days_pass(45 * MINUTES)
    assert await charges(story) == [PRO, PRO], "the provider went on without us and collected"
    kept = await heard(story)
    assert kept["failed"] + kept["received"] > 0, "what it tells is kept"
    assert await ada.standing() == ("pro", "active"), "nobody loses what they paid for"
    with pytest.raises(ProviderUnavailableError):
        await ada.moves_to("premium")  # perhaps the call by which it is tried
    with pytest.raises(ProviderUnavailableError) as refused:
        await ada.moves_to("premium")
    assert int(refused.value.headers["Retry-After"]) > 5, "it is left alone, and callers are told for how long"
    assert billing.provider_circuit(story.runtime) == "open"
    await story.days_pass(15 * MINUTES)
    line.mend()
    await story.days_pass(6 * MINUTES)
    assert set(await heard(story)) <= {"processed", "ignored"}, "nothing of what was told was lost"
    assert billing.provider_circuit(story.runtime) == "closed"
    assert await ada.standing() == ("pro", "active")
    assert await ada.invoices() == [("paid", PRO)] * 2
    assert await charges(story) == [PRO, PRO], "nothing was charged for what was refused, and nothing twice"
    await ada.moves_to("premium")
    assert await ada.standing() == ("premium", "active")
    difference = (await ada.invoices())[0][1]
    assert 0 < difference <= PREMIUM - PRO
    assert await charges(story) == [difference, PRO, PRO]


async def press(story: Story, ada: Person, key: str = "the one button press") -> None:
    """Ask for Premium, once more or for the first time."""
    async with story.runtime.transaction() as tx:
        change = billing.Change(plan="premium")
        await billing.change_plan(tx, ada.organization.id, change, idempotency_key=key)


async def billed_there(story: Story) -> list[tuple[str, int]]:
    """What the provider billed, newest first: state and total in cents."""
    return [(each["status"], each["total"]) for each in (await story.at_provider("GET", "invoices"))["data"]]


async def differences(story: Story) -> list[str]:
    """Everything in which our mirror is not the provider's whole account."""
    return [str(each) async for page in billing.reconcile(story.runtime, fix=False) for each in page.differences]


@pytest.mark.parametrize("heard_first", [False, True], ids=["pressed again at once", "heard of it first"])
async def test_the_answer_to_an_upgrade_is_lost(story: Story, line: Line, *, heard_first: bool) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await story.days_pass(10)
    line.losing = b"POST /v1/subscriptions/"
    with pytest.raises(ProviderUnavailableError):
        await press(story, ada)
    assert line.lost, "it was asked, and done"
    line.mend()
    difference, *before = await charges(story)
    assert 0 < difference < PREMIUM - PRO, "for the twenty days that are left"
    assert before == [PRO]
    assert await ada.standing() == ("pro", "active"), "we have not heard"
    assert await ada.invoices() == [("paid", PRO)]
    if heard_first:
        await story.word_gets_round()
        assert await ada.standing() == ("premium", "active"), "whoever presses no more has it, too"
    for key in ("the one button press", "the one button press", "an impatient one"):
        await press(story, ada, key)
        assert await ada.standing() == ("premium", "active")
        assert await charges(story) == [difference, PRO], "nothing is charged twice"
    await story.word_gets_round()
    assert await charges(story) == [difference, PRO]
    assert await ada.invoices() == await billed_there(story) == [("paid", difference), ("paid", PRO)]
    assert await differences(story) == []
    await story.days_pass(25)
    assert await charges(story) == [PREMIUM, difference, PRO], "renewed once, at the new price"
    assert await ada.standing() == ("premium", "active")
    assert await differences(story) == []
