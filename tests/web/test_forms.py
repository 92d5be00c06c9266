from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message
from structlog.testing import capture_logs

from tollkeeper.infra import Edge, Runtime, install_error_handlers
from tollkeeper.kit import FieldProblem, InvalidInputError, UnauthenticatedError
from tollkeeper.web.ui import empty_form, error_page, read_form, refused_form, safe_next
from tollkeeper.web.ui.forms import FormToken
from tollkeeper.web.ui.packing import unmasked


@pytest.mark.parametrize("own", ["/dashboard", "/usage?feature=prompts&range=7d", "/keys/1/revoke", "/"])
def test_paths_of_our_own_are_followed_after_logging_in(own: str) -> None:
    assert safe_next(own) == own


@pytest.mark.parametrize(
    "foreign",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " /dashboard",
        "/dash\nboard",
        "/a\\..\\b",
    ],
)
def test_other_sites_are_not_followed(foreign: str) -> None:
    assert safe_next(foreign) == "/dashboard"


@given(st.text())
def test_whatever_is_followed_stays_on_this_site(wanted: str) -> None:
    followed = safe_next(wanted)
    assert followed.startswith("/")
    assert followed[1:2] not in {"/", "\\"}
    assert not any(ord(character) < 32 for character in followed)


def test_errors_stand_beside_their_fields_and_values_are_kept_but_the_password() -> None:
    error = InvalidInputError(
        [FieldProblem("email", "this is not an e-mail address"), FieldProblem("password", "short")]
    )
    form = refused_form({"email": "ada@", "name": "Ada", "password": "secret"}, ["email", "name"], error)
    assert form.values == {"email": "ada@", "name": "Ada"}
    assert form.errors == {
        "email": "This is not an e-mail address.",
        "password": "Short.",
        "name": "",
    }
    assert form.error == ""


def test_a_failure_of_the_whole_form_is_said_once() -> None:
    form = refused_form({"email": "ada@example.com"}, ["email"], UnauthenticatedError("Wrong password."))
    assert form.error == "Wrong password."
    assert set(form.errors.values()) == {""}


def test_an_empty_form_has_every_field() -> None:
    form = empty_form("name", expires="90")
    assert form.values == {"name": "", "expires": "90"}
    assert form.errors == {"name": "", "expires": ""}


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    app = FastAPI()
    app.state.runtime = runtime

    @app.get("/form")
    def form(request: Request) -> Response:
        token = FormToken(request)
        response = PlainTextResponse(str(token))
        token.remember(response)
        return response

    @app.get("/plain")
    def plain(request: Request) -> Response:
        token = FormToken(request)
        response = PlainTextResponse("no form here")
        token.remember(response)
        return response

    @app.post("/form")
    async def send(request: Request) -> dict[str, str]:
        return await read_form(request)

    install_error_handlers(app, error_page)
    return app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


async def test_a_form_with_its_token_is_read(browser: AsyncClient) -> None:
    token = (await browser.get("/form")).text
    answer = await browser.post("/form", data={"csrf_token": token, "name": "Ada"})
    assert answer.status_code == 200
    assert answer.json() == {"name": "Ada"}


async def test_the_token_stays_the_same_for_one_browser(browser: AsyncClient) -> None:
    assert unmasked((await browser.get("/form")).text) == unmasked((await browser.get("/form")).text)


@pytest.mark.parametrize("sent", [{}, {"csrf_token": ""}, {"csrf_token": "x" * 43}])
async def test_a_form_without_its_token_is_refused(browser: AsyncClient, sent: dict[str, str]) -> None:
    await browser.get("/form")
    answer = await browser.post("/form", data=sent)
    assert answer.status_code == 403
    assert "no longer valid" in answer.text


async def test_a_token_without_the_cookie_is_refused(browser: AsyncClient) -> None:
    token = (await browser.get("/form")).text
    browser.cookies.clear()
    assert (await browser.post("/form", data={"csrf_token": token})).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_posted_by_another_site_is_refused_even_with_its_token(browser: AsyncClient, site: str) -> None:
    token = (await browser.get("/form")).text
    answer = await browser.post("/form", data={"csrf_token": token}, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403


async def test_over_https_the_cookie_cannot_be_planted_by_a_sibling_domain(app: FastAPI) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="https://127.0.0.1") as client:
        cookie = (await client.get("/form")).headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/"))


async def test_a_page_without_a_form_sets_no_cookie(browser: AsyncClient) -> None:
    assert "set-cookie" not in (await browser.get("/plain")).headers


async def test_who_leaves_while_sending_a_form_is_no_fault_of_ours(app: FastAPI) -> None:
    edge = Edge(app, answer_error=app.state.answer_unknown_error, https=False)
    received: list[Message] = [
        {"type": "http.request", "body": b"name=A", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    about = [(b"host", b"127.0.0.1"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/form",
        "headers": about,
    }
    with capture_logs() as lines:
        await edge({**scope, "raw_path": b"/form", "query_string": b"", "root_path": ""}, receive, send)
    assert [line for line in lines if line["log_level"] == "error"] == []
    assert sent[0]["status"] == 422
