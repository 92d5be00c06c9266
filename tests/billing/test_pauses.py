"""Pauses: nothing is owed and the plan rests; going on is free in a paid period, else it is paid at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from tollkeeper.billing.flows.service.webhooks import synchronise
from tollkeeper.billing.provider import InvoiceState, Pause, PauseBehavior, Subject, SubscriptionState
from tollkeeper.billing.subscriptions.rules import unpaid
from tollkeeper.infra import Settings
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, FixedClock, Permission, Role
from tollkeeper.orgs import Organization

from .shop import Shop, call, member

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OPERATOR = Actor(ActorKind.OPERATOR_KEY, frozenset(Permission))


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "60"})
    made = await shop.organization()
    shop.caller = member(made)
    await shop.told(await shop.buy(made))
    return made


async def totals(shop: Shop, customer: str) -> list[tuple[str, int]]:
    listed = (await shop.api("GET", "invoices", customer=customer))["data"]
    return [(each["status"], each["total"]) for each in listed]


async def let_period_fall_into_pause(shop: Shop, ada: Organization) -> tuple[str, str]:
    """A period begins while the subscription rests: its invoice is void, as at a renewal. Returns customer and
    subscription.
    """
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none", "payment_behavior": "default_incomplete"}
    made = await shop.api("POST", f"subscriptions/{subscription['id']}", **anew)
    await shop.api("POST", f"invoices/{made['latest_invoice']}/void")
    assert (await totals(shop, customer))[0] == ("void", 2000)
    await shop.told(customer)
    return customer, subscription["id"]


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
async def test_a_pause_that_is_over_before_we_hear_of_it_gives_nothing_away(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, *, backwards: bool
) -> None:
    customer = await shop.customer_id(ada)
    known = len(await shop.events(customer))
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    path = f"subscriptions/{subscription['id']}"
    await shop.api("POST", path, **{"pause_collection[behavior]": "void"})
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none", "payment_behavior": "default_incomplete"}
    made = await shop.api("POST", path, **anew)
    await shop.api("POST", f"invoices/{made['latest_invoice']}/void")
    await shop.api("POST", path, pause_collection="")
    news = (await shop.events(customer))[known:]
    for body in reversed(news) if backwards else news:
        await shop.process(body)
    status = await shop.status(ada)
    assert (status.plan, status.status) == ("free", "active")
    assert status.subscription is not None
    assert status.subscription.unpaid
    assert await totals(shop, customer) == [("void", 2000), ("paid", 2000)], "nothing is charged on a guess"
    assert (await call(client, "unpause"))["plan"] == "pro"
    assert await totals(shop, customer) == [("paid", 2000), ("void", 2000), ("paid", 2000)]
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro"


async def use_bad_card(shop: Shop, customer: str, subscription: str) -> None:
    made = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.api("POST", f"subscriptions/{subscription}", default_payment_method=made["id"])


def invoice(status: str, *, reason: str = "subscription_create", due_at: datetime | None = None) -> InvoiceState:
    about = {"id": "in_1", "customer_id": "cus_1", "subscription_id": "sub_1", "number": None, "currency": "usd"}
    amounts = dict.fromkeys(("subtotal", "total", "amount_due", "amount_remaining"), 2000)
    nothing = dict.fromkeys(("tax", "amount_paid", "attempt_count"), 0)
    moments = dict.fromkeys(("period_start", "period_end", "paid_at", "next_attempt_at", "page_url", "pdf_url"))
    fields: dict[str, Any] = {**about, **amounts, **nothing, **moments}
    return InvoiceState(**fields, status=status, reason=reason, created_at=NOW, due_at=due_at, lines=())


def state(latest: InvoiceState, pause: Pause | None = None) -> SubscriptionState:
    moments = dict.fromkeys(("period_start", "period_end", "cancel_at", "canceled_at", "ended_at", "trial_end"))
    nothing = dict.fromkeys(("price", "item_id", "customer", "payment_method"))
    about = {"id": "sub_1", "customer_id": "cus_1", "status": "active", "quantity": 1}
    known: dict[str, Any] = {**about, **moments, **nothing}
    return SubscriptionState(**known, cancel_at_period_end=False, created_at=NOW, latest_invoice=latest, pause=pause)


def test_who_is_sent_invoices_has_the_plan_before_they_are_due() -> None:
    assert unpaid(None, state(invoice("open")))
    assert not unpaid(None, state(invoice("open", due_at=NOW + timedelta(days=30))))
    assert not unpaid(None, state(invoice("open", due_at=NOW - timedelta(days=1)))), "overdue is dunning's"


async def test_who_is_sent_invoices_goes_on_with_one(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    customer = await shop.customer_id(ada)
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    sent = {"collection_method": "send_invoice", "days_until_due": "30"}
    await shop.api("POST", f"subscriptions/{subscription['id']}", **sent)
    await call(client, "pause")
    await let_period_fall_into_pause(shop, ada)
    assert (await call(client, "unpause"))["plan"] == "pro"
    assert (await totals(shop, customer))[0] == ("open", 2000)
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro", "there are 30 days to pay it"


def test_what_a_pause_made_void_is_not_paid() -> None:
    resting = Pause(PauseBehavior.VOID, None)
    assert unpaid(None, state(invoice("void", reason="subscription_cycle"), resting))
    assert not unpaid(None, state(invoice("void", reason="subscription_cycle")))
    soon = NOW + timedelta(seconds=2)
    renewal = replace(invoice("void", reason="subscription_cycle"), finalized_at=NOW, voided_at=soon)
    assert unpaid(None, state(renewal)), "a pause did it, though we never heard of one"
    assert not unpaid(None, state(replace(renewal, attempt_count=1))), "somebody let them off"
    assert not unpaid(None, state(replace(renewal, voided_at=NOW + timedelta(days=1)))), "so here"
    assert not unpaid(None, state(replace(renewal, reason="subscription_update"))), "the period is another invoice's"
    given = replace(resting, behavior=PauseBehavior.MARK_UNCOLLECTIBLE)
    lost = invoice("uncollectible", reason="subscription_cycle")
    assert not unpaid(None, state(lost, given))
    assert not unpaid(None, state(lost)), "given away by such a pause"
    assert unpaid(None, state(replace(lost, attempt_count=8))), "written off is not paid"


@pytest.mark.parametrize("text", ["on", "0", "-3", "1000", ""])
def test_a_wrong_setting_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, TOLLKEEPER_ENV="test", TOLLKEEPER_PAUSE=text)


async def test_a_pause_within_a_paid_period_costs_nothing(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    until = clock.now() + timedelta(days=10)
    resting = await call(client, "pause", until=until.isoformat())
    assert (resting["plan"], resting["paused"]) == ("free", True)
    assert datetime.fromisoformat(resting["paused_until"]) == until
    again = await call(client, "unpause")
    assert (again["plan"], again["paused"], again["paused_until"]) == ("pro", False, None)
    assert await totals(shop, await shop.customer_id(ada)) == [("paid", 2000)]
    assert (await call(client, "unpause"))["plan"] == "pro", "a second time changes nothing"


async def test_how_long_members_may(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    for wrong in (clock.now(), clock.now() + timedelta(days=61)):
        assert (await call(client, "pause", 422, until=wrong.isoformat()))["errors"][0]["field"] == "until"
    resting = await call(client, "pause")
    assert datetime.fromisoformat(resting["paused_until"]) == clock.now() + timedelta(days=60)
    assert (await call(client, "pause", 409))["code"] == "subscription_paused", "not one after the other"
    shop.caller = OPERATOR
    named: dict[str, Any] = {"customer": str(ada.id)}
    assert (await call(client, "pause", **named))["paused_until"] is None, "operators may, until it is taken back"
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "off"})
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], ada.id)
    for path in ("pause", "unpause"):
        assert (await call(client, path, 403))["code"] == "forbidden"
    shop.caller = OPERATOR
    assert (await call(client, "unpause", **named))["plan"] == "pro"


async def test_what_rests_does_not_become_another(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    await call(client, "pause")
    for path in ("preview", "change"):
        assert (await call(client, path, 409, plan="premium"))["code"] == "subscription_paused"
    assert (await call(client, "addons", 409, addon="extra_prompts", quantity=1))["code"] == "subscription_paused"
    await let_period_fall_into_pause(shop, ada)
    assert (await call(client, "change", 409, plan="premium"))["code"] == "subscription_paused"


async def test_going_on_after_a_void_period_is_paid_at_once(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "pause")
    customer, _ = await let_period_fall_into_pause(shop, ada)
    assert (await call(client, "unpause"))["plan"] == "pro"
    assert await totals(shop, customer) == [("paid", 2000), ("void", 2000), ("paid", 2000)]
    await shop.told(customer)
    await call(client, "unpause")
    assert len(await totals(shop, customer)) == 3, "once"
    assert (await shop.status(ada)).plan == "pro"


async def test_what_is_charged_next_is_charged_when_the_pause_ends(
    shop: Shop, ada: Organization, client: httpx.AsyncClient, clock: FixedClock
) -> None:
    paused = await call(client, "pause", until=(clock.now() + timedelta(days=10)).isoformat())
    await let_period_fall_into_pause(shop, ada)
    found = (await client.get("/api/billing/overview")).json()["next_invoice"]
    assert (found["at"], found["amount"]["amount"]) == (paused["paused_until"], 2000)


async def test_a_declined_payment_leaves_it_resting(shop: Shop, ada: Organization, client: httpx.AsyncClient) -> None:
    await call(client, "pause")
    customer, subscription = await let_period_fall_into_pause(shop, ada)
    await use_bad_card(shop, customer, subscription)
    assert (await call(client, "unpause", 402))["code"] == "payment_failed"
    found = await shop.api("GET", f"subscriptions/{subscription}")
    assert (found["status"], found["pause_collection"]["behavior"]) == ("active", "void")
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "free"


async def test_a_pause_that_ends_at_the_providers_begins_a_paid_period(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "pause")
    customer, subscription = await let_period_fall_into_pause(shop, ada)
    await shop.api("POST", f"subscriptions/{subscription}", pause_collection="")
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "pro"
    assert (await totals(shop, customer))[0] == ("paid", 2000)
    async with shop.runtime.transaction() as tx:
        await synchronise(tx, Subject(customer_id=customer, subscription_id=subscription), cause="again")
    assert len(await totals(shop, customer)) == 3, "once"


async def test_without_payment_the_plan_stays_away_until_it_is_paid(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    await call(client, "pause")
    customer, subscription = await let_period_fall_into_pause(shop, ada)
    await use_bad_card(shop, customer, subscription)
    await shop.api("POST", f"subscriptions/{subscription}", pause_collection="")
    await shop.told(customer)
    assert (await shop.status(ada)).plan == "free"
    assert (await call(client, "change", 409, plan="premium"))["code"] == "period_unpaid"
    assert (await call(client, "pause", 409))["code"] == "not_pausable"
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"pause": "off"})
    assert (await call(client, "unpause", 402))["code"] == "payment_failed"
    made = await shop.api("POST", "payment_methods/pm_card_visa/attach", customer=customer)
    await shop.api("POST", f"subscriptions/{subscription}", default_payment_method=made["id"])
    assert (await call(client, "unpause"))["plan"] == "pro", "whoever owes may pay, whoever may pause"
    assert (await totals(shop, customer))[0] == ("paid", 2000)
