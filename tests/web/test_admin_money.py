"""The admin's pages of money: the catalogue by forms and as a file, lists over everybody, disputes, what is owed."""

import re

import httpx
import pytest

from tollkeeper import catalog
from tollkeeper.billing.dunning import board as board_of
from tollkeeper.billing.dunning import counted, total
from tollkeeper.identity.staff import StaffRole
from tollkeeper.infra import Runtime
from tollkeeper.rating import Interval

from .conftest import Browser, Employ, employing
from .shop import Shop

BOSS = "boss@example.com"


@pytest.fixture
async def employ(other_browser: Browser, runtime: Runtime) -> Employ:
    """A browser in which somebody of staff is logged in, beside the customer's."""

    return employing(other_browser, runtime, BOSS)


def carried(answer: httpx.Response, *names: str) -> dict[str, str]:
    """What a page's form carries along, as the browser would send it."""
    found = {name: re.search(rf'name="{name}"[^>]* value="([^"]*)"', answer.text) for name in names}
    return {name: each[1] for name, each in found.items() if each}


def source_of(answer: httpx.Response) -> str:
    found = re.search(r'<textarea name="source" hidden>\n(.*?)</textarea>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return (
        found[1]
        .replace("&#39;", "'")
        .replace("&#34;", '"')
        .replace("&gt;", ">")
        .replace("&lt;", "<")
        .replace("&amp;", "&")
    )


def inputs_of(answer: httpx.Response) -> dict[str, str]:
    """Every field of the page's main form as a browser would send it untouched."""
    form = re.search(r'<form class="grid grid-cols-1 gap-6".*?</form>', answer.text, re.DOTALL)
    assert form is not None, answer.text
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and not ('type="checkbox"' in tag and " checked" not in tag):
            fields[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body) or re.search(r'value="([^"]*)"', body)
        fields[name] = chosen[1] if chosen else ""
    return fields | dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form[0], re.DOTALL))


async def apply(admin: Browser, seen: httpx.Response, **fields: str) -> httpx.Response:
    """Apply what a preview shows, and return the page it leads to."""
    sent = {**carried(seen, "csrf_token", "base", "restored"), "source": source_of(seen), **fields}
    answer = await admin.client.post("/admin/catalogue/apply", data=sent)
    assert answer.status_code == 303, answer.text
    return await admin.get(answer.headers["location"])


async def test_a_plan_is_changed_by_its_form_and_gone_back_on(employ: Employ, runtime: Runtime) -> None:
    admin = await employ(StaffRole.ADMIN)
    form = await admin.get("/admin/catalogue/plans/pro")
    fields = inputs_of(form)
    assert (fields["prices.month.usd"], fields["entitlements.prompts.limit"]) == ("20.00", "50,000")
    untouched = await admin.client.post("/admin/catalogue/plans/pro", data=fields)
    assert "Nothing would change" in untouched.text

    wished = fields | {"prices.month.usd": "24.50", "entitlements.prompts.limit": "60,000", "trial.days": "14"}
    seen = await admin.client.post("/admin/catalogue/plans/pro", data=wished)
    assert seen.status_code == 200, seen.text
    for words in ("24.50 USD a month", "60,000", "trial of pro", "A price never changes", "Apply as version 2"):
        assert words in seen.text
    applied = await apply(admin, seen, note="More for <b>everybody</b>")
    assert "Version 2" in applied.text
    assert "More for &lt;b&gt;everybody&lt;/b&gt;" in applied.text
    assert BOSS in applied.text
    async with runtime.transaction() as tx:
        plan = await catalog.get_plan(tx, "pro")
    price = plan.price(Interval.MONTH)
    assert price is not None
    assert price.money.amount == 2450
    assert plan.trial is not None

    back = await admin.get("/admin/catalogue/versions/1/restore")
    assert "Back to version 1" in back.text
    restored = await apply(admin, back)
    assert "going back to" in restored.text
    listed = await admin.get("/admin/catalogue/versions")
    assert listed.text.count("Version ") >= 3
    assert "Back to version 1" in listed.text
    async with runtime.transaction() as tx:
        price = (await catalog.get_plan(tx, "pro")).price(Interval.MONTH)
    assert price is not None
    assert price.money.amount == 2000


async def test_what_is_wrong_is_said_beside_the_fields(employ: Employ) -> None:
    admin = await employ(StaffRole.ADMIN)
    fields = inputs_of(await admin.get("/admin/catalogue/plans/pro"))
    wished = fields | {"name": "", "prices.month.usd": "cheap", "entitlements.prompts.limit": "many"}
    answer = await admin.client.post("/admin/catalogue/plans/pro", data=wished)
    assert answer.status_code == 422
    for words in ("Use an amount such as 20 or 19.99", "Use a whole number such as 50,000"):
        assert words in answer.text
    answer = await admin.client.post("/admin/catalogue/plans/pro", data=fields | {"name": ""})
    assert answer.status_code == 422
    assert 'id="name-note"' in answer.text
    fresh = inputs_of(await admin.get("/admin/catalogue/addons/new"))
    answer = await admin.client.post("/admin/catalogue/addons/new", data=fresh | {"key": "extra_prompts", "name": "X"})
    assert "Another one has this key" in answer.text


