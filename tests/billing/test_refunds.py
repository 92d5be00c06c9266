"""Giving money back: in full, in parts, once, never more than was paid; and what becomes of it."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tollkeeper.billing.customers import get_customer, mirror_customer
from tollkeeper.billing.payments import RefundFailed, RefundMade
from tollkeeper.billing.provider import provider_of
from tollkeeper.infra import Event, Sought, search_trail
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Permission, Role, new_id
from tollkeeper.orgs import Organization

from .shop import Shop

PRO = 2000
REFUND_FAILS = "4000000000005126"
OPERATOR = Actor(ActorKind.OPERATOR_KEY, frozenset(Permission), credential_id=new_id())


@pytest.fixture
def told(shop: Shop) -> list[Event]:
    return shop.hear(RefundMade, RefundFailed)


class Desk:
    """The operator's desk, with one customer who bought Pro."""

    def __init__(self, shop: Shop, client: httpx.AsyncClient, ada: Organization, customer: str) -> None:
        self.shop, self.client, self.ada, self.customer = shop, client, ada, customer

    async def invoice(self) -> dict[str, Any]:
        page = await self.client.get("/api/billing/invoices", params={"customer": str(self.ada.id)})
        found: dict[str, Any] = page.json()["data"][0]
        return found

    async def post(self, what: str, *, key: str | None = None, **body: Any) -> httpx.Response:
        path = f"/api/billing/invoices/{(await self.invoice())['id']}/{what}"
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post(path, json={"customer": str(self.ada.id), **body}, headers=headers)

    async def listed(self, what: str) -> list[dict[str, Any]]:
        page = await self.client.get(f"/api/billing/{what}", params={"customer": str(self.ada.id)})
        assert page.status_code == 200, page.text
        found: list[dict[str, Any]] = page.json()["data"]
        return found

    async def at_provider(self) -> list[tuple[str, int]]:
        [charge] = (await self.shop.api("GET", "charges", customer=self.customer))["data"]
        made = (await self.shop.api("GET", "refunds", charge=charge["id"]))["data"]
        return [(each["status"], each["amount"]) for each in made]


async def desk_of(shop: Shop, client: httpx.AsyncClient, card: str = "4242424242424242") -> Desk:
    ada = await shop.organization()
    opened = await shop.checkout(ada)
    assert (await shop.pay(opened.url, card)).status_code == 303
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    shop.caller = OPERATOR
    return Desk(shop, client, ada, customer)


@pytest.fixture
async def desk(shop: Shop, client: httpx.AsyncClient) -> Desk:
    return await desk_of(shop, client)


async def test_what_was_paid_is_shown(desk: Desk) -> None:
    [payment] = await desk.listed("payments")
    assert (payment["status"], payment["amount"]) == ("succeeded", {"amount": PRO, "currency": "usd"})
    assert payment["refunded"]["amount"] == 0
    assert (payment["payment_method"]["brand"], payment["payment_method"]["last4"]) == ("visa", "4242")


async def test_what_the_provider_tells_is_in_the_trail(desk: Desk) -> None:
    async with desk.shop.runtime.transaction() as tx:
        customer = await get_customer(tx, desk.ada.id)
        state = await provider_of(tx.runtime).fetch_customer(desk.customer)
        assert state is not None
        await mirror_customer(tx, customer, replace(state, balance=-500))
        await mirror_customer(tx, customer, None)
        found = (await search_trail(tx, Sought(organization_id=desk.ada.id), limit=100)).data
    told = {each.action: each for each in found}
    paid = {"status": "succeeded", "amount": PRO, "currency": "usd"}
    assert (told["payment.changed"].before, told["payment.changed"].after) == ({"status": None}, paid)
    assert (told["customer.changed"].after or {})["balance"] == -500
    assert told["customer.forgotten"].target_id == str(customer.id)
    for action in ("payment.changed", "subscription.changed", "invoice.changed"):
        assert (told[action].origin.kind, told[action].origin.user_id) == ("system", None)


async def test_all_of_it_goes_back_and_the_plan_stays(desk: Desk, told: list[Event]) -> None:
    answer = await desk.post("refund", reason="duplicate", note="she called")
    assert answer.status_code == 201, answer.text
    [refund] = answer.json()["data"]
    assert (refund["amount"]["amount"], refund["status"]) == (PRO, "succeeded")
    assert (refund["reason"], refund["note"]) == ("duplicate", "she called")
    assert await desk.listed("refunds") == [refund]
    assert (await desk.listed("payments"))[0]["refunded"]["amount"] == PRO
    assert (await desk.shop.status(desk.ada)).plan == "pro"
    again = await desk.post("refund")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_refund")
    await desk.shop.told(desk.customer)
    assert [each.name for each in told] == ["billing.refund_made"], "told once, however often we hear of it"


