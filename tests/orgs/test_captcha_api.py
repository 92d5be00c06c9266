"""The CAPTCHA at the door, judged by an imitation that speaks reCAPTCHA's protocol."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from imitation import Imitation
from tollkeeper.identity import captcha_widget, close_captcha, provide_captcha
from tollkeeper.identity.captcha import CaptchaVerifier
from tollkeeper.infra import Runtime, WhenDown

from .callers import PASSWORD, Caller, problem, register

ADA = {"email": "ada@example.com", "password": PASSWORD}
NEW = {"email": "new@example.com", "password": PASSWORD}
NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(scope="module")
def twin() -> Iterator[Imitation]:
    twin = Imitation("captcha_twin")
    yield twin
    twin.stop()


@pytest.fixture
async def door(runtime: Runtime, program: Caller, twin: Imitation) -> AsyncIterator[Caller]:
    """A server with a CAPTCHA, at which Ada has registered before there was one."""
    await register(program, ADA["email"])
    behave(twin)
    use(runtime, f"{twin.url}/recaptcha")
    yield Caller(program.http)
    await close_captcha(runtime)


def use(runtime: Runtime, api: str, **more: Any) -> None:
    keys = {"captcha_site_key": "site-key", "captcha_secret": SecretStr("secret-key"), "captcha_api": api}
    runtime.settings = runtime.settings.model_copy(update={**keys, **more})
    provide_captcha(runtime)


def behave(twin: Imitation, **how: Any) -> None:
    assert twin.http.put("/_twin/behaviour", json=how).status_code == 200


def token(twin: Imitation, action: str, **more: Any) -> str:
    made: str = twin.http.post("/_twin/tokens", json={"action": action, **more}).json()["token"]
    return made


async def test_without_keys_there_is_no_captcha(program: Caller, runtime: Runtime) -> None:
    provide_captcha(runtime)
    assert CaptchaVerifier not in runtime.parts
    assert captcha_widget(runtime.settings) is None
    await register(program)
    assert (await program("POST", "/auth/login", ADA)).status_code == 200


@pytest.mark.parametrize(("path", "body"), [("/auth/login", ADA), ("/auth/register", NEW)])
async def test_nobody_gets_past_without_a_token_or_with_an_invalid_one(
    door: Caller, path: str, body: dict[str, str]
) -> None:
    for sent in ({}, {"captcha": ""}, {"captcha": None}):
        assert problem(await door("POST", path, {**body, **sent})) == (403, "captcha_required")
    for made_up in ("x", "x" * 64):
        answer = await door("POST", path, {**body, "captcha": made_up})
        assert problem(answer) == (403, "captcha_failed")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("action", "other"), [("login", "register"), ("register", "login")])
async def test_a_good_token_lets_in_once_for_what_it_was_made_for(
    door: Caller, twin: Imitation, action: str, other: str
) -> None:
    path, body, status = {"login": ("/auth/login", ADA, 200), "register": ("/auth/register", NEW, 201)}[action]
    wrong = await door("POST", path, {**body, "captcha": token(twin, other)})
    assert (problem(wrong), wrong.json()["reason"]) == ((403, "captcha_failed"), "wrong_action")
    good = token(twin, action)
    assert (await door("POST", path, {**body, "captcha": good})).status_code == status
    again = await door("POST", path, {**body, "captcha": good})
    assert (problem(again), again.json()["reason"]) == ((403, "captcha_failed"), "expired")


async def test_a_token_is_good_for_two_minutes(door: Caller, twin: Imitation) -> None:
    late = await door("POST", "/auth/login", {**ADA, "captcha": token(twin, "login", age_seconds=120)})
    assert late.json()["reason"] == "expired"
    early = await door("POST", "/auth/login", {**ADA, "captcha": token(twin, "login", age_seconds=100)})
    assert early.status_code == 200


@pytest.mark.parametrize(("score", "passes"), [(0.0, False), (0.49, False), (0.5, True), (1.0, True)])
async def test_the_score_has_to_reach_the_threshold(door: Caller, twin: Imitation, score: float, passes: bool) -> None:
    answer = await door("POST", "/auth/login", {**ADA, "captcha": token(twin, "login", score=score)})
    assert (answer.status_code == 200) is passes
    if not passes:
        assert (problem(answer), answer.json()["reason"]) == ((403, "captcha_failed"), "low_score")
        assert answer.json()["title"] == "This looks automated"


async def test_the_threshold_is_a_setting(runtime: Runtime, door: Caller, twin: Imitation) -> None:
    use(runtime, f"{twin.url}/recaptcha", captcha_threshold=0.8)
    answer = await door("POST", "/auth/login", {**ADA, "captcha": token(twin, "login", score=0.79)})
    assert answer.json()["reason"] == "low_score"


async def test_a_wrong_password_is_not_looked_at_before_the_captcha(door: Caller, twin: Imitation) -> None:
    wrong = {**ADA, "password": "not it"}
    assert problem(await door("POST", "/auth/login", wrong)) == (403, "captcha_required")
    answer = await door("POST", "/auth/login", {**wrong, "captcha": token(twin, "login")})
    assert problem(answer) == (401, "invalid_credentials")


@pytest.mark.parametrize("trouble", ["error", "nonsense"])
async def test_a_verifier_that_fails_once_is_asked_again(door: Caller, twin: Imitation, trouble: str) -> None:
    behave(twin, trouble=trouble, times=1)
    made_up = await door("POST", "/auth/login", {**ADA, "captcha": "x" * 64})
    assert problem(made_up) == (403, "captcha_failed")  # judged, not waved through


@pytest.mark.parametrize("when_down", WhenDown)
@pytest.mark.parametrize("trouble", ["error", "nonsense", "gone", "wrong secret"])
async def test_a_verifier_that_is_down_does_as_the_settings_say(
    runtime: Runtime, door: Caller, twin: Imitation, when_down: WhenDown, trouble: str
) -> None:
    if trouble in {"error", "nonsense"}:
        behave(twin, trouble=trouble)
    more = {"captcha_secret": SecretStr("not the key")} if trouble == "wrong secret" else {}
    api = NOBODY if trouble == "gone" else f"{twin.url}/recaptcha"
    use(runtime, api, captcha_when_down=when_down, **more)
    answer = await door("POST", "/auth/login", {**ADA, "captcha": token(twin, "login")})
    if when_down is WhenDown.ALLOW:
        assert answer.status_code == 200
    else:
        assert problem(answer) == (503, "captcha_unavailable")
        assert answer.headers["retry-after"] == "5"
    assert problem(await door("POST", "/auth/login", ADA)) == (403, "captcha_required")
