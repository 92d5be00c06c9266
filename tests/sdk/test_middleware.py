"""The layers around ASGI and WSGI applications, against a really running server, and in an outage of it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest

from tollkeeper_sdk import (
    AsyncTollkeeper,
    Incoming,
    Keep,
    OnOutage,
    Plan,
    Retry,
    Rules,
    Tollkeeper,
    TollkeeperASGI,
    TollkeeperWSGI,
)
from tollkeeper_sdk.metering import RateLimits

from .conftest import Live, bearer, problem

ONE_TRY = Retry(tries=1)
Start = Callable[..., Callable[[bytes], object]]


def client_of(app: Any, key: str | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://app", headers=bearer(key) if key else {})


def wsgi_client(app: Any, key: str | None = None) -> httpx.Client:
    transport = httpx.WSGITransport(app, raise_app_exceptions=True, wsgi_errors=sys.stderr)
    return httpx.Client(transport=transport, base_url="http://app", headers=bearer(key) if key else {})


@pytest.fixture
async def atoll(live: Live) -> AsyncIterator[AsyncTollkeeper]:
    async with AsyncTollkeeper(live.server.url, live.operator, timeout=20) as toll:
        yield toll


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Does what its path says: /fail answers 500, /crash raises, /late raises in the middle, /many uses five."""
    path = scope["path"]
    if path == "/crash":
        raise RuntimeError("a bug")
    if path == "/many":
        scope["state"]["tollkeeper"].quantity = 5
    body = (await receive())["body"]
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 500 if path == "/fail" else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    if path == "/late":
        raise RuntimeError("a bug, later")
    await send({"type": "http.response.body", "body": body})


async def call(metered: TollkeeperASGI, key: str, path: str) -> int:
    async with client_of(metered, key) as client:
        try:
            return (await client.post(path, content=b"two")).status_code
        except RuntimeError:
            return 0


async def test_counting_all_or_what_succeeds(live: Live, atoll: AsyncTollkeeper) -> None:
    paths = ["/", "/fail", "/crash", "/late", "/many"]
    every = TollkeeperASGI(app, atoll, feature="prompts")
    key = await asyncio.to_thread(live.customer)
    assert [await call(every, key, path) for path in paths] == [200, 500, 0, 0, 200]
    assert await asyncio.to_thread(live.used, key) == 5
    successes = TollkeeperASGI(app, atoll, feature="prompts", count="success")
    key = await asyncio.to_thread(live.customer)
    assert [await call(successes, key, path) for path in paths] == [200, 500, 0, 0, 200]
    assert await asyncio.to_thread(live.used, key) == 1 + 1 + 5, "one, one whose answer had begun, and five"


async def test_never_past_a_hard_limit_under_load(live: Live, atoll: AsyncTollkeeper) -> None:
    for count in ("all", "success"):
        key = await asyncio.to_thread(live.customer)
        await asyncio.to_thread(live.use_up, key, 10)
        metered = TollkeeperASGI(app, atoll, feature="prompts", count=count)
        answers = await asyncio.gather(*(call(metered, key, "/") for _ in range(40)))
        assert sorted(answers) == [200] * 10 + [402] * 30
        assert await asyncio.to_thread(live.used, key) == 1000


async def test_streamed_answers_pass_as_they_come(live: Live, atoll: AsyncTollkeeper) -> None:
    key = await asyncio.to_thread(live.customer)
    sent: list[Any] = []
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"x-api-key", key.encode())]}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"two"}

    async def send(message: Any) -> None:
        sent.append(message)

    await TollkeeperASGI(app, atoll, feature="prompts", count="success")(scope, receive, send)
    assert [each.get("body") for each in sent] == [None, b"one ", b"two"]
    assert (b"x-quota-used", b"1") in sent[0]["headers"]


