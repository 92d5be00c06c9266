"""How much long work runs at once. The demo catalogue allows the free plan two previews at once."""

import asyncio
from datetime import timedelta

import httpx

from support import Customer
from tollkeeper.catalog import apply, demo_catalogue, diff, read_catalogue_file
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock

PREVIEWS = {"name": "previews", "ttl_seconds": 60}


async def take(customer: Customer, **more: object) -> httpx.Response:
    return await customer.client.post("/api/leases", json={**PREVIEWS, **more})


async def in_use(customer: Customer) -> int:
    found = (await customer.client.get("/api/leases")).json()["data"]
    assert [(each["name"], each["limit"]) for each in found] == [("previews", 2)]
    return int(found[0]["in_use"])


async def test_so_many_at_once_and_one_more_when_one_is_given_back(ada: Customer, eve: Customer) -> None:
    first, second, third = [await take(ada) for _ in range(3)]
    assert (first.status_code, second.status_code, third.status_code) == (201, 201, 429)
    assert (first.json()["limit"], first.json()["in_use"], second.json()["in_use"]) == (2, 1, 2)
    refused = third.json()
    assert (refused["code"], refused["limit"], refused["in_use"]) == ("too_many_at_once", 2, 2)
    assert third.headers["retry-after"] == "60"
    assert await in_use(ada) == 2
    assert (await take(eve)).status_code == 201, "others are not concerned"
    assert (await ada.client.delete(f"/api/leases/{first.json()['id']}")).status_code == 204
    again = await ada.client.delete(f"/api/leases/{first.json()['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "lease_not_found")
    assert (await take(ada)).status_code == 201


async def test_whoever_dies_with_a_lease_loses_it(ada: Customer, clock: FixedClock) -> None:
    dead = await take(ada, ttl_seconds=30)
    assert (await take(ada)).status_code == 201
    clock.advance(timedelta(seconds=29))
    assert (await take(ada)).headers["retry-after"] == "1"
    clock.advance(timedelta(seconds=1))
    assert await in_use(ada) == 1
    assert (await take(ada)).status_code == 201
    late = await ada.client.post(f"/api/leases/{dead.json()['id']}/renew", json={})
    assert (late.status_code, late.json()["code"]) == (404, "lease_not_found"), "its place is another's"


async def test_whoever_lives_on_renews(ada: Customer, clock: FixedClock) -> None:
    lease = (await take(ada)).json()
    for _ in range(3):
        clock.advance(timedelta(seconds=50))
        renewed = await ada.client.post(f"/api/leases/{lease['id']}/renew", json={"ttl_seconds": 60})
        assert (renewed.status_code, renewed.json()["id"]) == (200, lease["id"])
    assert await in_use(ada) == 1


async def test_of_many_who_ask_at_once_exactly_as_many_get_one(ada: Customer) -> None:
    answers = await asyncio.gather(*(take(ada) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [429] * 10
    assert await in_use(ada) == 2


async def test_a_repeated_call_takes_one_lease(ada: Customer) -> None:
    once = {"Idempotency-Key": "the-same"}
    answers = [await ada.client.post("/api/leases", json=PREVIEWS, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert await in_use(ada) == 1


async def test_work_the_plan_does_not_speak_of_is_a_mistake(ada: Customer) -> None:
    answer = await take(ada, name="preview")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_work")
    assert answer.json()["errors"][0]["field"] == "name"


async def test_a_smaller_limit_waits_until_enough_are_gone_and_null_is_none(runtime: Runtime, ada: Customer) -> None:
    for seconds in (10, 20):
        assert (await take(ada, ttl_seconds=seconds)).status_code == 201
    for word, wanted in (("1", 429), ("null", 201)):
        spec = read_catalogue_file(
            demo_catalogue().replace("concurrency: {previews: 2}", f"concurrency: {{previews: {word}}}")
        )
        async with runtime.transaction() as tx:
            assert [str(change) for change in await diff(tx, spec)]
            changes = await apply(tx, spec)
        assert any("concurrency of free" in str(change) for change in changes)
        runtime.part(Gate).projection.clear()
        answer = await take(ada)
        assert answer.status_code == wanted
        if wanted == 429:
            assert answer.headers["retry-after"] == "20"


async def test_an_operator_names_the_customer(ada: Customer, operator: httpx.AsyncClient) -> None:
    taken = await operator.post("/api/leases", json={**PREVIEWS, "customer": "ada-1"})
    assert taken.status_code == 201
    assert await in_use(ada) == 1
    gone = await operator.delete(f"/api/leases/{taken.json()['id']}", params={"customer": "ada-1"})
    assert gone.status_code == 204
    assert await in_use(ada) == 0
