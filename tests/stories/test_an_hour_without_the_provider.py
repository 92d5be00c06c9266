"""The line to the provider is cut for exactly an hour while a renewal is under way; or only its answers are lost."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from enum import Enum, auto
from urllib.parse import urlsplit

import pytest

from tollkeeper import billing
from tollkeeper.billing import PaymentProvider, ProviderUnavailableError, StripeProvider
from tollkeeper.billing.flows.store import list_events
from tollkeeper.billing.provider import Circuit, Limits, ProviderLists, StripeLists
from twin_process import KEY

from .telling import Person, Story

PRO, PREMIUM = 2000, 5000
MINUTES = 1 / (24 * 60)


class Weather(Enum):
    """How the line is."""

    FAIR = auto()
    CUT = auto()
    ANSWERS_LOST = auto()


class Line:
    """The line from us to the provider. What the provider has to tell us comes by another."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self.weather = Weather.FAIR

    def becomes(self, weather: Weather) -> None:
        """Change the weather; what was on its way is lost."""
        self.weather = weather
        for writer in self._open:
            writer.close()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection as the weather allows."""
        if self.weather is Weather.CUT:
            writer.close()
            return
        back, onward = await asyncio.open_connection(*self._there)
        self._open |= {writer, onward}
        await asyncio.gather(self._pass(reader, onward, lossy=False), self._pass(back, writer, lossy=True))
        self._open -= {writer, onward}

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, lossy: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await source.read(65536):
                if lossy and self.weather is Weather.ANSWERS_LOST:
                    break
                sink.write(block)
                await sink.drain()
        sink.close()


@pytest.fixture
async def line(story: Story) -> AsyncIterator[Line]:
    """The product speaks to the provider over this line, through its circuit as ever."""
    there = urlsplit(story.provider_url)
    made = Line(there.hostname or "", there.port or 0)
    server = await asyncio.start_server(made.carry, "127.0.0.1", 0)
    await billing.close(story.runtime)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    circuit = Circuit(Limits(failures=2), story.runtime.clock.now)
    story.runtime.provide(Circuit, circuit)
    story.runtime.parts[PaymentProvider] = StripeProvider(KEY, api_base=url, circuit=circuit)
    # How we hear of what happened there, as webhooks would tell: not over this line.
    story.runtime.parts[ProviderLists] = StripeLists(KEY, api_base=story.provider_url)
    yield made
    made.becomes(Weather.CUT)
    server.close()


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
    line.becomes(Weather.CUT)
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
    line.becomes(Weather.FAIR)
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


async def test_the_answer_to_an_upgrade_is_lost(story: Story, line: Line) -> None:
    ada = await story.customer("Ada")
    await ada.buys("pro")
    await story.days_pass(10)
    line.becomes(Weather.ANSWERS_LOST)
    change = billing.Change(plan="premium")
    with pytest.raises(ProviderUnavailableError):
        async with story.runtime.transaction() as tx:
            await billing.change_plan(tx, ada.organization.id, change, idempotency_key="the one button press")
    line.becomes(Weather.FAIR)
    async with story.runtime.transaction() as tx:
        await billing.change_plan(tx, ada.organization.id, change, idempotency_key="the one button press")
    await story.word_gets_round()
    assert await ada.standing() == ("premium", "active")
    assert len(await charges(story)) == 2, "bought once, upgraded once"
    assert [state for state, _ in await ada.invoices()] == ["paid", "paid"]
