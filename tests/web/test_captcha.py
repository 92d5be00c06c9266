"""Where there is a CAPTCHA, the two pages that need it let its script in, and no other page does."""

import pytest
from pydantic import SecretStr

from tollkeeper.identity import provide_captcha
from tollkeeper.infra import Runtime

from .conftest import PASSWORD, Browser

API = "http://127.0.0.1:9/recaptcha"  # nobody listens: what is tried here is refused before it is asked


@pytest.fixture
def with_captcha(runtime: Runtime) -> None:
    keys = {"captcha_site_key": "site-key", "captcha_secret": SecretStr("secret-key"), "captcha_api": API}
    runtime.settings = runtime.settings.model_copy(update=keys)
    provide_captcha(runtime)


@pytest.mark.parametrize(("path", "act"), [("/login", "login"), ("/signup", "register")])
@pytest.mark.usefixtures("with_captcha")
async def test_the_page_brings_the_script_and_may_run_it(browser: Browser, path: str, act: str) -> None:
    shown = await browser.get(path)
    assert f'<script src="{API}/api.js?render=site-key" async defer></script>' in shown.text
    assert f'data-captcha="{act}" data-captcha-key="site-key"' in shown.text
    policy = dict(each.split(" ", 1) for each in shown.headers["content-security-policy"].split("; "))
    assert policy["script-src"] == f"'self' {API}/"
    assert policy["connect-src"] == f"'self' {API}/"
    assert policy["frame-src"] == f"{API}/"
    assert "secret-key" not in shown.text
    sent = await browser.send(path, path, email="ada@example.com", password=PASSWORD, name="Ada")
    assert sent.status_code == 403
    assert "A CAPTCHA token is needed" in sent.text
    assert "tollkeeper_session" not in browser.client.cookies


@pytest.mark.usefixtures("with_captcha")
async def test_other_pages_let_nothing_in(browser: Browser) -> None:
    for path in ("/", "/pricing", "/docs"):
        assert API not in str((await browser.get(path)).headers["content-security-policy"])


async def test_without_keys_nothing_of_it_shows(browser: Browser) -> None:
    shown = await browser.get("/login")
    assert "data-captcha" not in shown.text
    assert "frame-src" not in shown.headers["content-security-policy"]
