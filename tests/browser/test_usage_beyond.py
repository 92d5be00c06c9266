"""A customer beyond a soft limit sees what it costs, and afterwards why the invoice is what it is."""

import time

import httpx
import pytest
from playwright.sync_api import expect

from .people import GOOD_CARD, PASSWORD, Visitor, Visitors, fresh_email, track

PATIENCE_SECONDS = 30


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def beyond(visitors: Visitors, *, scripts: bool) -> tuple[Visitor, str]:
    """A customer on Premium who used 3,400 prompts more than it includes, with their address."""
    email = fresh_email("beyond")
    ada = visitors.new(scripts=scripts, looked_at=scripts)
    # Buying waits for a page that goes on by itself; the pages after it need no script.
    buyer = ada if scripts else visitors.new()
    buyer.sign_up(email)
    buyer.choose_plan("premium")
    buyer.pay(GOOD_CARD)
    buyer.wait_for_plan("Premium")
    assert track(buyer.base, buyer.create_key(), 253_400).status_code == 200
    if buyer is not ada:
        ada.go("/login")
        ada.page.get_by_label("E-mail").fill(email)
        ada.page.get_by_label("Password").fill(PASSWORD)
        ada.press("Log in")
    return ada, email


def end_now(base: str, email: str) -> None:
    """End the subscription at once, as a program of the customer."""
    login = httpx.post(f"{base}/api/auth/login", json={"email": email, "password": PASSWORD}, timeout=10).json()
    bearer = {"Authorization": f"Bearer {login['access_token']}"}
    ended = httpx.post(f"{base}/api/subscription/cancel", json={"at": "now"}, headers=bearer, timeout=20)
    assert ended.status_code == 200


def test_what_is_beyond_is_told_and_then_explained(beyond: tuple[Visitor, str], *, scripts: bool) -> None:
    ada, email = beyond
    ada.go("/usage")
    expect(ada.page.get_by_text("Beyond the limit so far: 3,400, costs $0.40")).to_be_visible()
    if scripts:
        ada.look_at("usage-beyond")
    end_now(ada.base, email)
    link = ada.page.locator("tr", has_text="$0.40").get_by_role("link")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not link.count() and time.monotonic() < deadline:
        ada.go("/billing")
        time.sleep(0.3)
    assert link.count(), f"{httpx.get(f'{ada.base}/health', timeout=10).text}\n{ada.page.locator('main').inner_text()}"
    link.click()
    expect(ada.page.get_by_role("heading", name="Why this amount?")).to_be_visible()
    expect(ada.page.get_by_text("Every line was calculated anew")).to_be_visible()
    ada.page.locator("details summary").filter(has_text="Matches").click()
    expect(ada.page.get_by_text("the plan includes 250,000")).to_be_visible()
    expect(ada.page.get_by_text("Calculated anew it is $0.40.")).to_be_visible()
    if scripts:
        ada.look_at("invoice-explained")
