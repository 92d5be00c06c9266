"""Pages of other origins call the API only where the settings say so, and never with cookies."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from support import Customer
from tollkeeper import identity
from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime, Settings, SettingsError, UnknownApiVersionError, load_settings, version_headers
from tollkeeper.infra.versions import Farewell
from tollkeeper.wiring import build_app

APP = "https://app.example.com"
OTHER = "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
async def site(runtime: Runtime, ada: Customer) -> AsyncIterator[httpx.AsyncClient]:
    """The application with one other origin let in."""
    assert ada.secret
    runtime.settings = runtime.settings.model_copy(update={"cors_origins": [APP]})
    app = build_app(runtime)
    gate = runtime.part(Gate)
    await gate.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as made:
        yield made
    await gate.close()


async def test_a_named_origin_may_call_with_a_key(site: httpx.AsyncClient, ada: Customer) -> None:
    asked = await site.options("/api/usage/track", headers={"Origin": APP, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == APP
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    sent = {"Origin": APP, "Authorization": f"Bearer {ada.secret}"}
    answer = await site.post("/api/usage/check", json={"feature": "prompts"}, headers=sent)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP
    assert "Origin" in answer.headers["vary"]
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize("origin", [OTHER, "null", f"{APP}.evil.example", "http://app.example.com", f"{APP}:8443"])
async def test_any_other_origin_may_not(site: httpx.AsyncClient, origin: str) -> None:
    asked = await site.options("/api/usage/track", headers={"Origin": origin, **PREFLIGHT})
    assert asked.status_code == 400
    for answer in (asked, await site.get("/api/plans", headers={"Origin": origin})):
        assert "access-control-allow-origin" not in answer.headers


async def test_cookies_are_never_taken(site: httpx.AsyncClient) -> None:
    for path in ("/api/plans", "/api/auth/me"):
        sent = {"Origin": APP, "Cookie": f"{identity.SESSION_COOKIE}=x"}
        assert "access-control-allow-credentials" not in (await site.get(path, headers=sent)).headers


async def test_pages_and_forms_are_not_opened(site: httpx.AsyncClient) -> None:
    for path in ("/", "/login", "/health"):
        assert "access-control-allow-origin" not in (await site.get(path, headers={"Origin": APP})).headers


async def test_without_the_setting_nobody_is_let_in(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/api/plans", headers={"Origin": APP})
    assert "access-control-allow-origin" not in answer.headers
    assert (await nobody.options("/api/plans", headers={"Origin": APP, **PREFLIGHT})).status_code == 405


@pytest.mark.parametrize(
    "origins", ["app.example.com", f"{APP}/", f"{APP}/x", "HTTPS://APP.EXAMPLE.COM", "ftp://x.org"]
)
def test_what_is_no_origin_is_refused_at_start(origins: str) -> None:
    with pytest.raises(SettingsError, match="is no origin"):
        load_settings(cors_origins=origins)


@pytest.mark.parametrize("origins", ["*", f"{APP}, *", "http://app.example.com"])
def test_production_refuses_everybody(origins: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        load_settings(env="production", cors_origins=origins)
    assert Settings(_env_file=None, env="test", cors_origins=["*"]).cors_origins == ["*"]


async def test_every_answer_says_its_version(nobody: httpx.AsyncClient, ada: Customer) -> None:
    for path in ("/api/plans", "/api/v1/plans", "/api/nothing"):
        assert (await nobody.get(path)).headers["api-version"] == "1"
    assert (await ada.client.post("/api/usage/check", json={"feature": "prompts"})).headers["api-version"] == "1"
    assert "api-version" not in (await nobody.get("/login")).headers


async def test_a_version_is_asked_for_by_name(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/api/plans", headers={"API-Version": "1"})).status_code == 200
    for version in ("2", "0", "", "1.0", "x" * 500, "\u00e9"):
        answer = await nobody.get("/api/plans", headers=[(b"API-Version", version.encode())])
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_api_version")


def test_a_version_that_goes_says_so() -> None:
    gone = Farewell(datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC), "/docs/moving")
    told = dict(version_headers(b"0", {"0": gone, "1": None}))
    assert told[b"deprecation"] == b"@1798761600"
    assert told[b"sunset"] == b"Thu, 01 Jul 2027 00:00:00 GMT"
    assert told[b"link"] == b'</docs/moving>; rel="deprecation"'
    assert dict(version_headers(b"1", {"0": gone, "1": None})) == {b"api-version": b"1"}
    with pytest.raises(UnknownApiVersionError):
        version_headers(b"7", {"1": None})
