"""The client against the whole application, and against a server that fails."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support import Customer
from tollkeeper_sdk import ApiError, AsyncTollkeeper, QuotaExceeded, Retry, Spool, Tollkeeper, Unavailable


@pytest.fixture
async def toll(ada: Customer, application: httpx.ASGITransport) -> AsyncIterator[AsyncTollkeeper]:
    toll = AsyncTollkeeper("http://127.0.0.1:8000", ada.secret, transport=application)
    yield toll
    await toll.aclose()


async def test_use_ask_and_look(toll: AsyncTollkeeper) -> None:
    balance = await toll.track("prompts", 990)
    assert (balance.used, balance.remaining, balance.limit) == (990, 10, 1000)
    assert (await toll.check("prompts", 10)).allowed
    refused = await toll.check("prompts", 11)
    assert (refused.allowed, refused.balance.remaining) == (False, 10)
    assert refused.upgrade is not None
    assert (refused.upgrade.plan, refused.upgrade.amount, refused.upgrade.currency) == ("pro", 2000, "usd")
    assert {each.feature: each.used for each in await toll.usage()}["prompts"] == 990


async def test_a_refusal_tells_the_way_on(toll: AsyncTollkeeper) -> None:
    with pytest.raises(QuotaExceeded, match="quota_exceeded") as refused:
        await toll.track("prompts", 1001)
    assert refused.value.upgrade is not None
    assert refused.value.upgrade.limit == 50_000
    assert refused.value.request_id


async def test_what_is_no_gauge_cannot_be_set(toll: AsyncTollkeeper) -> None:
    with pytest.raises(ApiError) as refused:
        await toll.set("prompts", 3)
    assert (refused.value.status, refused.value.code) == (422, "not_a_gauge")


async def test_a_gauge_is_set(toll: AsyncTollkeeper) -> None:
    balance = await toll.set("seats", 2)
    assert (balance.used, balance.remaining, balance.credits) == (2, 3, None)
    with pytest.raises(QuotaExceeded):
        await toll.set("seats", 6)
    assert (await toll.set("seats", 0)).used == 0


async def test_other_refusals_say_why(toll: AsyncTollkeeper) -> None:
    with pytest.raises(ApiError) as refused:
        await toll.track("unicorns")
    assert (refused.value.status, refused.value.code) == (422, "unknown_feature")


QUICK = Retry(first_wait=0.001)


class Flaky(httpx.BaseTransport):
    """Loses the first answers, then answers; keeps the idempotency keys it saw."""

    def __init__(self, failures: int, *, answer: bool = False) -> None:
        self.failures = failures
        self.answer = answer
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.read())
        if len(self.bodies) <= self.failures:
            if self.answer:
                return httpx.Response(503, headers={"Retry-After": "0"}, json={"code": "database_unavailable"})
            raise httpx.ReadError("gone", request=request)
        body = {"feature": "prompts", "used": 1, "limit": None, "remaining": None, "reset_at": "2026-04-10T12:00:00Z"}
        return httpx.Response(200, json=body)


@pytest.mark.parametrize("answer", [True, False])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(answer: bool) -> None:
    transport = Flaky(2, answer=answer)
    with Tollkeeper("http://127.0.0.1:8000", "tk_live_x", on_outage="closed", retry=QUICK, transport=transport) as toll:
        assert toll.track("prompts").used == 1
    assert len(transport.bodies) == 3
    assert len(set(transport.bodies)) == 1


def test_it_gives_up_in_words() -> None:
    transport = Flaky(99)
    with (
        Tollkeeper("http://127.0.0.1:8000", "tk_live_x", retry=QUICK, transport=transport) as toll,
        pytest.raises(Unavailable, match="could not be reached"),
    ):
        toll.check("prompts")
    assert len(transport.bodies) == QUICK.tries


def test_what_is_open_goes_on_though_the_spool_is_full(tmp_path: Path) -> None:
    with (
        Spool(tmp_path, max_bytes=200, block_seconds=60) as spool,
        Tollkeeper(
            "http://127.0.0.1:8000", "tk_live_x", on_outage="open", retry=QUICK, spool=spool, transport=Flaky(99)
        ) as toll,
    ):
        assert [toll.track("prompts").spooled for _ in range(3)] == [True, False, False]
        assert spool.pending() == 1


@pytest.mark.parametrize(
    ("headers", "content"),
    [({"Content-Encoding": "gzip"}, b"no gzip"), ({"Retry-After": "Mon, 45 Jan 2026 00:00:00 GMT"}, b"")],
)
def test_an_answer_that_cannot_be_read_is_an_outage(headers: dict[str, str], content: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(503, headers=headers, stream=httpx.ByteStream(content)))
    with (
        Tollkeeper("http://127.0.0.1:8000", "tk_live_x", retry=QUICK, transport=transport) as toll,
        pytest.raises(Unavailable),
    ):
        toll.check("prompts")
