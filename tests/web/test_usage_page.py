"""The usage page: who used what with which key, by what rule it is counted, and what the time before came to."""

import re
from datetime import timedelta

import httpx
import pytest

from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock
from tollkeeper.metering import roll_up
from tollkeeper.web.portal import present, using

from .conftest import Browser

EMAIL = "ada@example.com"


async def used(browser: Browser, key: str, count: int, feature: str = "prompts") -> None:
    call = {"feature": feature, "count": count}
    answer = await browser.client.post("/api/usage/track", json=call, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text


def users(page: str) -> list[tuple[str, ...]]:
    """Key, person, number and share of each row of who used it."""
    key, who = r'<a class="link-plain" href="/keys/[^"]+">([^<]+)</a>', r"<span[^>]*> · ([^<]+)</span></p>"
    return re.findall(rf"{key}{who}\s*<p[^>]*>([\d,]+) <span[^>]*>\((\d+) %\)", page)


async def test_keys_and_people_are_named_by_their_share(browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    server, staging = await browser.create_key("<i>server</i>"), await browser.create_key("staging")
    assert "Each key and person that uses" in (await browser.get("/usage?feature=prompts")).text
    for key, count in ((server, 30), (server, 40), (staging, 30)):
        await used(browser, key, count)
    page = (await browser.get("/usage?feature=prompts")).text
    assert users(page) == [
        ("&lt;i&gt;server&lt;/i&gt;", "Ada Lovelace", "70", "70"),
        ("staging", "Ada Lovelace", "30", "30"),
    ]
    assert "All calls of this period." in page
    assert users((await browser.get("/usage?feature=sandbox_runs")).text) == []
    await other_browser.sign_up("eve@example.com")
    assert "server" not in (await other_browser.get("/usage?feature=prompts")).text.split("Who used it")[1]


async def test_of_very_many_calls_the_newest_are_looked_at_and_that_is_said(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(using, "NEWEST", 2)
    await browser.sign_up(EMAIL)
    key = await browser.create_key()
    for _ in range(3):
        await used(browser, key, 5)
    page = (await browser.get("/usage")).text
    assert "The newest 2 calls of this period." in page
    assert users(page) == [("server", "Ada Lovelace", "10", "100")]


async def test_the_rule_is_told_in_words(browser: Browser) -> None:
    await browser.sign_up(EMAIL)
    page = (await browser.get("/usage?feature=prompts")).text
    assert "This meter adds up what each call reports, of <code>prompts</code> events." in page
    assert "1,000 prompts." in page
    assert "is refused with 402" in page
    assert "This meter keeps the number reported last" in (await browser.get("/usage?feature=seats")).text
    assert (await browser.get("/usage?feature=nothing&span=never")).status_code == 200


async def test_a_forecast_and_the_time_before_are_told(browser: Browser, clock: FixedClock) -> None:
    await browser.sign_up(EMAIL)
    key = await browser.create_key()
    assert "Too early to tell" in (await browser.get("/usage")).text
    clock.advance(timedelta(days=3))
    await browser.log_in(EMAIL)
    await used(browser, key, 100)
    assert "than in the time before" not in (await browser.get("/usage")).text
    clock.advance(timedelta(days=1))
    await browser.log_in(EMAIL)
    await used(browser, key, 150)
    page = (await browser.get("/usage?feature=prompts&span=24h")).text
    assert "50 % more than in the time before" in page
    assert "Reaches the limit around 26 Mar at this pace" in page


async def test_while_very_much_waits_to_be_summed_up_the_page_leaves_it_out_and_says_so(
    browser: Browser, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(present, "MOST_WAITING", 3)  # the first seat is an event, too
    await browser.sign_up(EMAIL)
    key = await browser.create_key()
    for _ in range(2):
        await used(browser, key, 20)
    assert shown_total(await browser.get("/usage?feature=prompts")) == ("40", False), "few are summed for the page"
    await used(browser, key, 20)
    for address in ("/usage?feature=prompts", "/dashboard"):
        page = await browser.get(address)
        assert shown_total(page) == ("0", True), address
        assert "Nothing was used" not in page.text
        assert "No calls yet" not in page.text
    assert ">60</" in (await browser.get("/usage?feature=prompts")).text, "limits count every call at once"
    async with runtime.transaction(of_all=True) as tx:
        await roll_up(tx)
    assert shown_total(await browser.get("/usage?feature=prompts")) == ("60", False)
    for _ in range(4):
        await used(browser, key, 1)
    assert shown_total(await browser.get("/usage?feature=prompts")) == ("60", True), "what is rolled up is there"


def shown_total(page: httpx.Response) -> tuple[str, bool]:
    """What the history comes to, and whether the page says that it is behind."""
    found = re.search(r'<span class="figure text-base-content">([\d,]+)</span>', page.text)
    assert found is not None
    return found[1], "data-behind" in page.text
