"""Pausing, going on and coming back on the pages, with what each costs shown before."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, Role

from .conftest import Browser
from .shop import OTHER_CARD, Shop, leads_to
from .team import now_is


@pytest.fixture
def clock() -> FixedClock:
    """The provider's imitation lives in real time, so ours must be about that."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def on_pro(shop: Shop, browser: Browser) -> str:
    """Somebody on Pro where members may pause; returns the provider's id of the customer."""
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "60"})
    await browser.sign_up("ada@example.com")
    return await shop.buy(browser)


async def subscription_of(shop: Shop, customer: str) -> str:
    found = (await shop.api("GET", f"subscriptions?customer={customer}&status=all"))["data"]
    assert isinstance(found, list)
    return str(found[0]["id"])


async def void_a_period(shop: Shop, customer: str) -> str:
    """A period begins while the plan rests, and its invoice is void."""
    subscription = await subscription_of(shop, customer)
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none", "payment_behavior": "default_incomplete"}
    made = await shop.api("POST", f"subscriptions/{subscription}", **anew)
    await shop.api("POST", f"invoices/{made['latest_invoice']}/void")
    await shop.told()
    return subscription


def due(text: str) -> str:
    found = re.search(r'Due now</th><td class="num font-semibold">([^<]+)<', text)
    assert found is not None, text
    return found[1]


def hidden(text: str) -> dict[str, str]:
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
    return {name: value for name, value in found.items() if name != "csrf_token"}


@pytest.mark.usefixtures("on_pro")
async def test_a_plan_is_paused_until_a_day_and_goes_on_for_nothing(browser: Browser, clock: FixedClock) -> None:
    assert 'href="/billing/pause"' in (await browser.get("/billing")).text
    form = (await browser.get("/billing/pause")).text
    latest = (clock.now() + timedelta(days=60)).date()
    assert f'max="{latest.isoformat()}"' in form
    assert f"At most 60 days, so until {latest:%-d %b %Y}." in form
    day = (clock.now() + timedelta(days=10)).date()
    assert (await browser.send("/billing/pause", "/billing/pause", until=day.isoformat())).status_code == 303
    page = (await browser.get("/billing")).text
    assert f"Pro is paused until {day:%-d %b %Y}" in page
    assert "data-plan-name>Pro<" in page
    assert "On Free meanwhile, nothing is owed. Goes on" in page
    assert "Change to Premium" not in page, "what rests does not become another"
    assert "Cancel plan" in page
    assert 'href="/billing/pause"' not in page
    assert f"Pro is paused until {day:%-d %b %Y}" in (await browser.get("/dashboard")).text
    shown = (await browser.get("/billing/unpause")).text
    assert due(shown) == "$0.00"
    assert "nothing is charged" in shown
    assert (await browser.send("/billing/unpause", "/billing/unpause", **hidden(shown))).status_code == 303
    page = (await browser.get("/billing")).text
    assert "paused" not in page.lower()
    assert "$20 a month. Renews" in page


async def test_a_period_that_was_void_is_paid_when_going_on(shop: Shop, browser: Browser, on_pro: str) -> None:
    await browser.send("/billing/pause", "/billing/pause", until=(datetime.now(UTC) + timedelta(9)).date().isoformat())
    free = hidden((await browser.get("/billing/unpause")).text)
    subscription = await void_a_period(shop, on_pro)
    asked = await browser.send("/billing/unpause", "/billing/unpause", **free)
    assert (asked.status_code, due(asked.text)) == (200, "$20.00"), "nothing is charged that was not shown"
    shown = (await browser.get("/billing/unpause")).text
    assert due(shown) == "$20.00"
    assert "Pay $20.00 and go on" in shown
    bad = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=on_pro)
    await shop.api("POST", f"subscriptions/{subscription}", default_payment_method=str(bad["id"]))
    refused = await browser.send("/billing/unpause", "/billing/unpause", **hidden(shown))
    assert refused.status_code == 402
    assert "Use another payment method" in refused.text
    await shop.api("POST", f"subscriptions/{subscription}", pause_collection="")
    await shop.told()
    page = (await browser.get("/billing")).text
    assert "Pro is not back yet" in page
    assert "Not paid" in page
    await now_is(shop.runtime, Role.VIEWER)
    page = (await browser.get("/billing")).text
    assert "Somebody who manages billing can pay it." in page
    assert "/billing/unpause" not in page
    await now_is(shop.runtime, Role.OWNER)
    good = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=on_pro)
    await shop.api("POST", f"subscriptions/{subscription}", default_payment_method=str(good["id"]))
    shown = (await browser.get("/billing/unpause")).text
    assert (await browser.send("/billing/unpause", "/billing/unpause", **hidden(shown))).status_code == 303
    assert "$20 a month. Renews" in (await browser.get("/billing")).text
    found = (await shop.api("GET", f"invoices?customer={on_pro}"))["data"]
    assert isinstance(found, list)
    assert [each["status"] for each in found] == ["paid", "void", "paid"]


