"""Where a key may be used from, and keys that are mistyped."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest
from sqlalchemy import event

from support import Customer
from tollkeeper.gate import Gate, Quick
from tollkeeper.identity import change_key, check_networks, is_within
from tollkeeper.infra import Runtime
from tollkeeper.kit import InvalidInputError

TRACK = {"feature": "prompts", "count": 1}


@asynccontextmanager
async def caller(application: httpx.ASGITransport, secret: str, host: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who calls from an address."""
    transport = httpx.ASGITransport(application.app, client=(host, 40000))
    bearer = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=bearer) as client:
        yield client


async def bind(runtime: Runtime, customer: Customer, *networks: str) -> None:
    async with runtime.transaction() as tx:
        await change_key(tx, customer.organization_id, customer.key.id, networks=check_networks(networks))
    runtime.part(Gate).projection.clear()


@pytest.mark.parametrize(
    ("networks", "host", "allowed"),
    [
        (["192.0.2.0/24"], "192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.3.7", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["::ffff:192.0.2.0/120"], "192.0.2.7", True),
        (["::ffff:192.0.2.0/120"], "::ffff:192.0.3.7", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["2001:db8::/32", "198.51.100.1"], "198.51.100.1", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
    ],
)
async def test_a_key_is_refused_from_elsewhere_on_every_route(
    *,
    runtime: Runtime,
    application: httpx.ASGITransport,
    ada: Customer,
    networks: Sequence[str],
    host: str,
    allowed: bool,
) -> None:
    await bind(runtime, ada, *networks)
    async with caller(application, ada.secret, host) as client:
        answers = [await client.post("/api/usage/track", json=TRACK), await client.get("/api/usage")]
    if allowed:
        assert [each.status_code for each in answers] == [200, 200]
    else:
        assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "address_not_allowed")] * 2


async def test_a_key_without_networks_works_from_anywhere(application: httpx.ASGITransport, ada: Customer) -> None:
    for host in ("192.0.2.7", "2001:db8::1", "testclient"):
        async with caller(application, ada.secret, host) as client:
            assert (await client.post("/api/usage/track", json=TRACK)).status_code == 200


async def remembered(runtime: Runtime, customer: Customer) -> None:
    """Have the key in memory; what is loaded while memory is dropped is not kept, so once may not be enough."""
    projection = runtime.part(Gate).projection
    for _ in range(100):
        await projection.actor_of_key(customer.secret, runtime.clock.now(), "127.0.0.1")
        if projection.key_at_hand(customer.secret) is not None:
            return


async def test_the_quick_way_leaves_bound_keys_to_the_ordinary_one(runtime: Runtime, ada: Customer) -> None:
    quick = runtime.part(Quick)
    headers = [(b"authorization", b"Bearer " + ada.secret.encode())]
    await remembered(runtime, ada)
    assert quick._identify(headers) is not None
    await bind(runtime, ada, "127.0.0.0/8")
    await remembered(runtime, ada)
    assert quick._identify(headers) is None


async def test_a_change_is_obeyed_and_shown(ada: Customer, runtime: Runtime, application: httpx.ASGITransport) -> None:
    made = await ada.client.get("/api/keys")
    assert made.json()["data"][0]["networks"] == []
    await bind(runtime, ada, "192.0.2.0/24", "192.0.2.0/24")
    async with caller(application, ada.secret, "192.0.2.1") as client:
        assert (await client.get("/api/keys")).json()["data"][0]["networks"] == ["192.0.2.0/24"]
    await bind(runtime, ada)
    assert (await ada.client.get("/api/keys")).status_code == 200


async def test_an_operator_asks_with_the_address_their_caller_came_from(
    runtime: Runtime, ada: Customer, operator: httpx.AsyncClient
) -> None:
    await bind(runtime, ada, "192.0.2.0/24")
    for address, wanted in (("192.0.2.1", "valid"), ("198.51.100.1", "address_not_allowed"), (None, "valid")):
        body = {"key": ada.secret} | ({"address": address} if address else {})
        answer = (await operator.post("/api/keys/verify", json=body)).json()
        assert (answer["valid"], answer["code"]) == (wanted == "valid", wanted)


@pytest.mark.parametrize("wrong", [["192.0.2.1/24"], ["here"], ["192.0.2.0/33"], ["300.1.1.1"], [""]])
def test_what_is_no_network_is_named(wrong: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_networks(["192.0.2.0/24", *wrong])
    assert refused.value.problems[0].field == "networks"
    assert repr(wrong[0]) in refused.value.problems[0].message


def test_there_is_an_end_to_networks() -> None:
    assert len(check_networks([f"10.0.{each}.0/24" for each in range(50)])) == 50
    with pytest.raises(InvalidInputError):
        check_networks([f"10.0.{each}.0/24" for each in range(51)])


@pytest.mark.parametrize("host", ["", "testclient", "192.0.2.1.5", "::g"])
def test_what_is_no_address_lies_nowhere(host: str) -> None:
    assert not is_within([ip_network("0.0.0.0/0"), ip_network("::/0")], host)


async def test_a_mistyped_key_asks_the_database_nothing(
    runtime: Runtime, application: httpx.ASGITransport, ada: Customer
) -> None:
    asked: list[str] = []
    for database in (runtime.database, runtime.part(Gate).projection._database):
        engine = database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    swapped = ada.secret[:-1] + ("0" if ada.secret[-1] != "0" else "1")
    for secret in (swapped, ada.secret[:-1], ada.secret + "0", "tk_live_nonsense", "tk_"):
        async with caller(application, secret, "127.0.0.1") as client:
            assert (await client.get("/api/usage")).status_code == 401
    assert asked == []
    unknown = "tk_live_00000000000000000000000000000000"
    async with caller(application, unknown, "127.0.0.1") as client:
        assert (await client.get("/api/usage")).status_code == 401
    async with caller(application, ada.secret, "127.0.0.1") as client:
        assert (await client.get("/api/usage")).status_code == 200
    assert asked, "a key that is well formed is looked for"
