"""The public pages and the error page, over a real database."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from starlette.responses import Response

from support import demo
from tollkeeper.catalog import apply
from tollkeeper.infra import DatabaseUnavailableError, Edge, Runtime, install_error_handlers
from tollkeeper.kit import ForbiddenError, UnauthenticatedError
from tollkeeper.web import page_routers
from tollkeeper.web.ui import Site, error_page, leave, security_policy

HOSTED = "https://pay.example.test"


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    app = FastAPI(title="Test", docs_url=None, redoc_url=None)
    app.state.runtime = runtime
    runtime.provide(Site, Site(provider_page_origins=(HOSTED,)))
    for router in page_routers:
        app.include_router(router)

    @app.get("/trouble/{kind}")
    def trouble(kind: str) -> None:
        raise {
            "forbidden": ForbiddenError("This needs the permission keys:manage."),
            "database": DatabaseUnavailableError(),
            "login": UnauthenticatedError(),
            "bug": ZeroDivisionError("secret detail"),
        }[kind]

    @app.get("/away")
    def away(request: Request, url: str) -> Response:
        return leave(request, url, "payment")

    install_error_handlers(app, error_page)
    return app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[AsyncClient]:
    edge = Edge(app, answer_error=app.state.answer_unknown_error, https=False)
    async with AsyncClient(transport=ASGITransport(edge), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
async def catalogue(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await apply(tx, demo())


@pytest.mark.usefixtures("catalogue")
async def test_the_home_page_shows_the_plans_of_the_catalogue(browser: AsyncClient) -> None:
    answer = await browser.get("/")
    assert answer.status_code == 200
    for words in ("1,000 prompts a month are free.", "$20", "$50", "Enterprise", 'href="/signup"'):
        assert words in answer.text


@pytest.mark.usefixtures("catalogue")
async def test_the_pricing_page_shows_prices_by_interval_and_compares_the_plans(browser: AsyncClient) -> None:
    monthly, yearly = await browser.get("/pricing"), await browser.get("/pricing?interval=year")
    assert "$20" in monthly.text
    assert "$200" in yearly.text
    assert "Single sign-on" in monthly.text
    assert (await browser.get("/pricing?interval=%00nonsense")).status_code == 200


async def test_without_a_catalogue_the_pages_say_what_to_do(browser: AsyncClient) -> None:
    assert "tollkeeper seed" in (await browser.get("/pricing")).text
    assert (await browser.get("/")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/pricing", "/docs", "/docs/errors", "/nothing/here"])
async def test_every_page_comes_with_the_strict_policy_and_is_not_kept(browser: AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.headers["content-security-policy"] == security_policy((HOSTED,))
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_forms_may_only_lead_to_us_and_the_provider() -> None:
    assert f"form-action 'self' {HOSTED};" in security_policy((HOSTED,))
    assert "default-src 'none'" in security_policy()


async def test_every_error_code_has_its_place_in_the_reference(browser: AsyncClient) -> None:
    text = (await browser.get("/docs/errors")).text
    for code in ("quota_exceeded", "not_found", "database_unavailable", "stale_form"):
        if code != "quota_exceeded":
            assert f'id="{code}"' in text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing/here", 404, "There is no such page"),
        ("/trouble/forbidden", 403, "keys:manage"),
        ("/trouble/database", 503, "The database does not answer"),
        ("/trouble/bug", 500, "Something went wrong on our side"),
    ],
)
async def test_failures_are_pages_with_the_request_id(browser: AsyncClient, path: str, status: int, words: str) -> None:
    answer = await browser.get(path, headers={"X-Request-Id": "abc-123"})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-request-id"] == "abc-123"
    assert words in answer.text
    assert "abc-123" in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


async def test_an_outage_says_when_to_try_again(browser: AsyncClient) -> None:
    assert int((await browser.get("/trouble/database")).headers["retry-after"]) > 0


async def test_who_is_not_logged_in_is_sent_to_log_in_and_back(browser: AsyncClient) -> None:
    answer = await browser.get("/trouble/login?x=1&y=2")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/login?next=%2Ftrouble%2Flogin%3Fx%3D1%26y%3D2")


async def test_a_form_leads_straight_to_a_named_page_of_the_provider(browser: AsyncClient) -> None:
    answer = await browser.get("/away", params={"url": f"{HOSTED}/c/1"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOSTED}/c/1")


async def test_an_unnamed_page_of_the_provider_is_reached_over_a_link(browser: AsyncClient) -> None:
    answer = await browser.get("/away", params={"url": f"{HOSTED}.evil.test/c/1"})
    assert answer.status_code == 200
    assert f'href="{HOSTED}.evil.test/c/1"' in answer.text


@pytest.mark.parametrize(("cookie", "shown"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')])
async def test_the_chosen_theme_is_in_the_first_byte(browser: AsyncClient, cookie: str, shown: str) -> None:
    browser.cookies.set("theme", cookie)
    assert shown in (await browser.get("/docs/errors")).text


async def test_a_forged_theme_is_ignored(browser: AsyncClient) -> None:
    browser.cookies.set("theme", '"><script>')
    assert '<html lang="en">' in (await browser.get("/docs/errors")).text
