"""Add-ons: bought with a plan or later, more at once, fewer at the period's end, going along with what changes."""

import asyncio
from typing import Any

import httpx
import pytest

from tollkeeper import billing, catalog
from tollkeeper.billing.provider import ProviderLists, StripeLists, SubscriptionState
from tollkeeper.billing.provider import stripe_read as read
from tollkeeper.billing.reconcile import reconcile
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Role
from tollkeeper.orgs import Organization

from .shop import KEY, Shop

PACK, HELP = "extra_prompts", "priority_help"
ADDONS = "/api/subscription/addons"


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    return made


@pytest.fixture
async def on_pro(shop: Shop, ada: Organization) -> Organization:
    await shop.told(await shop.buy(ada))
    return ada


async def have(client: httpx.AsyncClient, addon: str, quantity: int, **more: Any) -> dict[str, dict[str, Any]]:
    answer = await client.post(ADDONS, json={"addon": addon, "quantity": quantity, **more})
    assert answer.status_code == 200, answer.text
    return {each["addon"]: each for each in answer.json()["data"]}


async def status_of(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/api/subscription/status")).json()
    return found


async def items_at_provider(shop: Shop, organization: Organization) -> dict[int, int]:
    """Return how many of what the provider's subscription has, by the amount of a unit."""
    listed = await shop.api("GET", "subscriptions", customer=await shop.customer_id(organization))
    items = listed["data"][0]["items"]["data"]
    return {each["price"]["unit_amount"]: each["quantity"] for each in items}


def shown(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["amount"]["amount"], line["quantity"], line["proration"]


async def newest(client: httpx.AsyncClient) -> dict[str, Any]:
    listed = (await client.get("/api/billing/invoices?limit=1")).json()["data"]
    found: dict[str, Any] = (await client.get(f"/api/billing/invoices/{listed[0]['id']}")).json()
    return found


async def test_it_is_bought_together_with_a_plan(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    body = {"plan": "pro", "interval": "year", "addons": [{"addon": PACK, "quantity": 3}, {"addon": HELP}]}
    page = (await client.post("/api/stripe/create-checkout", json=body)).json()
    assert (await client.post("/api/stripe/create-checkout", json=body)).json() == page, "the same wish, the same page"
    other = (await client.post("/api/stripe/create-checkout", json={**body, "addons": []})).json()
    assert other["session_id"] != page["session_id"]
    page = (await client.post("/api/stripe/create-checkout", json=body)).json()
    assert (await shop.pay(page["url"])).status_code == 303
    await shop.told(await shop.customer_id(ada))
    assert (await newest(client))["amount_paid"]["amount"] == 20000 + 3 * 5000 + 9000
    assert (await status_of(client))["addons"] == {PACK: 3, HELP: 1}
    assert shop.heard[-1].addons == {PACK: 3, HELP: 1}
    overview = (await client.get("/api/billing/overview")).json()
    assert overview["next_invoice"]["amount"]["amount"] == 20000 + 3 * 5000 + 9000


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("addons", "code"),
    [
        ([{"addon": "magic"}], "addon_not_found"),
        ([{"addon": HELP}], "addon_not_available"),
        ([{"addon": PACK, "quantity": 51}], "invalid_input"),
        ([{"addon": PACK}, {"addon": PACK}], "invalid_input"),
    ],
)
async def test_what_cannot_be_bought_with_a_plan_is_not(client: httpx.AsyncClient, addons: Any, code: str) -> None:
    answer = await client.post("/api/stripe/create-checkout", json={"plan": "premium", "addons": addons})
    assert answer.json()["code"] == code


@pytest.mark.usefixtures("on_pro")
async def test_the_preview_is_the_invoice_to_the_cent(client: httpx.AsyncClient) -> None:
    for quantity in (2, 5):
        body = {"addon": PACK, "quantity": quantity}
        preview = (await client.post(f"{ADDONS}/preview", json=body)).json()
        assert preview["at"] == "now"
        assert preview["due_now"]["amount"] > 0
        await asyncio.sleep(1.1)  # so that a change counted from its own second would cost something else
        held = await have(client, PACK, quantity, as_of=preview["as_of"])
        assert (held[PACK]["quantity"], held[PACK]["pending_quantity"]) == (quantity, None)
        invoice = await newest(client)
        assert invoice["amount_paid"] == invoice["total"] == preview["due_now"]
        assert sorted(map(shown, invoice["lines"])) == sorted(map(shown, preview["lines"]))


async def test_fewer_come_when_the_period_ends_and_can_be_taken_back(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    await have(client, PACK, 4)
    await have(client, HELP, 1)
    before = await newest(client)
    preview = (await client.post(f"{ADDONS}/preview", json={"addon": PACK, "quantity": 1})).json()
    assert (preview["at"], preview["due_now"]["amount"], preview["lines"]) == ("period_end", 0, [])
    held = await have(client, PACK, 1)
    status = await status_of(client)
    assert (held[PACK]["quantity"], held[PACK]["pending_quantity"]) == (4, 1)
    assert held[PACK]["pending_at"] == preview["effective_at"] == status["current_period_end"]
    assert held[HELP]["pending_quantity"] is None
    assert status["addons"] == {PACK: 4, HELP: 1}
    assert status["pending_change"]["addons"] == {PACK: 1, HELP: 1}
    assert status["pending_change"]["plan"] == "pro"
    held = await have(client, HELP, 0)
    assert (held[PACK]["pending_quantity"], held[HELP]["pending_quantity"]) == (1, 0), "one waits beside the other"
    overview = (await client.get("/api/billing/overview")).json()
    assert overview["next_invoice"]["amount"]["amount"] == 2000 + 500
    held = await have(client, PACK, 6)
    assert (held[PACK]["quantity"], held[PACK]["pending_quantity"], held[HELP]["pending_quantity"]) == (6, None, 0)
    held = await have(client, HELP, 1)
    assert (held[HELP]["quantity"], held[HELP]["pending_quantity"]) == (1, None)
    assert (await status_of(client))["pending_change"] is None
    assert (await newest(client))["id"] != before["id"]
    assert await items_at_provider(shop, on_pro) == {2000: 1, 500: 6, 900: 1}


@pytest.mark.usefixtures("on_pro")
async def test_what_cannot_be_had_is_refused(shop: Shop, client: httpx.AsyncClient) -> None:
    async def refused(**body: Any) -> str:
        answer = await client.post(ADDONS, json={"addon": PACK, "quantity": 1, **body})
        found: str = answer.json()["code"]
        return found

    assert await refused(addon="magic") == "addon_not_found"
    assert await refused(quantity=51) == "invalid_input"
    assert await refused(quantity=-1) == "invalid_input"
    await have(client, PACK, 2)
    await client.post("/api/subscription/cancel", json={})
    assert await refused(quantity=1) == "addon_not_available"
    text = catalog.demo_catalogue().split("\naddons:\n", maxsplit=1)[0]
    async with shop.runtime.transaction() as tx:
        await catalog.apply(tx, catalog.read_catalogue_file(text))
    assert await refused(quantity=3) == "addon_not_available"
    assert [each["addon"] for each in (await client.get(ADDONS)).json()["data"]] == [PACK], "those who have it keep it"


async def test_a_declined_card_changes_nothing_and_what_was_to_come_stays(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    await have(client, PACK, 3)
    await have(client, PACK, 2)
    customer = await shop.customer_id(on_pro)
    bad = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", default_payment_method=bad["id"])
    refused = await client.post(ADDONS, json={"addon": HELP, "quantity": 1})
    assert refused.json()["code"] == "payment_failed"
    await shop.told(customer)
    held = {each["addon"]: each for each in (await client.get(ADDONS)).json()["data"]}
    assert (held[PACK]["quantity"], held[PACK]["pending_quantity"], held[HELP]["quantity"]) == (3, 2, 0)


async def test_another_interval_takes_the_add_ons_along(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    await have(client, PACK, 3)
    await have(client, PACK, 2)
    preview = (await client.post("/api/subscription/preview", json={"interval": "year"})).json()
    await client.post("/api/subscription/change", json={"interval": "year", "as_of": preview["as_of"]})
    invoice = await newest(client)
    assert invoice["total"] == preview["due_now"]
    assert sorted(map(shown, invoice["lines"])) == sorted(map(shown, preview["lines"]))
    assert [line["amount"]["amount"] for line in invoice["lines"] if not line["proration"]].count(10000) == 1
    assert await items_at_provider(shop, on_pro) == {20000: 1, 5000: 2}
    status = await status_of(client)
    assert (status["addons"], status["pending_change"]) == ({PACK: 2}, None)


async def test_a_plan_it_does_not_go_with_drops_it_and_credits_it(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    await have(client, PACK, 2)
    await have(client, HELP, 1)
    preview = (await client.post("/api/subscription/preview", json={"plan": "premium"})).json()
    credited = sorted(line["amount"]["amount"] for line in preview["lines"] if line["amount"]["amount"] < 0)
    assert len(credited) == 2
    assert -2000 <= credited[0] < -1900
    assert -900 <= credited[1] < -850, "priority help does not go with premium"
    await client.post("/api/subscription/change", json={"plan": "premium", "as_of": preview["as_of"]})
    assert (await newest(client))["total"] == preview["due_now"]
    assert (await status_of(client))["addons"] == {PACK: 2}
    assert await items_at_provider(shop, on_pro) == {5000: 1, 500: 2}
    status = (await client.post("/api/subscription/change", json={"plan": "pro"})).json()
    assert status["pending_change"]["addons"] == {PACK: 2}, "what goes with both plans stays beside the lower one, too"


async def test_what_happened_at_the_provider_alone_is_mirrored_and_strange_items_are_tolerated(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    await have(client, PACK, 1)
    customer = await shop.customer_id(on_pro)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    pack = next(each for each in subscription["items"]["data"] if each["price"]["unit_amount"] == 500)
    product = await shop.api("POST", "products", name="Consulting")
    strange = await shop.api(
        "POST",
        "prices",
        product=product["id"],
        currency="usd",
        unit_amount="7700",
        **{"recurring[interval]": "month"},
    )
    await shop.api("POST", f"subscription_items/{pack['id']}", quantity="7")
    await shop.api("POST", "subscription_items", subscription=subscription["id"], price=strange["id"])
    await shop.told(customer)
    status = await status_of(client)
    assert (status["plan"], status["addons"]) == ("pro", {PACK: 7})
    assert shop.heard[-1].addons == {PACK: 7}
    await have(client, PACK, 8)
    await client.post("/api/subscription/change", json={"plan": "premium"})
    assert await items_at_provider(shop, on_pro) == {5000: 1, 500: 8, 7700: 1}, "nobody's item is lost"
    async with shop.runtime.transaction() as tx:
        steps = await billing.history(tx, (await shop.status(on_pro)).subscription.id)  # type: ignore[union-attr]
    assert [step.addons for step in steps][-3:] == [{PACK: 7}, {PACK: 8}, {PACK: 8}]


async def test_a_history_in_any_order_ends_in_the_same(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    for quantity in (1, 3, 2):
        await have(client, PACK, quantity)
    customer = await shop.customer_id(on_pro)
    told = await shop.events(customer)
    for order in (told[::-1], told[1::2] + told[::2]):
        for body in order:
            await shop.process(body)
        held = {each["addon"]: each for each in (await client.get(ADDONS)).json()["data"]}
        assert (held[PACK]["quantity"], held[PACK]["pending_quantity"]) == (3, 2)


async def test_comparing_finds_and_mends_what_the_mirror_has_wrong(
    shop: Shop, on_pro: Organization, client: httpx.AsyncClient
) -> None:
    await have(client, PACK, 3)
    lists = shop.runtime.parts[ProviderLists] = StripeLists(KEY, api_base=shop.twin.url)
    async with shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("update subscription_addons set quantity = 1")
    customer = await shop.customer_id(on_pro)

    async def differing(*, fix: bool) -> list[str]:
        pages = [page async for page in reconcile(shop.runtime, fix=fix)]
        every = [each for page in pages for each in page.differences if each.customer_id == customer]
        return [str(each) for each in every if each.kind == "subscription"]

    [found] = await differing(fix=True)
    assert "addons" in found
    assert await differing(fix=False) == []
    await lists.close()
    assert (await status_of(client))["addons"] == {PACK: 3}


def item(ident: str, quantity: int, **metadata: str) -> dict[str, Any]:
    return {"id": ident, "quantity": quantity, "price": {"id": f"price_{ident}", "metadata": metadata}}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("marked", [False, True])
def test_the_plan_s_item_is_told_from_the_others(turned: bool, marked: bool) -> None:
    ours = "01900000-0000-7000-8000-000000000000"
    plan = item("plan", 1, **({read.PRICE: ours} if marked else {}))
    items = [plan, item("pack", 4, tollkeeper_addon_price=ours)]
    body = {"id": "sub_1", "status": "active", "created": 1, "items": {"data": items[::-1] if turned else items}}
    state: SubscriptionState = read.subscription(body)
    assert (state.item_id, state.quantity) == ("plan", 1)
    assert [(each.id, each.quantity, str(each.price.price_id)) for each in state.addons] == [("pack", 4, ours)]
    assert state.price is not None
    assert (state.price.price_id is not None) is marked
