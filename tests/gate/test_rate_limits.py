"""How often who may call."""

import httpx

from support import Customer


async def test_an_address_without_login_has_a_hundred_calls_a_minute(nobody: httpx.AsyncClient) -> None:
    answers = [await nobody.get("/api/plans") for _ in range(101)]
    assert [answer.status_code for answer in answers[:100]] == [200] * 100
    refused = answers[100]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
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
    statuses = [(await nobody.post("/login", data={"email": "x"})).status_code for _ in range(101)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:100]
