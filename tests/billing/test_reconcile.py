"""Comparing the mirror with the provider, mending it, going on where it was stopped; taking an account over."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tollkeeper import billing, orgs
from tollkeeper.billing.provider import ProviderLists, StripeLists, StripeProvider
from tollkeeper.billing.reconcile.store import load_progress
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id
from tollkeeper.orgs import Organization

from .shop import KEY, Shop, TwinProcess

DISPUTES_AT_ONCE = "4000000000000259"
pytestmark = pytest.mark.usefixtures("lists")


@pytest.fixture
async def lists(shop: Shop, own_twin: TwinProcess) -> AsyncIterator[StripeLists]:
    """An account that holds nothing but what this test puts there."""
    await shop.provider.close()
    shop.twin = own_twin
    shop.provider = StripeProvider(KEY, api_base=own_twin.url)
    shop.runtime.parts[billing.PaymentProvider] = shop.provider
    made = shop.runtime.parts[ProviderLists] = StripeLists(KEY, api_base=own_twin.url)
    yield made
    await made.close()
    await shop.provider.close()


@pytest.fixture
def own_twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    process = TwinProcess(tmp_path_factory.mktemp("account"))
    yield process
    process.stop()


async def differences(runtime: Runtime, *, fix: bool = False) -> list[billing.Difference]:
    return [each async for page in billing.reconcile(runtime, fix=fix) for each in page.differences]


async def change_rows(runtime: Runtime, statement: str) -> None:
    async with runtime.transaction() as tx:
        await (await tx.raw()).execute(statement)


async def test_a_mirror_that_heard_everything_does_not_differ(shop: Shop) -> None:
    await shop.told(await shop.buy(await shop.organization()))
    assert await differences(shop.runtime) == []
    assert await differences(shop.runtime, fix=True) == []


async def test_everything_that_was_missed_is_named_and_mended(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.buy(ada)
    found = await differences(shop.runtime)
    assert {"subscription", "invoice"} <= {each.kind for each in found}
    assert (await shop.status(ada)).plan == "free", "comparing changes nothing"
    assert len(await differences(shop.runtime, fix=True)) > 0
    assert (await shop.status(ada)).plan == "pro"
    assert await differences(shop.runtime) == []


async def test_a_field_that_differs_is_shown_with_both_values(shop: Shop) -> None:
    await shop.told(await shop.buy(await shop.organization()))
    await change_rows(shop.runtime, "update subscriptions set status = 'past_due', quantity = 7")
    await change_rows(shop.runtime, "update invoices set total = total + 1")
    await change_rows(shop.runtime, "update billing_customers set email = 'other@example.com'")
    shown = {each.kind: each for each in await differences(shop.runtime)}
    assert shown["subscription"].ours == {"status": "past_due", "quantity": 7}
    assert shown["subscription"].theirs == {"status": "active", "quantity": 1}
    assert "total: 2001 -> 2000" in str(shown["invoice"])
    assert set(shown["customer"].theirs or {}) == {"email"}
    await differences(shop.runtime, fix=True)
    assert await differences(shop.runtime) == []


async def test_what_only_we_believe_in_is_dropped_or_ended(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.told(await shop.buy(ada))
    await change_rows(shop.runtime, "update subscriptions set provider_id = 'sub_gone'")
    await change_rows(shop.runtime, "update invoices set provider_id = 'in_gone'")
    lost = {(each.kind, each.provider_id) for each in await differences(shop.runtime) if each.theirs is None}
    assert lost == {("subscription", "sub_gone"), ("invoice", "in_gone")}
    await differences(shop.runtime, fix=True)
    assert await differences(shop.runtime) == []
    assert (await shop.status(ada)).plan == "pro"


async def test_a_run_that_was_stopped_goes_on(shop: Shop) -> None:
    await shop.buy(await shop.organization())
    run = billing.reconcile(shop.runtime, fix=True)
    first = await anext(run)
    await run.aclose()  # type: ignore[attr-defined]
    async with shop.runtime.transaction() as tx:
        kept = await load_progress(tx, shop.provider.account, "fix")
    assert kept is not None
    assert (first.progress.stage, kept.stage) == ("customers", "subscriptions")
    stages = [page.progress.stage async for page in billing.reconcile(shop.runtime, fix=True)]
    assert stages[0] == "subscriptions"
    async with shop.runtime.transaction() as tx:
        assert await load_progress(tx, shop.provider.account, "fix") is None


async def test_customers_of_somebody_else_are_passed_over(shop: Shop) -> None:
    await shop.api("POST", "customers", name="Not ours")
    stranger = str(new_id())
    await shop.api("POST", "customers", name="Of another shop", **{"metadata[organization_id]": stranger})
    await differences(shop.runtime, fix=True)
    async with shop.runtime.transaction() as tx:
        assert await orgs.find_organization(tx, stranger) is None


async def test_an_account_is_taken_over_once(shop: Shop) -> None:
    product = await shop.api("POST", "products", name="Old plan")
    price = {"product": product["id"], "currency": "usd", "recurring[interval]": "month"}
    same = await shop.api("POST", "prices", unit_amount="2000", **price)
    other = await shop.api("POST", "prices", unit_amount="1234", **price)
    for number, sold in enumerate((same, other)):
        customer = await shop.api("POST", "customers", name=f"Old customer {number}", email=f"{number}@example.com")
        card = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=customer["id"])
        wish = {"items[0][price]": sold["id"], "default_payment_method": card["id"]}
        await shop.api("POST", "subscriptions", customer=customer["id"], **wish)
    done = [each async for each in billing.import_account(shop.runtime)][-1]
    assert (done.prices, done.organizations, done.customers, done.unmatched) == (1, 2, 2, [other["id"]])
    await differences(shop.runtime, fix=True)
    plans = []
    for customer in (await shop.api("GET", "customers"))["data"]:
        async with shop.runtime.transaction() as tx:
            found = await orgs.find_organization(tx, customer["id"])
        assert found is not None
        assert found.name == customer["name"]
        plans.append((await shop.status(found)).plan)
    assert sorted(plans) == ["free", "pro"]
    again = [each async for each in billing.import_account(shop.runtime)][-1]
    assert (again.prices, again.organizations, again.customers) == (0, 0, 0)
    assert await differences(shop.runtime) == []


async def give_back_and_dispute(shop: Shop) -> tuple[Organization, Organization]:
    """Ada gets a part back with a credit note, and is to have another plan later, with a code; Eve's bank takes all
    back.

    We hear of the plans and the invoices only.
    """
    ada, eve = await shop.organization("Ada"), await shop.organization("Eve")
    await shop.told(await shop.buy(ada, plan="premium"))
    opened = await shop.checkout(eve)
    assert (await shop.pay(opened.url, DISPUTES_AT_ONCE)).status_code == 303
    for body in await shop.events(await shop.customer_id(eve)):
        if b'"charge.' not in body:
            await shop.process(body)
    async with shop.runtime.transaction() as tx:
        later = billing.Change(plan="pro", promotion_code="LAUNCH20")
        await billing.change_plan(tx, ada.id, later, idempotency_key=f"later {ada.id}")
    [invoice] = (await shop.api("GET", "invoices", customer=await shop.customer_id(ada)))["data"]
    await shop.api("POST", "credit_notes", invoice=invoice["id"], amount="500", refund_amount="500")
    return ada, eve


async def test_money_that_went_back_unheard_is_named_and_mended(shop: Shop) -> None:
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"disputes": "open:restrict"})
    _, eve = await give_back_and_dispute(shop)
    found = await differences(shop.runtime)
    missing = {each.kind for each in found if each.ours is None}
    assert missing == {"credit note", "refund", "payment"}, "with the payment its dispute will come"
    assert "amount_refunded: 0 -> 500" in str(next(each for each in found if each.kind == "payment" and each.ours))
    assert (await shop.status(eve)).plan == "pro", "comparing changes nothing"
    await differences(shop.runtime, fix=True)
    assert await differences(shop.runtime) == []
    assert (await shop.status(eve)).plan == "free", "an open dispute withholds the plan, whoever learns of it"


PLANTED = {
    "update payments set amount_refunded = 7 where amount_refunded = 500": "amount_refunded: 7 -> 500",
    "update payments set status = 'failed', failure_code = 'x' where not disputed": "status: 'failed' -> 'succeeded'",
    "update payments set method = null where disputed": "method: None -> {",
    "update refunds set status = 'failed'": "status: 'failed' -> 'succeeded'",
    "update refunds set amount = amount - 1": "amount: 499 -> 500",
    "update disputes set status = 'won'": "status: 'won' -> 'needs_response'",
    "update disputes set withdrawn = 0, fee = 0": "withdrawn: 0 -> 2000",
    "update credit_notes set total = 1, status = 'void'": "status: 'void' -> 'issued', total: 1 -> 500",
    "update credit_notes set lines = '[]'": "lines: [] -> [{",
    "update subscriptions set pending_at = null where pending_at is not null": "pending_at: None -> '",
    "update subscriptions set pending_code_id = null": "pending_code_id: None -> '",
    "update subscriptions set pause_behavior = 'void' where pending_at is null": "pause_behavior: 'void' -> None",
    "delete from refunds": "not in the mirror",
    "delete from disputes": "not in the mirror",
    "delete from credit_notes": "not in the mirror",
    "delete from refunds; delete from disputes; delete from payments": "not in the mirror",
}
GONE = {
    "update refunds set provider_id = 're_gone'": "refund re_gone",
    "update disputes set provider_id = 'dp_gone'": "dispute dp_gone",
    "update credit_notes set provider_id = 'cn_gone'": "credit note cn_gone",
    "update payments set provider_id = 'ch_gone' where disputed": "payment ch_gone",
}


async def test_every_kind_of_difference_is_named_and_mended(shop: Shop) -> None:
    await give_back_and_dispute(shop)
    await differences(shop.runtime, fix=True)
    for statement, words in PLANTED.items():
        await change_rows(shop.runtime, statement)
        found = await differences(shop.runtime)
        assert found, statement
        assert all(words in str(each) for each in found), (statement, *map(str, found))
        await differences(shop.runtime, fix=True)
        assert await differences(shop.runtime) == [], statement


async def test_what_only_we_say_was_paid_or_given_back_is_dropped(shop: Shop) -> None:
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"disputes": "open:restrict"})
    _, eve = await give_back_and_dispute(shop)
    await differences(shop.runtime, fix=True)
    for statement, words in GONE.items():
        await change_rows(shop.runtime, statement)
        lost = [str(each) for each in await differences(shop.runtime) if each.theirs is None]
        assert f"{words}  not at the provider" in lost, statement
        await differences(shop.runtime, fix=True)
        assert await differences(shop.runtime) == [], statement
        assert (await shop.status(eve)).plan == "free"


async def test_what_a_stranger_paid_is_passed_over(shop: Shop) -> None:
    customer = await shop.api("POST", "customers", name="Not ours", payment_method="pm_card_visa")
    paying = {"amount": "900", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    for payer in ({"customer": customer["id"]}, {}):
        payment = await shop.api("POST", "payment_intents", **paying, **payer)
        await shop.api("POST", "refunds", payment_intent=payment["id"], amount="100")
    assert await differences(shop.runtime, fix=True) == []
