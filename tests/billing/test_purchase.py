"""Buying: one customer, one open page, one subscription, whatever is clicked."""

import asyncio
from datetime import timedelta

import pytest

from tollkeeper import billing, catalog
from tollkeeper.billing import AlreadySubscribedError, NoCustomerError, PlanNotPurchasableError
from tollkeeper.catalog import PlanNotFoundError
from tollkeeper.kit import new_id
from tollkeeper.orgs import Organization

from .shop import SITE, Shop


async def live_subscriptions(shop: Shop, organization: Organization) -> list[str]:
    customer = await shop.customer_id(organization)
    listed = await shop.api("GET", "subscriptions", customer=customer, status="all")
    return [each["status"] for each in listed["data"]]


async def test_a_purchase_ends_with_the_plan(shop: Shop) -> None:
    ada = await shop.organization()
    free = await shop.status(ada)
    assert (free.plan, free.status, free.subscription) == ("free", "active", None)
    assert free.current_period_start == ada.created_at
    customer = await shop.buy(ada)
    await shop.told(customer)
    bought = await shop.status(ada)
    assert (bought.plan, bought.status, bought.cancel_at_period_end) == ("pro", "active", False)
    assert bought.current_period_start is not None
    assert bought.current_period_end is not None
    assert timedelta(days=28) <= bought.current_period_end - bought.current_period_start <= timedelta(days=31)
    assert [(each.organization_id, each.plan) for each in shop.heard] == [(ada.id, "pro")]
    assert shop.heard[0].period_end == bought.current_period_end


async def test_the_billing_page_has_what_it_needs(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.told(await shop.buy(ada, interval="year"))
    async with shop.runtime.transaction() as tx:
        overview = await billing.overview(tx, ada.id, created_at=ada.created_at)
        invoices = (await billing.list_invoices(tx, ada.id)).data
        invoice = await billing.get_invoice(tx, ada.id, invoices[0].id)
        steps = await billing.history(tx, overview.status.subscription.id if overview.status.subscription else new_id())
    assert overview.plan_name == "Pro"
    assert overview.next_invoice is not None
    assert str(overview.next_invoice.amount) == "200.00 USD"
    assert overview.customer is not None
    assert overview.status.subscription is not None
    method = overview.status.subscription.payment_method
    assert method is not None
    assert (method.brand, method.last4) == ("visa", "4242")
    assert len(invoices) == 1
    assert (invoice.status, str(invoice.total), str(invoice.amount_paid)) == ("paid", "200.00 USD", "200.00 USD")
    assert [line.amount for line in invoice.lines] == [20000]
    assert [(step.from_status, step.to_status, step.to_plan) for step in steps] == [(None, "active", "pro")]


async def test_invoices_come_in_pages_and_only_to_their_owner(shop: Shop) -> None:
    ada, eve = await shop.organization(), await shop.organization("Eve")
    await shop.told(await shop.buy(ada))
    async with shop.runtime.transaction() as tx:
        await billing.change_plan(tx, ada.id, billing.Change("premium"), idempotency_key=f"t-{new_id()}")
    async with shop.runtime.transaction() as tx:
        first = await billing.list_invoices(tx, ada.id, limit=1)
        second = await billing.list_invoices(tx, ada.id, limit=1, cursor=first.next_cursor)
        assert (await billing.list_invoices(tx, eve.id)).data == []
        with pytest.raises(billing.InvoiceNotFoundError):
            await billing.get_invoice(tx, eve.id, first.data[0].id)
    assert first.next_cursor is not None
    assert second.next_cursor is None
    assert {first.data[0].id, second.data[0].id} == {each.id for each in [*first.data, *second.data]}
    assert first.data[0].id != second.data[0].id


async def test_asking_twice_gives_the_same_page(shop: Shop) -> None:
    ada = await shop.organization()
    pages = await asyncio.gather(*(shop.checkout(ada) for _ in range(4)))
    assert len({page.session_id for page in pages}) == 1


async def test_asking_for_something_else_closes_the_page_before(shop: Shop) -> None:
    ada = await shop.organization()
    first = await shop.checkout(ada, "pro")
    second = await shop.checkout(ada, "premium")
    assert first.session_id != second.session_id
    assert (await shop.api("GET", f"checkout/sessions/{first.session_id}"))["status"] == "expired"
    assert (await shop.pay(first.url)).status_code == 410
    assert (await shop.pay(second.url)).status_code == 303
    assert await live_subscriptions(shop, ada) == ["active"]


async def test_many_tabs_end_in_one_subscription(shop: Shop) -> None:
    ada = await shop.organization()
    wishes = [("pro", "month"), ("premium", "month"), ("pro", "year"), ("premium", "year")]
    pages = await asyncio.gather(*(shop.checkout(ada, plan, interval=each) for plan, each in wishes))
    answers = await asyncio.gather(*(shop.pay(page.url) for page in pages))
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410]
    assert await live_subscriptions(shop, ada) == ["active"]


