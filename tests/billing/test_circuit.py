"""The circuit to the provider: its rules, and what it does with a provider that hangs, fails or asks for patience."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY

from tollkeeper import billing
from tollkeeper.billing import EventStatus, PaymentProvider, ProviderUnavailableError
from tollkeeper.billing.flows.store import list_events
from tollkeeper.billing.provider import Circuit, Limits, Phase, StripeProvider
from tollkeeper.billing.provider.circuit import Standing, admitted, failed, remaining
from tollkeeper.infra.jobs import LONGEST_OUTAGE_WAIT, Patience
from tollkeeper.kit import FixedClock

from .shop import KEY, Shop, sign

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMITS = Limits(
    failures=3, window=timedelta(seconds=60), pause=timedelta(seconds=30), timeout=timedelta(milliseconds=600)
)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def after_failures(*seconds: float) -> Standing:
    standing = Standing()
    for each in seconds:
        standing = failed(standing, later(each), LIMITS)
    return standing


@pytest.mark.parametrize(
    ("seconds", "phase"),
    [
        ((0, 1), Phase.CLOSED),
        ((0, 1, 2), Phase.OPEN),
        ((0, 59, 118), Phase.OPEN),
        ((0, 1, 70), Phase.CLOSED),  # a silence longer than the window: the row begins anew
        ((0, 1, 70, 71, 72), Phase.OPEN),
    ],
)
def test_a_row_of_failures_opens_it(seconds: tuple[float, ...], phase: Phase) -> None:
    assert after_failures(*seconds).phase is phase


def test_while_open_no_call_goes_and_after_the_pause_one_does() -> None:
    standing = after_failures(0, 0, 0)
    assert admitted(standing, later(29.9), LIMITS) is None
    assert remaining(standing, later(10), LIMITS) == timedelta(seconds=20)
    trial = admitted(standing, later(30), LIMITS)
    assert trial is not None
    assert trial.phase is Phase.HALF_OPEN
    assert admitted(trial, later(30.1), LIMITS) is None, "one at a time"
    assert failed(trial, later(31), LIMITS) == Standing(Phase.OPEN, 4, later(31))


def test_a_trial_nobody_heard_of_again_gives_way_to_another() -> None:
    trial = admitted(after_failures(0, 0, 0), later(30), LIMITS)
    assert trial is not None
    assert admitted(trial, later(30.7), LIMITS) is not None


def test_a_clock_set_back_does_not_keep_it_open() -> None:
    assert admitted(after_failures(0, 0, 0), later(-3600), LIMITS) is not None


class Upstream:
    """Whoever answers at the provider's address: each request is answered as `mood` says."""

    def __init__(self) -> None:
        self.asked = 0
        self.mood: Callable[[], tuple[int, str] | None] = lambda: (200, '{"object": "balance"}')
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, status: int, body: str = "{}") -> None:
        self.mood = lambda: (status, body)

    def hangs(self) -> None:
        self.mood = lambda: None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                said = self.mood()
                if said is None:
                    await reader.read()  # until the caller gives up
                    break
                status, body = said
                head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write((head + body).encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def watch() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
async def provider(upstream: Upstream, watch: FixedClock) -> AsyncIterator[StripeProvider]:
    made = StripeProvider(KEY, api_base=upstream.url, circuit=Circuit(LIMITS, watch.now))
    yield made
    await made.close()


def phase_of(provider: StripeProvider) -> str:
    return provider.circuit.phase.value


async def fails(provider: StripeProvider) -> ProviderUnavailableError:
    with pytest.raises(ProviderUnavailableError) as caught:
        await provider.ping()
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_answers_that_mean_an_outage_open_it(
    upstream: Upstream, provider: StripeProvider, watch: FixedClock, status: int
) -> None:
    upstream.says(status, '{"error": {"type": "api_error", "message": "no"}}')
    phases = []
    for _ in range(LIMITS.failures):
        phases.append(provider.circuit.phase)
        await fails(provider)
    assert [*phases, provider.circuit.phase] == [Phase.CLOSED] * LIMITS.failures + [Phase.OPEN]
    asked = upstream.asked
    refused = await fails(provider)
    assert upstream.asked == asked, "nobody was asked"
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    assert "3 times in a row" in refused.detail
    watch.advance(LIMITS.pause)
    await fails(provider)
    assert phase_of(provider) == "open", "the trial failed"
    watch.advance(LIMITS.pause)
    upstream.says(200, '{"object": "balance"}')
    await provider.ping()
    assert phase_of(provider) == "closed"


async def test_a_provider_that_hangs_is_waited_for_no_longer_than_allowed(
    upstream: Upstream, provider: StripeProvider
) -> None:
    upstream.hangs()
    waited = []
    for _ in range(LIMITS.failures):
        begun = time.monotonic()
        await fails(provider)
        waited.append(time.monotonic() - begun)
    # The shortest, since a busy machine makes any of them longer, and none shorter.
    assert min(waited) < LIMITS.timeout.total_seconds() + 0.5, "all tries together"
    assert provider.circuit.phase is Phase.OPEN


async def test_only_one_call_tries_whether_it_answers_again(
    upstream: Upstream, provider: StripeProvider, watch: FixedClock
) -> None:
    upstream.hangs()
    await asyncio.gather(*(fails(provider) for _ in range(LIMITS.failures)))
    watch.advance(LIMITS.pause)
    asked = upstream.asked
    await asyncio.gather(*(fails(provider) for _ in range(5)))
    assert upstream.asked - asked <= 2, "one call, and its own repetition"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error": {"type": "invalid_request_error", "message": "no"}}'),
        (402, '{"error": {"type": "card_error", "code": "card_declined", "message": "no"}}'),
        (404, '{"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "no"}}'),
        (401, '{"error": {"type": "invalid_request_error", "message": "no"}}'),
        (429, '{"error": {"type": "invalid_request_error", "code": "lock_timeout", "message": "no"}}'),
    ],
)
async def test_refusals_are_answers(upstream: Upstream, provider: StripeProvider, status: int, body: str) -> None:
    upstream.says(status, body)
    for _ in range(LIMITS.failures + 1):
        with pytest.raises(Exception, match=r"."):
            await provider.ping()
    assert provider.circuit.phase is Phase.CLOSED


