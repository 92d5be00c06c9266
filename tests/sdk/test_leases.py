"""How much long work runs at once, through the client. The free plan allows two previews at once."""

import asyncio

import httpx
import pytest

from tollkeeper_sdk import ApiError, AsyncTollkeeper, Tollkeeper, TooManyAtOnce

from .conftest import Live, bearer


@pytest.fixture
def key(live: Live) -> str:
    return live.customer()


def in_use(live: Live, key: str) -> int:
    answer = httpx.get(f"{live.server.url}/api/leases", headers=bearer(key), trust_env=False)
    return int(answer.json()["data"][0]["in_use"])


def test_held_while_inside_and_given_back_whatever_happens(live: Live, key: str) -> None:
    with Tollkeeper(live.server.url, key, timeout=20) as toll:
        with toll.lease("previews"), toll.lease("previews") as held:
            before = held.lease
            held.renew()
            assert (held.lease.id, held.lease.expires_at >= before.expires_at) == (before.id, True)
            with pytest.raises(TooManyAtOnce) as refused, toll.lease("previews"):
                pass
            assert (refused.value.problem["limit"], refused.value.problem["in_use"]) == (2, 2)
        assert in_use(live, key) == 0
        with pytest.raises(ZeroDivisionError), toll.lease("previews"):
            raise ZeroDivisionError
        assert in_use(live, key) == 0


def test_whoever_is_too_late_is_told(live: Live, key: str) -> None:
    with Tollkeeper(live.server.url, key, timeout=20) as toll, toll.lease("previews") as held:
        address = f"{live.server.url}/api/leases/{held.lease.id}"
        assert httpx.delete(address, headers=bearer(key), trust_env=False).status_code == 204
        with pytest.raises(ApiError) as lost:
            held.renew()
        assert lost.value.code == "lease_not_found"


def test_an_unknown_kind_of_work_is_a_mistake(live: Live, key: str) -> None:
    with (
        Tollkeeper(live.server.url, key, timeout=20) as toll,
        pytest.raises(ApiError, match="unknown_work"),
        toll.lease("preview"),
    ):
        pass


async def test_the_same_for_those_who_do_not_wait(live: Live, key: str) -> None:
    async with AsyncTollkeeper(live.server.url, live.operator, timeout=20) as toll:
        whose = await asyncio.to_thread(organization_of, live, key)
        async with toll.lease("previews", ttl=30, customer=whose) as held:
            await held.renew()
            assert await asyncio.to_thread(in_use, live, key) == 1
        assert await asyncio.to_thread(in_use, live, key) == 0


def organization_of(live: Live, key: str) -> str:
    me = httpx.get(f"{live.server.url}/api/auth/me", headers=bearer(key), trust_env=False).json()
    return str(me["organization"]["id"])