async def test_features_and_add_ons_have_forms_and_can_go(employ: Employ, runtime: Runtime) -> None:
    admin = await employ(StaffRole.ADMIN)
    fields = inputs_of(await admin.get("/admin/catalogue/features/new"))
    wished = fields | {"key": "exports", "name": "Exports", "kind": "metered", "unit": "export"}
    applied = await apply(admin, await admin.client.post("/admin/catalogue/features/new", data=wished))
    assert "feature exports" in applied.text
    fields = inputs_of(await admin.get("/admin/catalogue/addons/new"))
    prices = {"prices.month.usd": "3", "prices.year.usd": "30"}
    pack = {"key": "exports_pack", "name": "Exports pack", "plans.pro": "yes", "entitlements.exports": "100", **prices}
    applied = await apply(admin, await admin.client.post("/admin/catalogue/addons/new", data=fields | pack))
    assert "add-on exports_pack" in applied.text
    shown = await admin.get("/admin/catalogue/features/exports")
    sent = carried(shown, "csrf_token")
    gone = await admin.client.post("/admin/catalogue/addons/exports_pack/archive", data=sent)
    applied = await apply(admin, gone)
    assert "not sold any more" in applied.text
    async with runtime.transaction() as tx:
        catalogue = await catalog.load_catalogue(tx)
    assert catalogue.addons["exports_pack"].archived_at is not None
    assert catalogue.features["exports"].archived_at is None


async def test_the_file_is_looked_at_before_it_is_applied(employ: Employ) -> None:
    admin = await employ(StaffRole.ADMIN)
    shown = await admin.get("/admin/catalogue/file")
    token = carried(shown, "csrf_token", "base")
    wrong = await admin.client.post("/admin/catalogue/preview", data={**token, "source": "plans: {a: {nme: A}}"})
    assert wrong.status_code == 422
    assert "plans.a.nme" in wrong.text
    text = catalog.demo_catalogue().replace("name: Premium", "name: Best & more")
    seen = await admin.client.post("/admin/catalogue/preview", data={**token, "source": text})
    assert "Best &amp; more" in seen.text
    assert "# The demo catalogue" in source_of(seen)
    stale = {**carried(seen, "csrf_token"), "base": "7", "source": source_of(seen)}
    moved = await admin.client.post("/admin/catalogue/apply", data=stale)
    assert moved.status_code == 409
    assert "Somebody changed the catalogue meanwhile" in moved.text
    applied = await apply(admin, moved)
    assert "# The demo catalogue" in applied.text


async def test_support_looks_and_changes_nothing(employ: Employ) -> None:
    support = await employ(StaffRole.SUPPORT)
    assert "/admin/catalogue/plans/pro" not in (await support.get("/admin/catalogue")).text
    for path in ("/admin/catalogue/file", "/admin/catalogue/plans/pro", "/admin/catalogue/versions/1/restore"):
        assert (await support.get(path)).status_code == 403, path
    for path in ("subscriptions", "invoices", "payments", "refunds", "disputes", "dunning", "catalogue/versions/1"):
        assert (await support.get(f"/admin/{path}")).status_code == 200, path