async def test_in_parts_never_more_than_is_left(desk: Desk) -> None:
    assert (await desk.post("refund", amount=1500)).status_code == 201
    too_much = await desk.post("refund", amount=501)
    assert too_much.status_code == 422
    [problem] = too_much.json()["errors"]
    assert (problem["field"], problem["code"]) == ("amount", "too_large")
    assert "500" in problem["message"]
    [rest] = (await desk.post("refund")).json()["data"]
    assert rest["amount"]["amount"] == 500
    assert await desk.at_provider() == [("succeeded", 500), ("succeeded", 1500)]


async def test_two_at_the_same_moment_cannot_give_back_more(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.post("refund", amount=1200) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 422, 422, 422]
    assert await desk.at_provider() == [("succeeded", 1200)]


async def test_one_key_is_one_refund_though_we_forget_the_answer(desk: Desk) -> None:
    first = await desk.post("refund", amount=300, key="call-1")
    again = await desk.post("refund", amount=300, key="call-1")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    async with desk.shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("delete from idempotency_keys")
        await (await tx.raw()).execute("delete from refunds")
    forgotten = await desk.post("refund", amount=300, key="call-1")
    assert forgotten.status_code == 201
    assert "idempotent-replayed" not in forgotten.headers
    assert (await desk.post("refund", amount=300, key="call-2")).status_code == 201
    assert await desk.at_provider() == [("succeeded", 300), ("succeeded", 300)]


async def test_the_same_call_without_a_key_is_another_refund(desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.post("refund", amount=300)).status_code == 201
    assert await desk.at_provider() == [("succeeded", 300), ("succeeded", 300)]


async def test_it_comes_back_and_can_be_given_again(shop: Shop, client: httpx.AsyncClient, told: list[Event]) -> None:
    desk = await desk_of(shop, client, REFUND_FAILS)
    [refund] = (await desk.post("refund")).json()["data"]
    assert refund["status"] == "succeeded"
    await advance(shop, 60)
    await shop.told(desk.customer)
    [failed] = await desk.listed("refunds")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert [each.name for each in told] == ["billing.refund_made", "billing.refund_failed"]
    assert (await desk.listed("payments"))[0]["refunded"]["amount"] == 0
    assert (await desk.post("refund", amount=100)).status_code == 201
    assert len(await desk.listed("refunds")) == 2


async def test_the_books_agree_when_asked_to(desk: Desk) -> None:
    answer = await desk.post("refund", amount=500, credit_note=True, note="half a week lost", key="once")
    assert answer.status_code == 201, answer.text
    [refund] = answer.json()["data"]
    assert (refund["amount"]["amount"], refund["note"], refund["reason"]) == (
        500,
        "half a week lost",
        "requested_by_customer",
    )
    [note] = (await desk.shop.api("GET", "credit_notes", customer=desk.customer))["data"]
    assert (note["total"], note["refunds"][0]["amount_refunded"]) == (500, 500)
    detail = await desk.client.get(
        f"/api/billing/invoices/{(await desk.invoice())['id']}", params={"customer": str(desk.ada.id)}
    )
    assert [each["number"] for each in detail.json()["credit_notes"]] == [note["number"]]
    async with desk.shop.runtime.transaction() as tx:
        await (await tx.raw()).execute("delete from idempotency_keys")
    assert (await desk.post("refund", amount=500, credit_note=True, note="half a week lost", key="once")).is_success
    assert await desk.at_provider() == [("succeeded", 500)]


async def test_refunded_and_ended_when_asked_to(desk: Desk) -> None:
    assert (await desk.post("refund", end_subscription=True)).status_code == 201
    assert (await desk.shop.status(desk.ada)).plan == "free"


async def test_a_paid_invoice_is_credited_to_the_balance(desk: Desk) -> None:
    answer = await desk.post("credit", amount=700, reason="product_unsatisfactory", memo="Sorry.", key="sorry")
    assert answer.status_code == 201, answer.text
    assert answer.json()["total"] == {"amount": 700, "currency": "usd"}
    overview = await desk.client.get("/api/billing/overview", params={"customer": str(desk.ada.id)})
    assert overview.json()["balance"]["amount"] == -700
    outside = await desk.post("credit", amount=300, to="outside")
    assert outside.status_code == 201
    too_much = await desk.post("credit", amount=1001)
    assert (too_much.status_code, too_much.json()["errors"][0]["field"]) == (422, "amount")
    back = await desk.post("credit", amount=1000, to="refund")
    assert back.status_code == 201
    assert await desk.at_provider() == [("succeeded", 1000)]
    done = await desk.post("credit", amount=1)
    assert (done.status_code, done.json()["code"]) == (409, "invoice_not_creditable")


