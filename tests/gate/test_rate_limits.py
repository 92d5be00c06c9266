"""How often who may call."""

import asyncio
from pathlib import Path

import httpx
import pytest

from support import Customer, client_of
from tollkeeper.catalog import apply, demo_catalogue, read_catalogue_file
from tollkeeper.gate import Gate
from tollkeeper.gate.rates import RateBook, caller_address
from tollkeeper.infra import Runtime, SettingsError, load_settings


async def test_an_address_without_login_has_a_hundred_calls_a_minute(nobody: httpx.AsyncClient) -> None:
    answers = [await nobody.get("/api/plans") for _ in range(101)]
    assert [answer.status_code for answer in answers[:100]] == [200] * 100
    refused = answers[100]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert answers[0].headers["x-ratelimit-remaining"] == "99"


async def test_guessing_keys_counts_against_the_address(nobody: httpx.AsyncClient) -> None:
    guess = {"Authorization": "Bearer tk_live_guess"}
    answers = [await nobody.get("/api/usage", headers=guess) for _ in range(101)]
    assert {answer.status_code for answer in answers[:100]} == {401}
    assert answers[100].status_code == 429


async def test_a_customer_s_limit_is_its_plan_s_and_its_own(ada: Customer, eve: Customer) -> None:
    statuses = [(await ada.client.get("/api/usage/limits")).status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    other = await eve.client.get("/api/usage/limits")
    assert (other.status_code, other.headers["x-ratelimit-limit"]) == (200, "300")


async def test_operators_are_not_slowed_down(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/plans")
    assert (answer.status_code, "x-ratelimit-limit" in answer.headers) == (200, False)


async def test_pages_are_not_counted_but_their_forms_are(nobody: httpx.AsyncClient) -> None:
    assert {(await nobody.get("/login")).status_code for _ in range(105)} == {200}
    statuses = [(await nobody.post("/logout", data={})).status_code for _ in range(101)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:100]


@pytest.mark.parametrize("path", ["/login", "/signup", "/api/auth/login", "/api/auth/register"])
async def test_logging_in_may_be_limited_more_strictly(nobody: httpx.AsyncClient, runtime: Runtime, path: str) -> None:
    runtime.part(Gate).rates = RateBook(runtime.settings.model_copy(update={"address_rates": "api:100, auth:30"}))
    answers = [await nobody.post(path, json={}) for _ in range(31)]
    assert 429 not in {answer.status_code for answer in answers[:30]}
    assert (answers[30].status_code, answers[30].headers["ratelimit-policy"]) == (429, '"auth";q=30;w=60')
    assert (await nobody.get("/api/plans")).status_code == 200, "only logging in has to wait"


async def test_logging_in_anew_counts_for_those_with_a_login_too(ada: Customer, runtime: Runtime) -> None:
    runtime.part(Gate).rates = RateBook(runtime.settings.model_copy(update={"address_rates": "api:100, auth:30"}))
    answers = [await ada.client.post("/api/auth/login", json={}) for _ in range(31)]
    assert (answers[30].status_code, answers[30].headers["x-ratelimit-limit"]) == (429, "30")
    assert (await ada.client.get("/api/usage/limits")).headers["x-ratelimit-remaining"] == "299"


async def test_a_group_of_routes_has_a_limit_of_its_own(nobody: httpx.AsyncClient, ada: Customer) -> None:
    strangers = [await nobody.post("/api/chat", json={}) for _ in range(11)]
    assert [answer.status_code for answer in strangers] == [404] * 10 + [429]
    assert strangers[0].headers["ratelimit"].startswith('"chat";r=9;'), "the tightest limit is told"
    members = [await ada.client.post("/api/chat/stream", json={}) for _ in range(21)]
    assert [answer.status_code for answer in members] == [404] * 20 + [429]
    assert (await ada.client.get("/api/usage/limits")).headers["x-ratelimit-remaining"] == "279"


async def key_of_ada(
    application: httpx.ASGITransport, operator: httpx.AsyncClient, per_minute: int
) -> tuple[str, httpx.AsyncClient]:
    """Make a key that may call so often; returns its address and a client with it."""
    made = await operator.post("/api/keys", json={"name": "one more", "per_minute": per_minute, "customer": "ada-1"})
    assert (made.status_code, made.json()["per_minute"]) == (201, per_minute)
    return f"/api/keys/{made.json()['id']}?customer=ada-1", client_of(application, made.json()["secret"])


async def test_a_key_may_have_a_limit_of_its_own(
    application: httpx.ASGITransport, ada: Customer, operator: httpx.AsyncClient
) -> None:
    address, slow = await key_of_ada(application, operator, 3)
    answers = [await slow.get("/api/usage/limits") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
    assert "with this key" in answers[3].json()["detail"]
    other = await ada.client.get("/api/usage/limits")
    assert other.headers["x-ratelimit-remaining"] == "296", "its refused call did not count for the organization"
    changed = await operator.patch(address, json={"per_minute": 5})
    assert (changed.json()["per_minute"], changed.json()["name"]) == (5, "one more")
    assert await allowed_soon(slow)
    changed = await operator.patch(address, json={"name": "free"})
    assert (changed.json()["per_minute"], changed.json()["name"]) == (5, "free"), "what is not named stays"
    changed = await operator.patch(address, json={"per_minute": None})
    assert (changed.json()["per_minute"], changed.json()["name"]) == (None, "free")
    assert (await operator.delete(address)).status_code == 204
    ended = await operator.patch(address, json={"per_minute": 7})
    assert (ended.status_code, ended.json()["code"]) == (409, "key_ended")
    await slow.aclose()


async def allowed_soon(client: httpx.AsyncClient) -> bool:
    """Whether a call passes once the change has been heard."""
    for _ in range(200):
        if (await client.get("/api/usage/limits")).status_code == 200:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_plan_may_limit_every_key(
    runtime: Runtime, application: httpx.ASGITransport, ada: Customer, operator: httpx.AsyncClient
) -> None:
    spec = demo_catalogue().replace("rates: {api: 300, chat: 20}", "rates: {api: 300, api_key: 2}")
    async with runtime.transaction() as tx:
        await apply(tx, read_catalogue_file(spec))
    runtime.part(Gate).projection.clear()
    _, generous = await key_of_ada(application, operator, 100)
    for client in (generous, ada.client):
        answers = [await client.get("/api/usage/limits") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429], "no key lifts what the plan says"
        assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    await generous.aclose()


def test_an_ipv6_caller_is_its_network() -> None:
    assert caller_address("2001:db8:1:2:3:4:5:6") == caller_address("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert caller_address("::ffff:198.51.100.7") == "198.51.100.7"
    assert caller_address("198.51.100.7") == "198.51.100.7"
    assert caller_address("testclient") == "testclient"


async def test_the_operator_decides_the_rates_of_addresses(runtime: Runtime) -> None:
    book = RateBook(runtime.settings.model_copy(update={"address_rates": "api:5,chat: off"}))
    assert [(rate.key, rate.per_minute) for rate in book.of_nobody("10.0.0.1", "chat")] == [("ip:10.0.0.1", 5)]
    closed = RateBook(runtime.settings.model_copy(update={"closed_without_redis": "auth, chat"}))
    assert [rate.needs_redis for rate in closed.of_nobody("10.0.0.1", "auth")] == [False, True]


@pytest.mark.parametrize("wrong", ["api:0", "login:5", "api=5", "api:5;chat:1", "api:"])
def test_a_mistake_in_the_rates_is_named(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLKEEPER_ADDRESS_RATES", wrong)
    with pytest.raises(SettingsError, match="TOLLKEEPER_ADDRESS_RATES"):
        load_settings(data_dir=tmp_path)
