"""The addresses of billing: who may, what is answered, what is refused in which words."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tollkeeper.kit import Actor, ActorKind, Permission
from tollkeeper.orgs import Organization

from .shop import Shop, member

STATUS = {
    "plan",
    "status",
    "current_period_start",
    "current_period_end",
    "cancel_at_period_end",
    "trial_end",
    "quantity",
    "addons",
    "pending_change",
    "discount",
    "payment",
    "withheld",
    "paused",
    "paused_until",
}
NOTHING_OWED = {"state": "current", "since": None, "next_step_at": None, "requires_action": False, "pay_url": None}


def operator() -> Actor:
    return Actor(ActorKind.OPERATOR_KEY, frozenset(Permission))


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = member(made)
    return made


async def test_from_checkout_to_the_status(shop: Shop, client: httpx.AsyncClient, ada: Organization) -> None:
    free = (await client.get("/api/subscription/status")).json()
    assert set(free) == STATUS
    assert (free["plan"], free["status"]) == ("free", "active")
    assert (free["payment"], free["withheld"]) == (NOTHING_OWED, [])
    opened = await client.post("/api/stripe/create-checkout", json={"plan": "pro", "interval": "month"})
    assert opened.status_code == 200
    assert set(opened.json()) == {"url", "session_id"}
    paid = await shop.pay(opened.json()["url"])
    assert paid.headers["location"].endswith(f"/checkout/return?session_id={opened.json()['session_id']}")
    await shop.told(await shop.customer_id(ada))
    bought = (await client.get("/api/subscription/status")).json()
    assert (bought["plan"], bought["status"], bought["pending_change"]) == ("pro", "active", None)
    assert bought["current_period_end"].endswith("Z")
    overview = (await client.get("/api/billing/overview")).json()
    assert overview["plan_name"] == "Pro"
    assert overview["subscription"]["payment"] == bought["payment"] == NOTHING_OWED
    assert overview["next_invoice"]["amount"] == {"amount": 2000, "currency": "usd"}
    assert overview["next_invoice"]["at"] == bought["current_period_end"]
    assert overview["payment_method"]["last4"] == "4242"
    assert overview["balance"] == {"amount": 0, "currency": "usd"}
    invoices = (await client.get("/api/billing/invoices")).json()
    assert invoices["next_cursor"] is None
    [invoice] = invoices["data"]
    assert invoice["total"] == {"amount": 2000, "currency": "usd"}
    one = (await client.get(f"/api/billing/invoices/{invoice['id']}")).json()
    assert [line["amount"]["amount"] for line in one["lines"]] == [2000]
    assert (await client.post("/api/stripe/portal")).json()["url"].startswith(shop.twin.url)
    again = await client.post("/api/stripe/create-checkout", json={"planId": "premium"})
    assert (again.status_code, again.json()["code"]) == (409, "already_subscribed")


async def test_preview_change_cancel_resume(shop: Shop, client: httpx.AsyncClient, ada: Organization) -> None:
    await shop.told(await shop.buy(ada))
    preview = (await client.post("/api/subscription/preview", json={"plan": "premium"})).json()
    assert 2900 <= preview["due_now"]["amount"] <= 3000
    assert sum(line["amount"]["amount"] for line in preview["lines"]) == preview["due_now"]["amount"]
    assert (await client.get("/api/subscription/status")).json()["plan"] == "pro"
    changed = (await client.post("/api/subscription/change", json={"plan": "premium"})).json()
    assert (changed["plan"], changed["status"]) == ("premium", "active")
    newest = (await client.get("/api/billing/invoices?limit=1")).json()["data"][0]
    assert abs(newest["amount_paid"]["amount"] - preview["due_now"]["amount"]) <= 2
    cancelled = (await client.post("/api/subscription/cancel")).json()
    assert (cancelled["plan"], cancelled["cancel_at_period_end"]) == ("premium", True)
    assert (await client.get("/api/billing/overview")).json()["next_invoice"] is None
    resumed = (await client.post("/api/subscription/resume")).json()
    assert resumed["cancel_at_period_end"] is False
    ended = (await client.post("/api/subscription/cancel", json={"at": "now"})).json()
    assert (ended["plan"], ended["status"]) == ("free", "active")
    assert [each.plan for each in shop.heard] == ["pro", "premium", None]
    refused = await client.post("/api/subscription/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_subscription")


async def test_a_change_that_cannot_be_paid_changes_nothing(
    shop: Shop, client: httpx.AsyncClient, ada: Organization
) -> None:
    customer = await shop.buy(ada)
    await shop.told(customer)
    failing = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    await shop.api("POST", f"subscriptions/{subscription['id']}", default_payment_method=failing["id"])
    answer = await client.post("/api/subscription/change", json={"plan": "premium"})
    assert (answer.status_code, answer.json()["code"]) == (402, "payment_failed")
    assert (await client.get("/api/subscription/status")).json()["plan"] == "pro"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_input"),
        ([], 422, "invalid_input"),
        ({"plan": 7}, 422, "invalid_input"),
        ({"plan": "pro", "interval": "week"}, 422, "invalid_input"),
        ({"plan": "pro", "colour": "red"}, 422, "invalid_input"),
        ({"plan": "pro", "success_url": "javascript:alert(1)"}, 422, "invalid_input"),
        ({"plan": "pro", "cancel_url": "//evil.example.org"}, 422, "invalid_input"),
        ({"plan": "gold"}, 404, "plan_not_found"),
        ({"plan": "free"}, 422, "plan_not_purchasable"),
        ({"plan": "enterprise"}, 422, "plan_not_purchasable"),
        ({"stripePriceId": "price_nobody_made"}, 404, "plan_not_found"),
        ({"plan": "pro\u0000"}, 422, "invalid_input"),
    ],
)
@pytest.mark.usefixtures("ada")
async def test_a_wrong_wish_is_refused_in_words(client: httpx.AsyncClient, body: Any, status: int, code: str) -> None:
    answer = await client.post("/api/stripe/create-checkout", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("field", ["plan", "stripePriceId"])
@pytest.mark.usefixtures("ada")
async def test_a_nul_is_told_by_the_field_that_holds_it(client: httpx.AsyncClient, field: str) -> None:
    answer = await client.post("/api/stripe/create-checkout", json={field: "a\x00b"})
    assert answer.status_code == 422
    assert [(each["field"], "NUL" in each["message"]) for each in answer.json()["errors"]] == [(field, True)]


async def test_browsers_are_sent_back_to_our_own_site_only(
    shop: Shop, client: httpx.AsyncClient, ada: Organization
) -> None:
    wish = {"plan": "pro", "success_url": "https://shop.example.org/ok"}
    assert (await client.post("/api/stripe/create-checkout", json=wish)).status_code == 200
    shop.caller = member(ada, kind=ActorKind.SESSION)
    refused = await client.post("/api/stripe/create-checkout", json=wish)
    assert refused.json()["errors"][0]["field"] == "success_url"
    own = {"plan": "pro", "success_url": "/thanks"}
    assert (await client.post("/api/stripe/create-checkout", json=own)).status_code == 200


CALLS = [
    ("POST", "/api/stripe/create-checkout", {"plan": "pro"}, Permission.BILLING_MANAGE),
    ("POST", "/api/stripe/portal", None, Permission.BILLING_MANAGE),
    ("GET", "/api/subscription/status", None, Permission.BILLING_READ),
    ("POST", "/api/subscription/preview", {"plan": "pro"}, Permission.BILLING_READ),
    ("POST", "/api/subscription/change", {"plan": "pro"}, Permission.BILLING_MANAGE),
    ("POST", "/api/subscription/cancel", None, Permission.BILLING_MANAGE),
    ("POST", "/api/subscription/resume", None, Permission.BILLING_MANAGE),
    ("GET", "/api/billing/overview", None, Permission.BILLING_READ),
    ("GET", "/api/billing/invoices", None, Permission.BILLING_READ),
    ("GET", "/api/billing/invoices/01900000-0000-7000-8000-000000000001", None, Permission.BILLING_READ),
]


@pytest.mark.parametrize("call", CALLS, ids=[call[1] for call in CALLS])
async def test_who_may_not_is_refused(shop: Shop, client: httpx.AsyncClient, call: Any) -> None:
    method, path, body, permission = call
    mine = await shop.organization()
    assert (await client.request(method, path, json=body)).status_code == 401
    shop.caller = Actor(ActorKind.API_KEY, frozenset(Permission) - {permission}, mine.id)
    refused = await client.request(method, path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("call", CALLS, ids=[call[1] for call in CALLS])
async def test_another_organization_does_not_exist(shop: Shop, client: httpx.AsyncClient, call: Any) -> None:
    method, path, body, _ = call
    theirs, mine = await shop.organization("Eve"), await shop.organization()
    shop.caller = member(mine)
    named = {"customer": str(theirs.id)}
    asked: Any = {"json": {**(body or {}), **named}} if method == "POST" else {"params": named}
    answer = await client.request(method, path, **asked)
    assert answer.status_code == 404


async def test_another_organizations_invoice_does_not_exist(
    shop: Shop, client: httpx.AsyncClient, ada: Organization
) -> None:
    await shop.told(await shop.buy(ada))
    [invoice] = (await client.get("/api/billing/invoices")).json()["data"]
    shop.caller = member(await shop.organization("Eve"))
    refused = await client.get(f"/api/billing/invoices/{invoice['id']}")
    assert (refused.status_code, refused.json()["code"]) == (404, "invoice_not_found")
    assert (await client.get("/api/billing/invoices")).json()["data"] == []


async def test_an_operator_acts_for_whom_it_names(shop: Shop, client: httpx.AsyncClient, ada: Organization) -> None:
    shop.caller = operator()
    opened = await client.post("/api/stripe/create-checkout", json={"plan": "pro", "customer": str(ada.id)})
    assert opened.status_code == 200
    await shop.pay(opened.json()["url"])
    await shop.told(await shop.customer_id(ada))
    status = await client.get("/api/subscription/status", params={"customer": str(ada.id)})
    assert status.json()["plan"] == "pro"
    assert (await client.get("/api/subscription/status")).status_code == 422


async def test_who_never_bought_has_nothing_to_manage(client: httpx.AsyncClient, ada: Organization) -> None:
    assert ada.external_id is None
    for path in ("/api/stripe/portal", "/api/subscription/cancel", "/api/subscription/resume"):
        answer = await client.post(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "no_customer")
    assert (await client.get("/api/billing/overview")).json()["payment_method"] is None


@pytest.mark.parametrize("query", ["cursor=nonsense", "cursor=2026-01-01~x", "limit=0", "limit=101", "limit=x"])
@pytest.mark.usefixtures("ada")
async def test_a_wrong_page_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/billing/invoices?{query}")).status_code == 422


async def test_a_repeated_key_replays_the_answer(shop: Shop, client: httpx.AsyncClient, ada: Organization) -> None:
    assert shop.caller == member(ada)
    key = {"Idempotency-Key": "first"}
    wish = {"plan": "pro"}
    first = await client.post("/api/stripe/create-checkout", json=wish, headers=key)
    await shop.pay(first.json()["url"])
    again = await client.post("/api/stripe/create-checkout", json=wish, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await client.post("/api/stripe/create-checkout", json={"plan": "premium"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    fresh = await client.post("/api/stripe/create-checkout", json=wish, headers={"Idempotency-Key": "second"})
    assert (fresh.status_code, fresh.json()["code"]) == (409, "already_subscribed")


async def test_a_slow_provider_does_not_take_every_connection(
    shop: Shop, client: httpx.AsyncClient, ada: Organization
) -> None:
    async with httpx.AsyncClient(trust_env=False) as control:
        await control.post(f"{shop.twin.url}/_twin/latency", json={"seconds": 10.0})
        try:
            buyers = [await shop.organization(str(number)) for number in range(8)]
            shop.caller = operator()
            waiting = [
                asyncio.create_task(
                    client.post("/api/stripe/create-checkout", json={"plan": "pro", "customer": str(buyer.id)})
                )
                for buyer in buyers
            ]
            await asyncio.sleep(0.3)
            shop.caller = member(ada)
            started = time.monotonic()
            assert (await client.get("/api/subscription/status")).status_code == 200
            assert time.monotonic() - started < 8.0
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        finally:
            await control.post(f"{shop.twin.url}/_twin/latency", json={"seconds": 0})