async def test_money_is_found_and_given_back(employ: Employ, shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await shop.buy(browser)
    admin = await employ(StaffRole.ADMIN)
    listed = await admin.get("/admin/subscriptions?state=active&plan=pro")
    [subscription] = set(re.findall(r"/admin/subscriptions/[0-9a-f-]{36}", listed.text))
    assert "$20 a month" in listed.text
    assert "Nobody" not in (await admin.get(subscription)).text
    assert "None like this" in (await admin.get("/admin/subscriptions?state=paused")).text
    listed = await admin.get("/admin/invoices?state=paid")
    [invoice] = set(re.findall(r"/admin/invoices/[0-9a-f-]{36}", listed.text))
    called = re.search(r">(in_\w+)<", (await admin.get(invoice)).text)
    assert called is not None
    assert invoice in (await admin.get(f"/admin/search?q={called[1]}")).text
    assert "Give money back" in (await admin.get(invoice)).text
    assert (await admin.get(f"{invoice}/pdf")).headers["content-type"] == "application/pdf"
    assert invoice in (await admin.get("/admin/payments?state=succeeded")).text

    asking = await admin.get(f"{invoice}/refund")
    once = carried(asking, "csrf_token", "once")
    much = await admin.client.post(f"{invoice}/refund", data={**once, "amount": "5000", "reason": "duplicate"})
    assert much.status_code == 422
    assert "is left" in much.text
    wish = {**once, "amount": "5.00", "reason": "requested_by_customer", "note": "<i>sorry</i>"}
    for _ in range(2):  # a form that is sent twice gives back once
        assert (await admin.client.post(f"{invoice}/refund", data=wish)).status_code == 303
    assert "$5.00 is on its way back." in (await admin.get(invoice)).text
    refunds = await admin.get("/admin/refunds")
    assert refunds.text.count("-$5.00") == 1
    assert "&lt;i&gt;sorry&lt;/i&gt;" in refunds.text
    wish = {**carried(await admin.get(f"{invoice}/credit"), "csrf_token", "once"), "amount": "2", "to": "balance"}
    assert (await admin.client.post(f"{invoice}/credit", data=wish)).status_code == 303
    assert "Credit notes" in (await admin.get(invoice)).text


async def test_what_is_owed_is_retried_given_time_and_given_up(
    employ: Employ, shop: Shop, browser: Browser, runtime: Runtime
) -> None:
    await browser.sign_up("ada@example.com")
    customer = await shop.buy(browser)
    await shop.fail_to_pay(customer, "pm_card_chargeCustomerFail")
    admin = await employ(StaffRole.ADMIN)
    board = await admin.get("/admin/dunning")
    assert "In grace" in board.text
    [case] = set(re.findall(r"/admin/dunning/[0-9a-f-]{36}", board.text))
    assert (await admin.send("/admin/dunning", f"{case}/retry")).status_code == 303
    assert "Not collected" in (await admin.get("/admin/dunning")).text

    async with runtime.transaction(of_all=True) as tx:
        [whole, *_], [part, *_] = await board_of(tx, limit=1), await board_of(tx, limit=0)
        sums = await total(tx)
    assert (whole.has_more, part.has_more) == (False, True)
    assert counted(part, sums).count == counted(whole, ()).count == 1
    assert counted(part, sums).totals == counted(whole, ()).totals == [each.amount for each in whole.cases]

    none = await admin.send(f"{case}/extend", f"{case}/extend", days="900")
    assert none.status_code == 422
    assert (await admin.send(f"{case}/extend", f"{case}/extend", days="7")).status_code == 303
    assert "7 days later" in (await admin.get("/admin/dunning")).text
    async with runtime.transaction() as tx:
        found = (await tx.connection.exec_driver_sql("select * from dunning_cases")).mappings().one()
    assert found["postponed_days"] == 7
    assert (found["next_at"] - found["since"]).days >= 7

    assert (await admin.send(f"{case}/give-up", f"{case}/give-up")).status_code == 303
    board = await admin.get("/admin/dunning")
    assert "The subscription has ended." in board.text
    assert "Retry now" not in board.text
    assert (await admin.get(f"{case}/give-up")).status_code == 409


async def test_what_was_owed_is_collected_with_another_card(employ: Employ, shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    customer = await shop.buy(browser)
    await shop.fail_to_pay(customer, "pm_card_chargeCustomerFail")
    card = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=customer)
    found = (await shop.api("GET", f"subscriptions?customer={customer}"))["data"]
    assert isinstance(found, list)
    await shop.api("POST", f"subscriptions/{found[0]['id']}", default_payment_method=str(card["id"]))
    admin = await employ(StaffRole.ADMIN)
    [case] = set(re.findall(r"/admin/dunning/[0-9a-f-]{36}", (await admin.get("/admin/dunning")).text))
    assert (await admin.send("/admin/dunning", f"{case}/retry")).status_code == 303
    board = await admin.get("/admin/dunning")
    assert "Paid. The customer can use the plan." in board.text
    assert "Retry now" not in board.text


async def test_a_dispute_is_answered_once(employ: Employ, shop: Shop, browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    customer = await shop.buy(browser)
    method = await shop.api("POST", "payment_methods/pm_card_createDispute/attach", customer=customer)
    wish = {"amount": "2000", "currency": "usd", "customer": customer, "payment_method": str(method["id"])}
    await shop.api("POST", "payment_intents", **wish, confirm="true", off_session="true")
    await shop.told()
    admin = await employ(StaffRole.ADMIN)
    listed = await admin.get("/admin/disputes?state=waiting")
    [dispute] = set(re.findall(r"/admin/disputes/[0-9a-f-]{36}", listed.text))
    called = re.search(r"\bd[pu]_\w{6,}", (await admin.get(dispute)).text)
    assert called is not None
    assert dispute in (await admin.get(f"/admin/search?q={called[0]}")).text
    long = await admin.send(dispute, dispute, customer_name="x" * 201, act="save")
    assert long.status_code == 422
    assert "At most 200 characters" in long.text
    kept = await admin.send(dispute, dispute, uncategorized_text="<b>They</b> used it", usage_log="yes", act="save")
    assert kept.status_code == 303
    page = await admin.get(dispute)
    assert "&lt;b&gt;They&lt;/b&gt; used it" in page.text
    assert "No use in the 180 days before" in page.text
    assert (await admin.send(dispute, dispute, customer_name="Ada", act="submit")).status_code == 303
    page = await admin.get(dispute)
    assert "With the bank" in page.text
    assert "Send all of it" not in page.text
    assert (await admin.send(dispute, f"{dispute}/release")).status_code == 303
    again = await admin.send(dispute, dispute, customer_name="Eve", act="submit")
    assert again.status_code in {409, 422}