async def test_websockets_are_refused_clearly_or_passed_by(atoll: AsyncTollkeeper) -> None:
    sent: list[Any] = []
    reached: list[str] = []

    async def inner(scope: Any, _: Any, __: Any) -> None:
        reached.append(scope["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    refusing = TollkeeperASGI(inner, atoll, feature="prompts")
    await refusing({"type": "websocket", "path": "/"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "Websockets are not metered here."}]
    sent.clear()
    scope = {"type": "websocket", "path": "/", "extensions": {"websocket.http.response": {}}}
    await refusing(scope, receive, send)
    assert [each["type"] for each in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 403
    assert reached == []
    await TollkeeperASGI(inner, atoll, websockets="pass")({"type": "websocket", "path": "/"}, receive, send)
    await refusing({"type": "lifespan"}, receive, send)
    assert reached == ["websocket", "lifespan"]


async def test_too_many_calls_a_minute(live: Live, atoll: AsyncTollkeeper) -> None:
    """The plan's rate for `chat` is 20; a window that ends in the middle lets a few more through."""
    key = await asyncio.to_thread(live.customer)
    metered = TollkeeperASGI(app, atoll, rate_group="chat")
    async with client_of(metered, key) as client:
        answers = [await client.post("/", content=b"x") for _ in range(45)]
    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) >= 5
    problem(refused[0], 429, "rate_limited")
    assert int(refused[0].headers["retry-after"]) <= 60
    assert refused[0].headers["ratelimit"].startswith('"default";r=0;t=')
    assert answers[0].headers["ratelimit-policy"] == '"default";q=20;w=60'


def test_the_window_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 600.0
    monkeypatch.setattr("tollkeeper_sdk.metering.time.time", lambda: now)
    limits = RateLimits("api")
    limits.learn([Plan("p", "P", "", is_default=True, prices=(), entitlements=(), rates={"api": 10})])
    assert [limits.hit("o", "p")[0] for _ in range(12)] == [True] * 10 + [False] * 2
    assert limits.hit("other", "p")[0]
    now = 630.0 + 60  # half of the last minute still counts: five
    assert [limits.hit("o", "p")[0] for _ in range(7)] == [True] * 5 + [False] * 2
    now = 900.0
    assert limits.hit("o", "p")[1][1] == ("ratelimit", '"default";r=9;t=60')
    assert limits.hit("o", "a plan nobody knows") == (True, [])


async def test_an_operators_key_is_nobodys_caller(live: Live, atoll: AsyncTollkeeper) -> None:
    async with client_of(TollkeeperASGI(app, atoll), live.operator) as client:
        problem(await client.post("/", content=b"x"), 403, "forbidden")


async def test_a_wrong_set_up_is_no_fault_of_the_callers(live: Live, atoll: AsyncTollkeeper) -> None:
    key = await asyncio.to_thread(live.customer)
    async with client_of(TollkeeperASGI(app, atoll, feature="unicorns"), key) as client:
        problem(await client.post("/", content=b"x"), 500, "metering_misconfigured")


class Switched(httpx.AsyncBaseTransport):
    """The network, which can be switched off."""

    def __init__(self) -> None:
        self.on = True
        self._network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.on:
            raise httpx.ConnectError("switched off", request=request)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


@pytest.mark.parametrize("policy", [OnOutage.OPEN, OnOutage.CLOSED])
async def test_in_an_outage_known_keys_pass_where_the_feature_is_open(live: Live, policy: OnOutage) -> None:
    key, unknown = await asyncio.to_thread(live.customer), await asyncio.to_thread(live.customer)
    network = Switched()
    keep = Keep(verify=0.0, refused=0.0)
    async with AsyncTollkeeper(
        live.server.url, live.operator, on_outage=policy, keep=keep, retry=ONE_TRY, transport=network
    ) as toll:
        metered = TollkeeperASGI(app, toll, feature="prompts")
        async with client_of(metered, key) as client:
            assert (await client.post("/", content=b"x")).headers["x-quota-used"] == "1"
            network.on = False
            answer = await client.post("/", content=b"x")
        if policy is OnOutage.OPEN:
            assert answer.status_code == 200
            assert answer.headers["x-quota-degraded"] == "true"
        else:
            assert problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "5"
        async with client_of(metered, unknown) as client:
            problem(await client.post("/", content=b"x"), 503, "unavailable")


def early(environ: Any, start_response: Start) -> Iterable[bytes]:
    start_response("500 No" if environ["PATH_INFO"] == "/fail" else "200 OK", [("content-type", "text/plain")])
    return [b"one ", b"two"]


def late(environ: Any, start_response: Start) -> Iterator[bytes]:
    if environ["PATH_INFO"] == "/crash":
        raise RuntimeError("a bug")
    yield from early(environ, start_response)


def writing(environ: Any, start_response: Start) -> Iterable[bytes]:
    write = start_response("500 No" if environ["PATH_INFO"] == "/fail" else "200 OK", [("content-type", "text/plain")])
    write(b"one ")
    return [b"two"]


@pytest.mark.parametrize("inner", [early, late])
@pytest.mark.parametrize("count", ["all", "success"])
def test_wsgi_meters_however_the_answer_starts(live: Live, toll: Tollkeeper, inner: Any, count: str) -> None:
    key = live.customer()
    live.use_up(key, left=2)
    with wsgi_client(TollkeeperWSGI(inner, toll, feature="prompts", count=count), key) as client:
        assert client.get("/fail").status_code == 500
        answer = client.get("/")
        assert (answer.status_code, answer.text) == (200, "one two")
        assert answer.headers["x-quota-used"] == ("1000" if count == "all" else "999")
        statuses = [client.get("/").status_code for _ in range(3)]
        assert statuses == ([402, 402, 402] if count == "all" else [200, 402, 402])
        document = problem(client.get("/"), 402, "quota_exceeded")
        assert document["upgrade"]
    assert live.used(key) == 1000


def test_wsgi_exceptions_cost_nothing_where_only_successes_count(live: Live, toll: Tollkeeper) -> None:
    key = live.customer()
    with wsgi_client(TollkeeperWSGI(late, toll, feature="prompts", count="success"), key) as client:
        with pytest.raises(RuntimeError, match="a bug"):
            client.get("/crash")
        assert client.get("/").status_code == 200
    assert live.used(key) == 1


def test_wsgi_writing_the_old_way(live: Live, toll: Tollkeeper) -> None:
    key = live.customer()
    said: list[Any] = []

    def start_response(status: str, headers: Any, _: Any = None) -> Callable[[bytes], object]:
        said.append((status, dict(headers)))
        return said.append

    metered = TollkeeperWSGI(writing, toll, feature="prompts", count="success")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_API_KEY": key}
    rest = b"".join(metered(environ, start_response))
    assert (said[0][0], said[0][1]["x-quota-used"], said[1], rest) == ("200 OK", "1", b"one ", b"two")


def test_routes_name_features() -> None:
    rules = Rules(
        {"/v1/": "calls", "POST /v1/chat": "prompts", "/v1/chat/free": "free"},
        quantity=lambda incoming: int(incoming.headers.get("x-units", "1")),
        public=("/docs", "/health"),
    )

    def metered(method: str, path: str, **headers: str) -> tuple[str | None, int]:
        return rules.metered(Incoming(method, path, headers))

    assert metered("GET", "/v1/chat") == ("calls", 1)
    assert metered("POST", "/v1/chat") == ("prompts", 1)
    assert metered("POST", "/v1/chat/7", **{"x-units": "3"}) == ("prompts", 3)
    assert metered("GET", "/v1/chat/free") == ("free", 1)
    assert metered("GET", "/v2") == (None, 1)
    assert [rules.is_public(path) for path in ("/docs", "/docs/x", "/docsearch", "/")] == [True, True, False, False]


def test_nonsense_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="count"):
        Rules(count="sometimes")
    with pytest.raises(ValueError, match="websockets"):
        Rules(websockets="maybe")
