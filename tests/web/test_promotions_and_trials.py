"""Promotion codes in the forms that buy, what lowers the invoices, trials on the cards, add-ons on the pricing page."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tollkeeper.billing import DiscountState
from tollkeeper.catalog import apply, demo_catalogue, read_catalogue_file
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, Role
from tollkeeper.web.portal.billing_views import discount_words

from .conftest import Browser
from .shop import Shop
from .team import now_is


@pytest.fixture
def clock() -> FixedClock:
    """The provider's imitation lives in real time, so ours must be about that."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def with_trials(shop: Shop) -> None:
    """The demo catalogue, in which Pro can be tried without a card and Premium with one."""
    text = demo_catalogue()
    spec = text.replace("  pro:\n", "  pro:\n    trial: {days: 14, card: optional}\n", 1)
    spec = spec.replace("  premium:\n", "  premium:\n    trial: {days: 7, card: required}\n", 1)
    assert spec.count("trial: {days") == text.count("trial: {days") + 2
    async with shop.runtime.transaction() as tx:
        await apply(tx, read_catalogue_file(spec))


async def test_a_code_lowers_what_is_bought_and_the_page_tells_until_when(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    assert "I have a promotion code" in (await browser.get("/billing")).text
    await shop.buy(browser, promotion_code=" launch20 ")
    page = (await browser.get("/billing")).text
    assert re.search(r"data-discount>Launch offer \(LAUNCH20\): 20 % off until \d+ \w+ \d{4}<", page)


@pytest.mark.usefixtures("shop")
async def test_a_wrong_code_is_told_beside_its_field_and_kept(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    answer = await browser.send(
        "/billing", "/billing/checkout", plan="pro", interval="month", promotion_code="<b>LUNCH"
    )
    assert answer.status_code == 422
    [field] = re.findall(r'<input class="input" id="promotion_code-pro"[^>]*>', answer.text)
    assert 'value="&lt;b&gt;LUNCH"' in field
    assert 'aria-invalid="true"' in field
    assert re.search(r'id="promotion_code-pro-note".*?There is no such code\.', answer.text, re.DOTALL)
    assert answer.text.count("There is no such code.") == 1
    assert answer.text.count('<details class="mt-3" open>') == 1


async def test_a_change_can_have_a_code_and_shows_what_it_takes_off(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    wrong = await browser.get("/billing/change?whole=yes&plan=premium&interval=month&promotion_code=LUNCH")
    assert wrong.status_code == 422
    assert "There is no such code." in wrong.text
    assert 'type="hidden" name="promotion_code"' not in wrong.text
    shown = await browser.get("/billing/change?whole=yes&plan=premium&interval=month&promotion_code=launch20")
    assert shown.status_code == 200
    assert due(wrong.text) - due(shown.text) == pytest.approx(10, abs=0.05), "a fifth of what Premium costs"
    yearly = (await browser.get("/billing/change?whole=yes&plan=premium&interval=year&promotion_code=launch20")).text
    assert '<td>Discount</td><td class="num">-$' in yearly
    kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.text))
    assert kept["promotion_code"] == "launch20"
    refused = await browser.send("/billing", "/billing/change", **{**_own(kept), "promotion_code": "LUNCH"})
    assert refused.status_code == 422
    assert "There is no such code." in refused.text
    answer = await browser.send("/billing", "/billing/change", **_own(kept))
    assert answer.headers.get("location") == "/billing", answer.text
    page = (await browser.get("/billing")).text
    assert "data-plan-name>Premium<" in page
    assert "Launch offer (LAUNCH20): 20 % off until" in page


async def test_a_code_is_put_on_a_running_plan_and_taken_off_again(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    page = (await browser.get("/billing")).text
    assert 'action="/billing/promotion"' in page
    assert "/billing/promotion/remove" not in page
    for code, said in (("LUNCH", "There is no such code."), ("", "Type in a code.")):
        wrong = await browser.get(f"/billing/promotion?promotion_code={code}")
        assert wrong.status_code == 422
        assert re.search(rf'id="promotion_code-note".*?{re.escape(said)}', wrong.text, re.DOTALL)
        assert wrong.text.count(said) == 1
    shown = await browser.get("/billing/promotion?promotion_code=launch20")
    assert '<td>Discount</td><td class="num">-$4.00</td>' in shown.text
    assert re.search(r'Next invoice, [^<]+</th><td class="num font-semibold">\$16\.00<', shown.text)
    kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.text))
    for _ in range(2):
        answer = await browser.send("/billing", "/billing/promotion", **_own(kept))
        assert answer.headers.get("location") == "/billing", answer.text
    page = (await browser.get("/billing")).text
    assert "Launch offer (LAUNCH20): 20 % off until" in page
    without = await browser.get("/billing/promotion/remove")
    assert re.search(r'Next invoice, [^<]+</th><td class="num font-semibold">\$20\.00<', without.text)
    assert (await browser.send("/billing", "/billing/promotion/remove")).headers["location"] == "/billing"
    assert "data-discount" not in (await browser.get("/billing")).text
    assert (await browser.client.get("/billing/promotion/remove")).headers["location"] == "/billing"


