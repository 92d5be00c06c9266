import re
from datetime import timedelta

import httpx
import pytest

from tollkeeper.identity import KeyKind, create_key
from tollkeeper.identity.finding import keys_shown_as
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.web.portal.keys import SHOWN

from .conftest import Browser, until_status

SECRET = re.compile(r"tk_live_\w+")


async def track(browser: Browser, secret: str, count: int) -> httpx.Response:
    return await browser.client.post(
        "/api/usage/track",
        headers={"Authorization": f"Bearer {secret}"},
        json={"feature": "prompts", "count": count},
    )


async def test_a_key_is_shown_once_and_works_in_the_call_beside_it(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    secret = await browser.create_key("server")
    assert (await track(browser, secret, 3)).status_code == 200
    page = await browser.get("/keys")
    assert secret not in page.text
    assert secret[-4:] in page.text
    assert "server" in page.text


async def test_the_example_call_has_the_servers_own_address(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    answer = await browser.send("/keys", "/keys", name="server", expires="")
    assert "curl http://127.0.0.1:8000/api/usage/track" in answer.text
    assert "prompts" in answer.text


async def test_a_form_sent_twice_shows_the_key_it_has_made(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    form = await browser.get("/keys")
    first = await browser.answer(form, "/keys", name="server", expires="")
    again = await browser.answer(form, "/keys", name="server", expires="")
    assert SECRET.findall(first.text)[0] == SECRET.findall(again.text)[0]
    other = await browser.answer(form, "/keys", name="another", expires="")
    assert SECRET.findall(other.text)[0] != SECRET.findall(first.text)[0]
    listed = (await browser.get("/keys")).text
    assert (listed.count(">server<"), listed.count(">another<")) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "  ", "expires": ""}, "Give the key a name"),
        ({"name": "x" * 101, "expires": ""}, "at most 100 characters"),
        ({"name": "server", "expires": "100000"}, "Choose one of the list"),
        ({}, "Give the key a name"),
    ],
)
async def test_a_key_without_a_good_name_is_not_made(browser: Browser, fields: dict[str, str], words: str) -> None:
    await browser.sign_up("ada@example.com")
    answer = await browser.send("/keys", "/keys", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert "No keys yet" in (await browser.get("/keys")).text


async def test_a_key_ends_when_it_was_told_to(browser: Browser, clock: FixedClock) -> None:
    await browser.sign_up("ada@example.com")
    secret = await browser.create_key(expires="30")
    clock.advance(timedelta(days=29))
    assert (await track(browser, secret, 1)).status_code == 200
    clock.advance(timedelta(days=1))
    assert (await track(browser, secret, 1)).status_code == 401


async def test_keys_are_listed_page_by_page_and_without_those_that_are_revoked(
    browser: Browser, runtime: Runtime
) -> None:
    await browser.sign_up("ada@example.com")
    await browser.create_key("the first")
    first = _key_id((await browser.get("/keys")).text)
    async with runtime.transaction(of_all=True) as tx:
        [whose] = {each.organization_id for each in await keys_shown_as(tx, first, limit=1)}
        for number in range(SHOWN):
            await create_key(tx, organization_id=whose, created_by=None, name=f"key {number}", kind=KeyKind.LIVE)
    newest = (await browser.get("/keys")).text
    assert newest.count("data-key=") == SHOWN
    assert first not in newest
    older = re.search(r'href="(/keys\?cursor=[^"]+)" rel="next"', newest)
    assert older is not None
    assert first in (await browser.get(older[1])).text
    await browser.send(f"/keys/{first}/revoke", f"/keys/{first}/revoke")
    assert first in (await browser.get(older[1])).text
    kept = (await browser.get("/keys?state=kept")).text
    assert kept.count("data-key=") == SHOWN
    assert 'rel="next"' not in kept, "the revoked one alone would be on it"


async def test_a_revoked_key_is_refused_and_listed_as_revoked(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    secret = await browser.create_key()
    key_id = _key_id((await browser.get("/keys")).text)
    asked = await browser.get(f"/keys/{key_id}/revoke")
    assert "cannot be undone" in asked.text
    assert (await browser.send(f"/keys/{key_id}/revoke", f"/keys/{key_id}/revoke")).headers["location"] == "/keys"
    assert "Revoked" in (await browser.get("/keys")).text
    await until_status(lambda: track(browser, secret, 1), 401)


async def test_the_keys_of_others_do_not_exist(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await browser.create_key()
    key_id = _key_id((await browser.get("/keys")).text)
    await other_browser.sign_up("eve@example.com")
    assert (await other_browser.get(f"/keys/{key_id}/revoke")).status_code == 404
    assert (await other_browser.send("/keys", f"/keys/{key_id}/revoke")).status_code == 404
    assert (await other_browser.get("/keys/not-an-id/revoke")).status_code == 404
    assert "No keys yet" in (await other_browser.get("/keys")).text


async def test_a_form_of_one_session_is_worth_nothing_in_another(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await other_browser.sign_up("eve@example.com")
    token = re.search(r'name="csrf_token" value="([^"]+)"', (await other_browser.get("/keys")).text)
    assert token is not None
    answer = await browser.client.post("/keys", data={"csrf_token": token[1], "name": "planted"})
    assert answer.status_code == 403
    assert "planted" not in (await browser.get("/keys")).text


async def test_usage_is_shown_against_the_limit_and_over_time(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    secret = await browser.create_key()
    await track(browser, secret, 850)
    overview = (await browser.get("/dashboard")).text
    assert 'value="850" max="1000"' in overview
    assert "Nearly used" in overview
    usage = (await browser.get("/usage?feature=prompts&span=24h")).text
    assert 'data-value="850"' in usage
    assert usage.count('data-value="0"') == 23


async def test_a_reached_limit_is_announced_with_the_way_out(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    secret = await browser.create_key()
    await track(browser, secret, 1_000)
    assert (await track(browser, secret, 1)).status_code == 402
    overview = (await browser.get("/dashboard")).text
    assert "All 1,000 prompts of this period are used" in overview
    assert 'href="/billing"' in overview


@pytest.mark.parametrize("query", ["feature=nonsense", "span=forever", "feature=%00&span=%00", "feature=deployments"])
async def test_odd_questions_of_the_usage_page_are_answered_sensibly(browser: Browser, query: str) -> None:
    await browser.sign_up("ada@example.com")
    assert (await browser.get(f"/usage?{query}")).status_code == 200


async def test_the_billing_page_of_a_free_customer_offers_the_plans(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    monthly = (await browser.get("/billing")).text
    assert "Upgrade to Pro" in monthly
    assert "$20" in monthly
    assert "No invoices yet" in monthly
    assert "Payment and invoices" not in monthly
    assert "$200" in (await browser.get("/billing?interval=year&plan=pro")).text


@pytest.mark.parametrize(
    ("plan", "words"), [("free", "cannot be bought"), ("enterprise", "cannot be bought"), ("gold", "no such plan")]
)
async def test_what_cannot_be_bought_is_told_on_the_billing_page(browser: Browser, plan: str, words: str) -> None:
    await browser.sign_up("ada@example.com")
    answer = await browser.send("/billing", "/billing/checkout", plan=plan, interval="month")
    assert 400 <= answer.status_code < 500
    assert words in answer.text
    assert "Current plan" in answer.text


async def test_a_provider_that_does_not_answer_is_told_in_words(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    answer = await browser.send("/billing", "/billing/checkout", plan="pro", interval="month")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "Upgrade to Pro" in answer.text


async def test_the_return_page_waits_and_after_a_while_says_that_one_may_leave(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    waiting = (await browser.get("/checkout/return?session_id=cs_1")).text
    assert 'data-state="waiting"' in waiting
    assert "session_id=cs_1&amp;tries=1" in waiting
    assert 'href="/checkout/return?session_id=cs_1&amp;tries=1"' in waiting
    late = (await browser.get("/checkout/return/state?session_id=cs_1&tries=60")).text
    assert 'data-state="late"' in late
    assert "hx-get" not in late
    assert "<html" not in late


def _key_id(text: str) -> str:
    found = re.search(r'data-key="([0-9a-f-]{36})"', text)
    assert found is not None
    return found[1]
