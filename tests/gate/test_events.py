"""Events: CloudEvents in every form, counted once, refused by name."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from support import START, Customer
from tollkeeper.catalog import apply, read_catalogue_file
from tollkeeper.gate import queueing
from tollkeeper.infra import Runtime
from tollkeeper.metering import counters_replay

CATALOGUE = """
features:
  calls: {name: Calls, kind: metered, event_type: llm.call}
  tokens:
    name: Tokens
    kind: metered
    event_type: llm.call
    value: $.usage.tokens
    filter: {stream: [true, false]}
    group_by: [model]
  slowest: {name: Slowest call, kind: metered, event_type: llm.call, aggregation: max, value: ms}
  models: {name: Models, kind: metered, event_type: llm.call, aggregation: unique, value: model}
  desks: {name: Seats, kind: metered, event_type: desks, aggregation: latest, value: desks}
  elsewhere: {name: Of another plan, kind: metered, event_type: llm.call, value: nothing}
  unsold: {name: In no plan, kind: metered}
plans:
  free:
    name: Free
    default: true
    entitlements:
      calls: {limit: null}
      tokens: {limit: 100}
      slowest: {limit: null}
      models: {limit: null}
      desks: {limit: 10}
  big:
    name: Big
    prices: {month: {usd: 100}}
    entitlements: {elsewhere: {limit: 5}}