async def test_it_can_be_seen_from_outside(upstream: Upstream, provider: StripeProvider) -> None:
    spared = REGISTRY.get_sample_value("tollkeeper_provider_calls_spared_total") or 0
    opened = REGISTRY.get_sample_value("tollkeeper_provider_circuit_opened_total") or 0
    timed = REGISTRY.get_sample_value("tollkeeper_provider_seconds_count") or 0
    upstream.says(503)
    for _ in range(LIMITS.failures + 1):
        await fails(provider)
    assert REGISTRY.get_sample_value("tollkeeper_provider_circuit") == 2
    assert REGISTRY.get_sample_value("tollkeeper_provider_circuit_opened_total") == opened + 1
    assert REGISTRY.get_sample_value("tollkeeper_provider_calls_spared_total") == spared + 1
    assert REGISTRY.get_sample_value("tollkeeper_provider_seconds_count") == timed + LIMITS.failures


async def test_webhooks_are_kept_while_it_is_open(
    shop: Shop, client: httpx.AsyncClient, clock: FixedClock, upstream: Upstream, provider: StripeProvider
) -> None:
    ada = await shop.organization()
    [bought] = [body for body in await shop.events(await shop.buy(ada)) if b"customer.subscription.created" in body]
    upstream.says(500)
    for _ in range(LIMITS.failures):
        await fails(provider)
    shop.runtime.parts[PaymentProvider] = provider
    answer = await client.post(
        "/api/webhooks/stripe", content=bought, headers={"Stripe-Signature": sign(bought, clock)}
    )
    assert answer.status_code == 200
    async with shop.runtime.transaction() as tx:
        [stored] = await list_events(tx)
    assert stored.status is EventStatus.RECEIVED
    assert await billing.provider_problem(shop.runtime) is not None
    assert (await shop.status(ada)).plan == "free", "what is known stays readable"


def test_jobs_wait_as_long_as_they_are_asked_to_and_outlast_the_outage() -> None:
    patience = Patience()

    def wait(error: Exception, attempts: int) -> float | None:
        job = type("Attempted", (), {"attempts": attempts})
        decision = patience.get_retry_decision(exception=error, job=job)  # type: ignore[arg-type]
        if decision is None or decision.retry_at is None:
            return None
        return (decision.retry_at - datetime.now(UTC)).total_seconds()

    down = ProviderUnavailableError(retry_after=30)
    assert wait(down, 0) == pytest.approx(30, abs=2)
    assert wait(down, 6) == pytest.approx(128, abs=2)
    assert wait(down, 200) == pytest.approx(LONGEST_OUTAGE_WAIT, abs=2)
    assert wait(down, 900) is None
    assert wait(ValueError(), 3) == pytest.approx(16, abs=2)
    assert wait(ValueError(), 10) is None
