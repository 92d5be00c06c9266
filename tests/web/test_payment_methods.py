"""The page of ways to pay, and what stands above every page while a payment is owed."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mailbox_process import Post
from tollkeeper.billing import (
    DunningCase,
    DunningState,
    PaymentMethod,
    PaymentProvider,
    SavedMethod,
    StripeProvider,
)
from tollkeeper.infra import Runtime
from tollkeeper.kit import FixedClock, Role, new_id
from tollkeeper.web.portal import billing as billing_pages
from tollkeeper.web.portal.method_views import MethodRow, method_rows
from tollkeeper.web.portal.standing import case_banner, withheld_from
from twin_process import KEY

from .conftest import Browser
from .shop import OTHER_CARD, Shop, leads_to
from .team import now_is

METHODS = "/billing/payment-methods"
WHOLE = METHODS + "?whole=yes"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    """The provider's imitation lives in real time, so ours must be about that."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


def shown(page: str) -> list[tuple[str, str]]:
    """Return the ways to pay on a page, each with its id."""
    rows = re.findall(r'data-method="([^"]+)".*?font-medium">([^<]+?) ?<', page, re.DOTALL)
    return [(ident, name.strip()) for ident, name in rows]


async def test_a_card_is_added_made_the_default_and_the_old_one_removed(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    page = (await browser.get(WHOLE)).text
    [(old, name)] = shown(page)
    assert name == "Visa ending in 4242"
    assert "Good until 12 / 2040" in page
    assert f'href="{METHODS}"' in (await browser.get("/billing")).text

    await shop.pay(leads_to(await browser.send(METHODS, METHODS)), OTHER_CARD)
    page = (await browser.get(WHOLE)).text
    new = next(ident for ident, _ in shown(page) if ident != old)
    assert "Mastercard ending in 4444" in page
    assert (await browser.send(METHODS, f"{METHODS}/{new}/default")).headers["location"] == METHODS
    assert [ident for ident, _ in shown((await browser.get(WHOLE)).text)] == [new, old]

    asked = (await browser.get(f"{METHODS}/{old}/remove")).text
    assert "Remove Visa ending in 4242?" in asked
    assert (await browser.send(f"{METHODS}/{old}/remove", f"{METHODS}/{old}/remove")).headers["location"] == METHODS
    assert [ident for ident, _ in shown((await browser.get(WHOLE)).text)] == [new]


@asynccontextmanager
async def silent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Nobody answers where the provider was."""
    provider = StripeProvider(KEY, api_base="http://127.0.0.1:1")
    with monkeypatch.context() as without:
        without.setitem(shop.runtime.parts, PaymentProvider, provider)
        yield
    await provider.close()


async def test_the_page_is_there_before_the_provider_answers(
    shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    async with silent(shop, monkeypatch):
        page = (await browser.get(METHODS)).text
    assert shown(page) == []
    assert 'aria-busy="true"' in page
    loads = re.search(r'id="methods"[^>]* hx-get="([^"]+)" hx-select="#methods"[^>]* hx-trigger="load"', page)
    assert loads is not None
    assert f'<a class="link-plain" href="{loads[1]}">' in page, "without scripts, too"
    whole = (await browser.get(loads[1])).text
    assert "aria-busy" not in whole
    assert "hx-get" not in whole
    assert len(shown(whole)) == whole.count('id="methods"') == 1


@pytest.mark.parametrize(
    "address", ["/billing/change?plan=premium&interval=month", "/billing/addons?addon=extra_prompts&quantity=2"]
)
async def test_what_something_costs_comes_after_the_page_that_shows_it(
    shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    async with silent(shop, monkeypatch):
        page = await browser.get(address)
        assert page.status_code == 200, page.text
        assert (await browser.get(f"{address}&whole=yes")).status_code == 503
        assert (await browser.get("/billing/addons?addon=magic&quantity=2")).status_code == 404
    assert (await browser.get("/billing/change?plan=enterprise")).status_code == 422, "it is sold without a price"
    assert "Due now" not in page.text
    assert '<form method="post" action="/billing' not in page.text, "nothing is confirmed before it has a price"
    loads = re.search(r'aria-busy="true" hx-get="([^"]+)" hx-trigger="load" hx-select="#main"', page.text)
    assert loads is not None
    assert f'content="0;url={loads[1]}"' in page.text, "by themselves without scripts, too"
    assert f'<a class="link-plain" href="{loads[1]}">' in page.text
    whole = await browser.get(html.unescape(loads[1]))
    assert "aria-busy" not in whole.text
    assert "Due now" in whole.text
    assert 'name="as_of" value="20' in whole.text
    assert (await browser.send("/billing", address.partition("?")[0], **shown_fields(whole.text))).status_code == 303


def shown_fields(page: str) -> dict[str, str]:
    """What the form that confirms sends along."""
    form = re.search(r'<form method="post" action="/billing/(?:change|addons)">(.*?)</form>', page, re.DOTALL)
    assert form is not None
    kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[1]))
    return {name: value for name, value in kept.items() if name != "csrf_token"}


async def test_the_card_that_pays_stays_and_the_page_says_why(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    [(only, _)] = shown((await browser.get(WHOLE)).text)
    answer = await browser.send(f"{METHODS}/{only}/remove", f"{METHODS}/{only}/remove")
    assert answer.status_code == 409
    assert "A subscription is paid with this payment method" in answer.text
    assert "Make another one the default first" in answer.text
    assert [ident for ident, _ in shown(answer.text)] == [only]


async def test_the_cards_of_others_do_not_exist(shop: Shop, browser: Browser, other_browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    [(card, _)] = shown((await browser.get(WHOLE)).text)
    await other_browser.sign_up("eve@example.com")
    assert card not in (await other_browser.get(WHOLE)).text
    assert (await other_browser.get(f"{METHODS}/{card}/remove")).status_code == 404
    for what in ("default", "remove"):
        assert (await other_browser.send(METHODS, f"{METHODS}/{card}/{what}")).status_code == 404
    assert [ident for ident, _ in shown((await browser.get(WHOLE)).text)] == [card]


@pytest.mark.usefixtures("shop")
async def test_before_anything_was_bought_there_is_nothing_to_add(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    page = (await browser.get(WHOLE)).text
    assert "No payment method yet" in page
    assert "Add a payment method" not in page
    answer = await browser.send(METHODS, METHODS)
    assert answer.status_code == 409
    assert "Nothing was bought yet" in answer.text


async def test_a_viewer_sees_the_cards_and_changes_nothing(shop: Shop, runtime: Runtime, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    await now_is(runtime, Role.VIEWER)
    page = (await browser.get(WHOLE)).text
    [(card, _)] = shown(page)
    assert "Remove" not in page
    assert "Add a payment method" not in page
    assert (await browser.get(f"{METHODS}/{card}/remove")).status_code == 403
    for path in (METHODS, f"{METHODS}/{card}/default", f"{METHODS}/{card}/remove"):
        assert (await browser.send(METHODS, path)).status_code == 403


@pytest.mark.usefixtures("shop")
async def test_without_a_login_there_is_the_login_page_and_without_the_token_nothing(browser: Browser) -> None:
    for path in (METHODS, f"{METHODS}/pm_1/remove"):
        answer = await browser.client.get(path)
        assert answer.headers["location"].startswith("/login?next=")
    back = "/login?next=%2Fbilling%2Fpayment-methods&unsent=yes"
    assert (await browser.client.post(METHODS)).headers["location"] == back
    await browser.sign_up("ada@example.com")
    for path in (METHODS, f"{METHODS}/pm_1/default", f"{METHODS}/pm_1/remove"):
        assert (await browser.client.post(path)).status_code == 403


async def test_what_is_owed_stands_above_the_pages_with_a_way_to_pay(
    shop: Shop, runtime: Runtime, browser: Browser
) -> None:
    await browser.sign_up("ada@example.com")
    customer = await shop.buy(browser)
    await shop.fail_to_pay(customer, "pm_card_chargeCustomerFail")
    for path in ("/dashboard", "/billing", METHODS):
        page = (await browser.get(path)).text
        assert "We could not collect the payment" in page
        assert "Pro can be used until" in page
        assert re.search(r'href="http://127\.0\.0\.1:[^"]+"[^>]*>Pay now<', page)
        assert re.search(rf'href="{METHODS}"[^>]*>Update the card<', page)
    await now_is(runtime, Role.VIEWER)
    page = (await browser.get("/billing")).text
    assert "Somebody who manages billing can pay it." in page
    assert "Pay now" not in page


async def test_the_mail_names_what_is_owed_for_what_and_when_it_is_tried_again(
    shop: Shop, runtime: Runtime, browser: Browser, post: Post
) -> None:
    await browser.sign_up("ada@example.com")
    async with runtime.transaction() as tx:
        await tx.connection.execute(text("update users set verified_at = created_at"))
    customer = await shop.buy(browser)
    await shop.fail_to_pay(customer, "pm_card_chargeCustomerFail")
    mail = next(each for each in await post.mails("ada@example.com") if "failed" in each["subject"])
    assert mail["subject"] == "A payment of 20.00 USD for Ada Lovelace failed"
    assert "we could not collect 20.00 USD for Pro of Ada Lovelace." in mail["text"]
    assert re.search(r"It is for invoice \S+:\s+- \S.*Pro", mail["text"])
    assert re.search(r"We try again at \d+ \w{3} \d{4}, \d\d:\d\d UTC\.", mail["text"])
    home = runtime.settings.public_url.rstrip("/") or "http://127.0.0.1:8000"
    [invoice] = [link for link in mail["links"] if "/billing/invoices/" in link]
    page = (await browser.get(invoice.removeprefix(home))).text
    assert "$20.00" in page
    assert len([link for link in mail["links"] if not link.startswith(home)]) == 1, "where it is paid"


async def test_a_payment_to_be_confirmed_says_so(shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    customer = await shop.buy(browser)
    await shop.fail_to_pay(customer, "pm_card_authenticationRequired")
    page = (await browser.get("/dashboard")).text
    assert "Your bank wants you to confirm the payment." in page
    assert "Confirm the payment</a>" in page


@pytest.mark.parametrize(
    ("month", "year", "state"),
    [(2, 2026, "Expired"), (3, 2026, "Expires soon"), (4, 2026, ""), (12, 2026, ""), (None, None, "")],
)
def test_a_card_is_good_until_its_month_is_over(month: int | None, year: int | None, state: str) -> None:
    method = PaymentMethod("card", "visa", "4242", month, year)
    (row,) = method_rows([SavedMethod("pm_1", method, is_default=True)], NOW)
    assert (row.state, row.is_default) == (state, True)
    assert row.good_until == (f"{month:02} / {year}" if month else "")


def test_a_bank_account_has_a_name_of_its_own() -> None:
    (row,) = method_rows(
        [SavedMethod("pm_1", PaymentMethod("sepa_debit", None, "3000", None, None), is_default=False)], NOW
    )
    assert row == MethodRow("pm_1", "Sepa Debit ending in 3000", "", "", "neutral", is_default=False)


def case_of(state: DunningState, *, requires_action: bool = False, page_url: str | None = "https://pay") -> DunningCase:
    return DunningCase(
        new_id(), new_id(), new_id(), "in_1", state, NOW, 1, 0, None, requires_action, page_url, closed_at=None
    )


def test_a_plan_is_withheld_on_the_day_of_the_schedule() -> None:
    case = case_of(DunningState.GRACE)
    assert withheld_from(case, "0:remind, 7:restrict, 14:end") == NOW + timedelta(days=7)
    assert withheld_from(case, "0:remind, 14:end") == NOW + timedelta(days=14)
    assert withheld_from(case, "0:remind") is None


def test_what_is_withheld_is_told_in_other_words() -> None:
    banner = case_banner(case_of(DunningState.RESTRICTED), "Pro", None, manages=True)
    assert (banner.tone, banner.title) == ("bad", "Pro is withheld until it is paid")
    assert [each.words for each in banner.buttons] == ["Pay now", "Update the card"]


def test_without_a_page_to_pay_on_the_card_is_what_can_be_changed() -> None:
    banner = case_banner(case_of(DunningState.GRACE, page_url=None), "Pro", None, manages=True)
    assert banner.text == "Pay it to keep Pro."
    assert [each.words for each in banner.buttons] == ["Update the card"]
    assert case_banner(case_of(DunningState.GRACE), "Pro", None, manages=False).buttons == ()


async def test_invoices_are_listed_page_by_page(shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    await browser.sign_up("ada@example.com")
    customer = await shop.buy(browser)
    monkeypatch.setattr(billing_pages, "SHOWN_INVOICES", 1)
    of_invoice = re.compile(r'href="(/billing/invoices/[0-9a-f-]{36})"')
    whole = (await browser.get("/billing")).text
    [bought] = of_invoice.findall(whole)
    assert 'aria-label="Pages"' not in whole, "there is one page"
    await shop.api("POST", "invoiceitems", customer=customer, amount="1000", currency="usd", description="Setup")
    draft = await shop.api("POST", "invoices", customer=customer, pending_invoice_items_behavior="include")
    await shop.api("POST", f"invoices/{draft['id']}/finalize")
    await shop.told()
    newest = (await browser.get("/billing")).text
    [setup] = of_invoice.findall(newest)
    assert setup != bought
    older = re.search(r'href="(/billing\?cursor=[^"]+)" rel="next"', newest)
    assert older is not None
    last = (await browser.get(older[1])).text
    assert of_invoice.findall(last) == [bought]
    assert 'href="/billing#invoices" rel="first"' in last
    assert of_invoice.findall((await browser.get("/billing?cursor=nonsense")).text) == [setup], "it begins anew"


async def test_billing_details_come_after_the_page_that_shows_them(
    shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_up("ada@example.com")
    at_first = await browser.get("/billing/details")
    assert 'value="Ada Lovelace"' in at_first.text, "who never bought has nothing to wait for"
    assert "aria-busy" not in at_first.text
    await shop.buy(browser)
    async with silent(shop, monkeypatch):
        page = await browser.get("/billing/details")
        assert page.status_code == 200, page.text
        assert (await browser.get("/billing/details?whole=yes")).status_code == 503
    assert '<form method="post" action="/billing' not in page.text, "nothing is saved over what is not known yet"
    loads = re.search(r'aria-busy="true" hx-get="([^"]+)" hx-trigger="load" hx-select="#main"', page.text)
    assert loads is not None
    assert f'content="0;url={loads[1]}"' in page.text, "by themselves without scripts, too"
    assert f'<a class="link-plain" href="{loads[1]}">' in page.text
    whole = await browser.get(loads[1])
    assert "aria-busy" not in whole.text
    saved = await browser.answer(whole, "/billing/details", name="Ada Ltd", country="DE")
    assert (saved.status_code, saved.headers["location"]) == (303, "/billing/details")
    assert 'value="Ada Ltd"' in (await browser.get(loads[1])).text