"""
BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"


@pytest.fixture(autouse=True)
async def catalogue(runtime: Runtime, ada: Customer) -> AsyncIterator[None]:
    assert ada.secret  # the application is up
    async with runtime.transaction() as tx:
        await apply(tx, read_catalogue_file(CATALOGUE))
    yield
    async with runtime.transaction() as tx:
        assert await counters_replay(tx) == []


def event(number: int = 1, *, tokens: Any = 7, model: str = "gpt-5", **more: Any) -> dict[str, Any]:
    data = {"usage": {"tokens": tokens}, "stream": True, "model": model, "ms": number * 10}
    return {"specversion": "1.0", "id": f"e{number}", "source": "tests", "type": "llm.call", "data": data} | more


async def send(client: httpx.AsyncClient, body: Any, kind: str = BATCH) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/api/events", content=content, headers={"Content-Type": kind})


async def used(client: httpx.AsyncClient, customer: str | None = None) -> dict[str, int]:
    params = {"customer": customer} if customer else {}
    answer = await client.get("/api/usage", params=params)
    return {each["feature"]: each["used"] for each in answer.json()["data"]}


@pytest.mark.parametrize(
    ("kind", "array"),
    [(SINGLE, False), (BATCH, True), ("application/json", True), ("application/json; charset=utf-8", False)],
)
async def test_every_form_is_taken(ada: Customer, kind: str, array: bool) -> None:
    answer = await send(ada.client, [event()] if array else event(), kind)
    assert (answer.status_code, answer.content) == (204, b"")
    found = await used(ada.client)
    expected = {"calls": 1, "tokens": 7, "slowest": 10, "models": 1, "desks": 0, "elsewhere": 0, "unsold": 0}
    assert found == found | expected


async def test_binary_mode_is_taken(ada: Customer) -> None:
    headers = {f"ce-{name}": str(value) for name, value in event().items() if name != "data"}
    headers |= {"ce-subject": "ada%2D1", "ce-time": START.isoformat(), "content-type": "application/json"}
    answer = await ada.client.post("/api/events", json=event()["data"], headers=headers)
    assert answer.status_code == 204, answer.text
    assert (await used(ada.client))["tokens"] == 7


async def test_each_meter_makes_its_own_of_the_same_events(ada: Customer) -> None:
    quiet = event(4)
    del quiet["data"]["stream"]
    sent = [event(1), event(2, model="gpt-5-mini", tokens="3"), event(3, tokens=5.0), quiet]
    assert (await send(ada.client, sent)).status_code == 204
    found = await used(ada.client)
    assert (found["calls"], found["tokens"], found["slowest"], found["models"]) == (4, 15, 40, 2)


async def test_an_event_is_counted_once_however_it_comes(ada: Customer) -> None:
    await send(ada.client, [event(1), event(2), event(1)])
    await send(ada.client, event(1), SINGLE)
    await send(ada.client, [event(2), event(3), event(3, source="another")])
    assert (await used(ada.client))["calls"] == 4


async def test_a_gauge_shows_the_latest_by_time(ada: Customer) -> None:
    def desks(number: int, hours: int) -> dict[str, Any]:
        at = (START + timedelta(hours=hours)).isoformat()
        return {"id": f"s{number}", "source": "hr", "type": "desks", "time": at, "data": {"desks": number}}

    await ada.client.post("/api/usage/check", json={"feature": "desks"})
    start = (START - timedelta(hours=1)).isoformat()
    assert (await send(ada.client, [desks(4, 0)])).status_code == 204, start
    assert (await used(ada.client))["desks"] == 4
    assert (await send(ada.client, [desks(11, 0)])).status_code == 402
    assert (await used(ada.client))["desks"] == 4


async def test_what_fits_is_recorded_and_the_rest_is_named(ada: Customer) -> None:
    sent = [event(number, tokens=40) for number in range(1, 5)]
    answer = await send(ada.client, sent)
    assert answer.status_code == 402
    problem = answer.json()
    assert problem["code"] == "quota_exceeded"
    assert problem["refused"] == [
        {"index": 2, "id": "e3", "feature": "tokens"},
        {"index": 3, "id": "e4", "feature": "tokens"},
    ]
    assert "2 of 4 events" in problem["detail"]
    again = await send(ada.client, sent)
    assert [each["id"] for each in again.json()["refused"]] == ["e3", "e4"]
    found = await used(ada.client)
    assert (found["calls"], found["tokens"]) == (4, 80)


async def test_a_feature_no_plan_of_theirs_has_refuses_only_what_counts_for_nothing_else(ada: Customer) -> None:
    answer = await send(ada.client, [event(1), {"id": "u", "source": "tests", "type": "unsold"}])
    assert answer.status_code == 402
    assert answer.json()["refused"] == [{"index": 1, "id": "u", "feature": "unsold"}]


async def test_operators_name_the_customer_in_each_event(
    operator: httpx.AsyncClient, ada: Customer, eve: Customer
) -> None:
    sent = [event(1, subject="ada-1"), event(2, subject=str(eve.organization_id)), event(3, subject="ada-1")]
    assert (await send(operator, sent)).status_code == 204
    assert [(await used(each.client))["calls"] for each in (ada, eve)] == [2, 1]


async def test_customers_send_their_own_alone(ada: Customer, eve: Customer) -> None:
    own = [event(1), event(2, subject="ada-1"), event(3, subject=str(ada.organization_id))]
    assert (await send(ada.client, own)).status_code == 204
    for theirs in ("eve-1", str(eve.organization_id), "nobody"):
        answer = await send(ada.client, [event(4), event(5, subject=theirs)])
        assert answer.status_code == 404
        assert answer.json()["code"] == "unknown_subject"
        assert [each["field"] for each in answer.json()["errors"]] == ["1.subject"]
    assert (await used(ada.client))["calls"] == 3
    assert (await used(eve.client))["calls"] == 0


async def test_every_wrong_event_is_named_and_none_recorded(operator: httpx.AsyncClient) -> None:
    late = (START + timedelta(days=1)).isoformat()
    sent = [
        event(1, subject="ada-1"),
        event(2, subject="ada-1", type="nonsense"),
        event(3, subject="nobody"),
        event(4),
        event(5, subject="ada-1", tokens="many"),
        event(6, subject="ada-1", time=late),
        event(7, subject="ada-1", data=[1]),
        event(8, subject="ada-1", data_base64="AAAA"),
        event(9, subject="ada-1", specversion="0.3", time="noon"),
        {"subject": "ada-1", "id": "", "source": "a\u001fb", "type": 5},
        "event",
        event(12, subject="ada-1", datacontenttype="text/xml"),
        event(13, subject="ada-1", tokens=-1),
    ]
    answer = await send(operator, sent)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {
        *("1.type", "2.subject", "3.subject", "4.data", "5.time", "6.data", "7.data_base64", "8.specversion", "8.time"),
        *("9.id", "9.source", "9.type", "10", "11.datacontenttype", "12.data"),
    }
    assert (await used(operator, "ada-1"))["calls"] == 0


POISON = {
    "NUL": b'"\\u0000"',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "half a surrogate": b'"\\ud800"',
    "a number without end": b"1" + b"0" * 5000,
    "an exponent beyond all": b"1e400000",
    "an exponent below all": b"1e-400000",
    "deep nesting": b"[" * 5000 + b"]" * 5000,
    "broken UTF-8": b'"\xff"',
    "too large": b'"' + b"x" * 70_000 + b'"',
}


@pytest.mark.parametrize("poison", POISON)
async def test_poison_is_refused_by_name_and_sinks_nobody_else(ada: Customer, eve: Customer, poison: str) -> None:
    bad = json.dumps(event(2)).encode()[:-2] + b', "poison": ' + POISON[poison] + b"}}"
    body = b"[" + json.dumps(event(1)).encode() + b"," + bad + b"]"
    answer = await send(ada.client, body)
    assert answer.status_code == 422, answer.text
    assert (await send(eve.client, [event(1)])).status_code == 204
    assert (await used(ada.client))["calls"] == 0
    if poison not in {"deep nesting", "half a surrogate", "an exponent below all"}:
        assert {each["field"].partition(".")[0] for each in answer.json()["errors"]} == {"1"}


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"nonsense", b"5", b'"x"', b"\xff"])
@pytest.mark.parametrize("kind", [SINGLE, BATCH, "application/json"])
async def test_what_is_no_event_at_all_is_said_to_be_none(ada: Customer, body: bytes, kind: str) -> None:
    answer = await send(ada.client, body, kind)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"malformed_body", "invalid_input"}


async def test_other_forms_and_too_many_are_refused(ada: Customer) -> None:
    answer = await send(ada.client, event(), "text/xml")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_type")
    many = [event(number) for number in range(1001)]
    assert "1000 events" in (await send(ada.client, many)).json()["detail"]
    assert (await send(ada.client, [])).status_code == 204
    assert (await send(ada.client, many[:1000])).status_code == 402  # tokens beyond their limit
    assert (await used(ada.client))["calls"] == 1000


async def test_late_events_count_where_they_belong(ada: Customer, runtime: Runtime) -> None:
    clock: Any = runtime.clock
    clock.advance(timedelta(days=33))
    sent = [event(1), event(2, time=(START + timedelta(days=2)).isoformat())]
    answer = await send(ada.client, sent)
    assert answer.status_code == 204, answer.text
    assert (await used(ada.client))["calls"] == 1


async def test_a_number_alone_does_not_say_which_value_it_is(ada: Customer) -> None:
    refused = await ada.client.post("/api/usage/track", json={"feature": "models"})
    assert (refused.status_code, refused.json()["code"]) == (422, "needs_events")
    bulk = await ada.client.post("/api/usage/track/batch", json={"items": [{"feature": "models"}]})
    assert [(each["status"], each["code"]) for each in bulk.json()["data"]] == [("invalid", "needs_events")]
    assert (await used(ada.client))["models"] == 0


async def test_tracks_in_bulk_are_answered_one_by_one(
    operator: httpx.AsyncClient, ada: Customer, eve: Customer
) -> None:
    items = [
        {"feature": "tokens", "count": 60, "idempotency_key": "a", "customer": "ada-1"},
        {"feature": "tokens", "count": 60, "idempotency_key": "b", "customer": "ada-1"},
        {"feature": "tokens", "count": 60, "idempotency_key": "a", "customer": "ada-1"},
        {"feature": "tokens", "count": 40, "customer": "ada-1"},
        {"feature": "tokens", "count": 60, "idempotency_key": "a", "customer": "eve-1"},
        {"feature": "nonsense", "customer": "ada-1"},
        {"feature": "tokens", "customer": "nobody"},
        {"feature": "tokens"},
        {"feature": "tokens", "customer": "ada-1", "at": (START + timedelta(days=1)).isoformat()},
    ]
    answer = await operator.post("/api/usage/track/batch", json={"items": items})
    assert answer.status_code == 200
    assert [(each["status"], each["code"]) for each in answer.json()["data"]] == [
        ("recorded", None),
        ("refused", "quota_exceeded"),
        ("repeated", None),
        ("recorded", None),
        ("recorded", None),
        ("invalid", "unknown_feature"),
        ("invalid", "not_found"),
        ("invalid", "customer_required"),
        ("invalid", "outside_period"),
    ]
    assert (await used(ada.client))["tokens"] == 100
    assert (await used(eve.client))["tokens"] == 60


async def test_every_wrong_field_of_a_bulk_is_named(ada: Customer) -> None:
    items = [{"feature": "tokens"}, {"feature": "", "count": 0}, {"feature": "tokens", "colour": 1}]
    answer = await ada.client.post("/api/usage/track/batch", json={"items": items})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {
        "items.1.feature", "items.1.count", "items.2.colour"
    }  # fmt: skip
    nul = [{"feature": "tokens"}, {"feature": "tokens", "idempotency_key": "\0"}]
    answer = await ada.client.post("/api/usage/track/batch", json={"items": nul})
    assert [each["field"] for each in answer.json()["errors"]] == ["items.1.idempotency_key"]
    assert (await used(ada.client))["tokens"] == 0


async def test_a_full_queue_is_answered_before_anything_is_read(ada: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "MAX_WAITING", 0)
    items = {"items": [{"feature": "tokens"}]}
    for answer in (await send(ada.client, b"{"), await ada.client.post("/api/usage/track/batch", json=items)):
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"


async def test_meters_are_listed(ada: Customer) -> None:
    answer = await ada.client.get("/api/meters")
    assert answer.status_code == 200
    assert next(each for each in answer.json()["data"] if each["feature"] == "tokens") == {
        "feature": "tokens",
        "event_type": "llm.call",
        "aggregation": "sum",
        "unit": "",
        "value": "usage.tokens",
        "group_by": ["model"],
        "filter": {"stream": [True, False]},
    }


async def test_several_keys_are_verified_at_once(operator: httpx.AsyncClient, ada: Customer) -> None:
    items = [{"key": ada.secret}, {"key": "tk_live_x"}, {"key": ada.secret, "feature": "desks", "quantity": 11}]
    answer = await operator.post(
        "/api/keys/verify/batch", json={"items": [*items, {"key": ada.secret, "feature": "x"}]}
    )
    assert answer.status_code == 200
    codes = [each["code"] for each in answer.json()["data"]]
    assert codes == ["valid", "not_found", "quota_exceeded", "unknown_feature"]
    alone = await operator.post("/api/keys/verify", json=items[2])
    assert answer.json()["data"][2] == alone.json()