@pytest.mark.usefixtures("on_pro")
@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("", "Choose a day."),
        ("<b>soon", "Choose a day."),
        ("2001-01-01", "Name a moment ahead of now, at most 60 days away."),
        ("2999-01-01", "Name a moment ahead of now, at most 60 days away."),
    ],
)
async def test_a_wrong_day_is_told_beside_its_field(browser: Browser, day: str, said: str) -> None:
    answer = await browser.send("/billing/pause", "/billing/pause", until=day)
    assert answer.status_code == 422
    assert re.search(rf'id="until-note".*?{re.escape(said)}', answer.text, re.DOTALL)
    assert "<b>soon" not in answer.text


@pytest.mark.usefixtures("on_pro")
async def test_where_members_may_not_it_is_not_offered_but_explained(
    shop: Shop, browser: Browser, clock: FixedClock
) -> None:
    day = (clock.now() + timedelta(days=10)).date()
    await browser.send("/billing/pause", "/billing/pause", until=day.isoformat())
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "off"})
    page = (await browser.get("/billing")).text
    assert "Only we can pause plans here and let them go on: write to us." in page
    assert "/billing/unpause" not in page
    assert (await browser.get("/billing/unpause")).status_code == 403
    answer = await browser.get("/billing/pause")
    assert answer.status_code == 403
    assert "Only we can pause plans here" in answer.text


@pytest.mark.usefixtures("on_pro")
async def test_a_viewer_and_somebody_elses_page_cannot(runtime: Runtime, browser: Browser) -> None:
    for path in ("/billing/pause", "/billing/unpause", "/billing/reactivate", "/billing/promotion"):
        forged = await browser.client.post(path, data={"until": "2027-01-01", "promotion_code": "LAUNCH20"})
        assert forged.status_code == 403, path
    await now_is(runtime, Role.VIEWER)
    page = (await browser.get("/billing")).text
    assert not re.search(r"/billing/(pause|unpause|reactivate|promotion)", page)
    paths = ("pause", "unpause", "reactivate", "promotion?promotion_code=LAUNCH20", "promotion/remove")
    assert [(await browser.get(f"/billing/{path}")).status_code for path in paths] == [403] * 5
    browser.client.cookies.clear()
    for path in paths:
        answer = await browser.client.get(f"/billing/{path}")
        assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.usefixtures("shop")
async def test_without_a_plan_there_is_nothing_to_pause(browser: Browser, runtime: Runtime) -> None:
    runtime.settings = runtime.settings.model_copy(update={"pause": "60"})
    await browser.sign_up("ada@example.com")
    page = (await browser.get("/billing")).text
    assert not re.search(r"/billing/(pause|unpause|reactivate|promotion)\b", page)
    assert (await browser.client.get("/billing/pause")).headers["location"] == "/billing"
    assert (await browser.get("/billing/unpause")).status_code == 409
    assert (await browser.get("/billing/reactivate")).status_code == 409


async def test_coming_back_shows_what_it_costs(shop: Shop, browser: Browser, on_pro: str) -> None:
    await shop.api("DELETE", f"subscriptions/{await subscription_of(shop, on_pro)}")
    await shop.told()
    page = (await browser.get("/billing")).text
    assert "Come back to Pro" in page
    shown = (await browser.get("/billing/reactivate")).text
    assert due(shown) == "$20.00"
    asked = await browser.send("/billing/reactivate", "/billing/reactivate", due="1900")
    assert (asked.status_code, due(asked.text)) == (200, "$20.00"), "who was shown another price is asked again"
    assert (await browser.send("/billing/reactivate", "/billing/reactivate", **hidden(shown))).status_code == 303
    page = (await browser.get("/billing")).text
    assert "$20 a month. Renews" in page
    assert "Come back" not in page
    again = await browser.send("/billing", "/billing/reactivate")
    assert again.status_code == 409, "never twice"


async def test_without_a_kept_card_coming_back_leads_to_the_page_that_sells(
    shop: Shop, browser: Browser, on_pro: str
) -> None:
    await shop.api("DELETE", f"subscriptions/{await subscription_of(shop, on_pro)}")
    kept = (await shop.api("GET", f"customers/{on_pro}/payment_methods"))["data"]
    assert isinstance(kept, list)
    for each in kept:
        await shop.api("POST", f"payment_methods/{each['id']}/detach")
    await shop.told()
    shown = (await browser.get("/billing/reactivate")).text
    answer = await browser.send("/billing/reactivate", "/billing/reactivate", **hidden(shown))
    await shop.pay(leads_to(answer), OTHER_CARD)
    await shop.told()
    assert "$20 a month. Renews" in (await browser.get("/billing")).text