async def test_refunds_and_credit_together_are_never_more_than_was_paid(desk: Desk) -> None:
    assert (await desk.post("credit", amount=500)).status_code == 201
    assert (await desk.post("credit", amount=300, to="outside")).status_code == 201
    refused = await desk.post("refund", amount=1201)
    assert refused.json()["errors"][0]["message"] == "At most 1200 is left, in minor units."
    assert (await desk.post("refund", amount=200)).status_code == 201
    refused = await desk.post("credit", amount=1001)
    assert refused.json()["errors"][0]["message"] == "At most 1000 is left, in minor units."
    assert (await desk.post("refund")).status_code == 201
    assert sorted(await desk.at_provider()) == [("succeeded", 200), ("succeeded", 1000)]
    assert (await desk.post("refund")).json()["code"] == "nothing_to_refund"


async def test_an_open_invoice_asks_for_less(desk: Desk) -> None:
    await open_invoice(desk)
    refused = await desk.post("credit", amount=500, to="balance")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "to")
    nothing = await desk.post("refund")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_refund")
    assert (await desk.post("credit", amount=500, memo="late delivery")).status_code == 201
    invoice = await desk.invoice()
    assert (invoice["status"], invoice["amount_remaining"]["amount"]) == ("open", PRO - 500)
    assert (await desk.post("credit", amount=PRO - 500)).status_code == 201
    assert (await desk.invoice())["status"] == "paid"
    assert (await desk.shop.status(desk.ada)).status == "active"


async def open_invoice(desk: Desk) -> None:
    """Have a new period begin that the card does not pay."""
    method = await desk.shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=desk.customer)
    [subscription] = (await desk.shop.api("GET", "subscriptions", customer=desk.customer))["data"]
    change = {
        "default_payment_method": method["id"],
        "billing_cycle_anchor[type]": "now",
        "proration_behavior": "none",
    }
    await desk.shop.api("POST", f"subscriptions/{subscription['id']}", **change)
    await desk.shop.told(desk.customer)
    [failed, paid] = await desk.listed("payments")
    assert (failed["status"], failed["failure_code"], paid["status"]) == ("failed", "card_declined", "succeeded")


async def advance(shop: Shop, seconds: float) -> None:
    """Let time pass at the provider."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{shop.twin.url}/_twin/clock", json={"advance_seconds": seconds})
    assert answer.is_success, answer.text


async def test_words_that_cannot_be_kept_are_refused_before_money_moves(desk: Desk) -> None:
    for what, body in (("refund", {"note": "a\x00b"}), ("credit", {"amount": 1, "memo": "a\x00b"})):
        assert (await desk.post(what, **body)).status_code == 422
    assert await desk.at_provider() == []


@pytest.mark.parametrize("role", list(Role))
async def test_no_member_gives_money_back(desk: Desk, role: Role) -> None:
    desk.shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[role], desk.ada.id)
    calls: list[tuple[str, dict[str, Any]]] = [("refund", {}), ("credit", {"amount": 1})]
    for what, body in calls:
        answer = await desk.post(what, **body)
        assert (answer.status_code, answer.json()["permission"]) == (403, "billing:refund")
    assert await desk.at_provider() == []


async def test_members_see_their_own_without_our_notes(desk: Desk) -> None:
    await desk.post("refund", amount=100, note="between us")
    desk.shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], desk.ada.id)
    assert (await desk.client.get("/api/billing/refunds")).json()["data"][0]["note"] is None
    eve = await desk.shop.organization("Eve")
    desk.shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], eve.id)
    for what in ("payments", "refunds", "disputes"):
        assert (await desk.client.get(f"/api/billing/{what}")).json() == {"data": [], "next_cursor": None}


async def test_pages_follow_each_other(desk: Desk) -> None:
    for amount in (1, 2, 3):
        assert (await desk.post("refund", amount=amount)).status_code == 201
    seen, cursor = [], None
    for _ in range(3):
        params = {"limit": "1", "customer": str(desk.ada.id)} | ({"cursor": cursor} if cursor else {})
        page = (await desk.client.get("/api/billing/refunds", params=params)).json()
        seen += [each["amount"]["amount"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == [1, 2, 3]
    assert cursor is None
    wrong = await desk.client.get("/api/billing/refunds", params={"cursor": "tea"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "cursor")