async def test_who_has_a_subscription_is_not_sold_a_second_one(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.buy(ada)
    # No event has come in yet: the provider itself is asked.
    with pytest.raises(AlreadySubscribedError):
        await shop.checkout(ada, "premium")
    async with shop.runtime.transaction() as tx:
        assert (await billing.status(tx, ada.id, created_at=ada.created_at)).plan == "free"


async def test_paying_while_another_page_is_asked_for(shop: Shop) -> None:
    ada = await shop.organization()
    first = await shop.checkout(ada, "pro")
    paid, second = await asyncio.gather(shop.pay(first.url), shop.checkout(ada, "premium"), return_exceptions=True)
    assert not isinstance(paid, BaseException)
    if isinstance(second, BaseException):
        assert isinstance(second, AlreadySubscribedError)
        assert paid.status_code == 303
    else:
        assert paid.status_code == 410
        assert (await shop.pay(second.url)).status_code == 303
    assert await live_subscriptions(shop, ada) == ["active"]


async def test_an_organization_has_one_customer(shop: Shop) -> None:
    ada = await shop.organization()
    for plan in ("pro", "premium"):
        await shop.checkout(ada, plan)
    listed = await shop.api("GET", "customers", limit="100")
    ours = [each for each in listed["data"] if each["metadata"].get("organization_id") == str(ada.id)]
    assert [each["id"] for each in ours] == [await shop.customer_id(ada)]


async def test_a_customer_the_provider_lost_is_made_anew(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.checkout(ada)
    old = await shop.customer_id(ada)
    await shop.api("DELETE", f"customers/{old}")
    await shop.buy(ada)
    assert await shop.customer_id(ada) != old


async def test_after_the_end_a_plan_can_be_bought_again(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.told(await shop.buy(ada))
    async with shop.runtime.transaction() as tx:
        await billing.cancel(tx, ada.id, billing.CancelAt.NOW)
    assert (await shop.status(ada)).plan == "free"
    await shop.told(await shop.buy(ada, "premium"))
    assert (await shop.status(ada)).plan == "premium"
    assert [each.plan for each in shop.heard] == ["pro", None, "premium"]


@pytest.mark.parametrize("card", ["4000000000000002", "4000000000009995"])
async def test_a_declined_card_changes_nothing(shop: Shop, card: str) -> None:
    ada = await shop.organization()
    page = await shop.checkout(ada)
    assert (await shop.pay(page.url, card)).status_code == 402
    await shop.told(await shop.customer_id(ada))
    assert (await shop.status(ada)).plan == "free"
    assert shop.heard == []
    assert (await shop.pay(page.url)).status_code == 303


@pytest.mark.parametrize(
    ("wish", "refusal", "code"),
    [
        ({"plan": "gold"}, PlanNotFoundError, "plan_not_found"),
        ({"plan": ""}, PlanNotFoundError, "plan_not_found"),
        ({"plan": "free"}, PlanNotPurchasableError, "plan_not_purchasable"),
        ({"plan": "enterprise"}, PlanNotPurchasableError, "plan_not_purchasable"),
        ({"price_id": "price_unknown"}, PlanNotFoundError, "plan_not_found"),
        ({"price_id": "01900000-0000-7000-8000-000000000001"}, PlanNotFoundError, "plan_not_found"),
    ],
)
async def test_what_is_not_for_sale_is_refused(
    shop: Shop, wish: dict[str, str], refusal: type[Exception], code: str
) -> None:
    ada = await shop.organization()
    with pytest.raises(refusal) as caught:
        await shop.checkout(ada, **{"plan": "pro", **wish})
    assert getattr(caught.value, "code", None) == code
    async with shop.runtime.transaction() as tx:
        with pytest.raises(NoCustomerError):
            await billing.open_portal(tx, ada.id, return_url=f"{SITE}/billing")


async def test_an_archived_plan_is_not_sold_but_kept(shop: Shop) -> None:
    ada, bob = await shop.organization(), await shop.organization("Bob")
    await shop.told(await shop.buy(ada))
    text = catalog.demo_catalogue().split("\naddons:\n", maxsplit=1)[0]
    start, end = text.index("  pro:\n"), text.index("  premium:\n")
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text[:start] + text[end:]))
    with pytest.raises(PlanNotPurchasableError):
        await shop.checkout(bob)
    assert (await shop.status(ada)).plan == "pro"


async def test_a_price_is_bought_by_its_id(shop: Shop) -> None:
    ada, bob = await shop.organization(), await shop.organization("Bob")
    async with shop.runtime.transaction() as tx:
        yearly = (await catalog.get_plan(tx, "premium")).prices[1]
    page = await shop.checkout(ada, None, price_id=str(yearly.id))  # type: ignore[arg-type]
    items = await shop.api("GET", f"checkout/sessions/{page.session_id}/line_items")
    assert items["data"][0]["amount_total"] == 50000
    theirs = items["data"][0]["price"]["id"]
    again = await shop.checkout(bob, "premium", price_id=theirs)
    items = await shop.api("GET", f"checkout/sessions/{again.session_id}/line_items")
    assert items["data"][0]["price"]["id"] == theirs
    with pytest.raises(PlanNotFoundError):
        await shop.checkout(bob, "pro", price_id=theirs)


async def test_the_portal_opens_for_who_bought(shop: Shop) -> None:
    ada = await shop.organization()
    await shop.buy(ada)
    async with shop.runtime.transaction() as tx:
        assert (await billing.open_portal(tx, ada.id, return_url=f"{SITE}/billing")).startswith(shop.twin.url)