async def test_a_plan_that_ends_takes_no_code(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    await browser.send("/billing/cancel", "/billing/cancel")
    assert 'action="/billing/promotion"' not in (await browser.get("/billing")).text
    answer = await browser.get("/billing/promotion?promotion_code=launch20")
    assert answer.status_code == 409
    assert "Keep the plan first, then use the code." in answer.text


@pytest.mark.usefixtures("shop")
async def test_a_viewer_cannot_use_codes_and_nobody_without_a_login(runtime: Runtime, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await now_is(runtime, Role.VIEWER)
    assert "promotion_code" not in (await browser.get("/billing")).text
    wish = {"plan": "pro", "interval": "month", "promotion_code": "LAUNCH20"}
    assert (await browser.send("/billing", "/billing/checkout", **wish)).status_code == 403
    assert (await browser.get("/billing/change?plan=premium&promotion_code=LAUNCH20")).status_code == 403
    browser.client.cookies.clear()
    answer = await browser.client.get("/billing/change?plan=premium&promotion_code=LAUNCH20")
    assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.usefixtures("with_trials")
async def test_a_trial_is_offered_once_and_its_end_is_shown(shop: Shop, browser: Browser) -> None:
    pricing = (await browser.get("/pricing")).text
    assert "14 days free, no card needed" in pricing
    assert "7 days free<" in pricing
    await browser.sign_up("ada@example.com")
    assert "14 days free, no card needed" in (await browser.get("/billing")).text
    await shop.buy(browser)
    page = (await browser.get("/billing")).text
    assert "Trial" in page
    assert "$20 a month after the trial. Free until" in page
    assert "days free" not in page


async def test_the_pricing_page_names_what_can_be_added(browser: Browser) -> None:
    monthly = (await browser.get("/pricing")).text
    assert monthly.count("Extra prompts: $5 a month each") == 2
    assert monthly.count("Priority help: $9 a month<") == 1
    assert "Extra prompts: $50 a year each" in (await browser.get("/pricing?interval=year")).text
    assert "days free" not in monthly


def test_what_is_taken_off_is_said_in_words() -> None:
    launch = DiscountState("di_1", "Launch offer", "LAUNCH20", Decimal("12.50"))
    assert discount_words(launch) == "Launch offer (LAUNCH20): 12.5 % off"
    assert discount_words(replace(launch, percent_off=Decimal(100))) == "Launch offer (LAUNCH20): 100 % off"
    given = DiscountState("di_1", "Sorry", amount_off=500, currency="eur", ends_at=datetime(2027, 2, 3, tzinfo=UTC))
    assert discount_words(given) == "Sorry: €5.00 off until 3 Feb 2027"


def due(text: str) -> float:
    """Return what is due now, in dollars."""
    found = re.search(r'Due now</th><td class="num font-semibold">\$([\d.,]+)<', text)
    assert found is not None
    return float(found[1].replace(",", ""))


def _own(kept: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in kept.items() if name != "csrf_token"}
