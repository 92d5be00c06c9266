"""A bank takes a payment back: what is shown, what happens to the plan, how it is answered, how it ends."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tollkeeper.billing import payments
from tollkeeper.billing.flows.jobs import dispute_reminders
from tollkeeper.billing.payments import STAGES, DisputeClosed, DisputeEvidenceDue, DisputeOpened, Effect, Stage
from tollkeeper.billing.subscriptions import SubscriptionEnded, list_of_organization, restore, withhold
from tollkeeper.infra import Event
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, FixedClock, Permission, Role, new_id
from tollkeeper.orgs import Organization

from .shop import Shop

FRAUDULENT, INQUIRY = "4000000000000259", "4000000000001976"
OPERATOR = Actor(ActorKind.OPERATOR_KEY, frozenset(Permission), credential_id=new_id())
DISPUTES = "/api/billing/disputes"
TOLD: tuple[type[Event], ...] = (DisputeOpened, DisputeEvidenceDue, DisputeClosed, SubscriptionEnded)


def test_every_published_status_has_a_meaning() -> None:
    assert {status for status, (stage, _) in STAGES.items() if stage is Stage.CLOSED} == {
        "won",
        "lost",
        "warning_closed",
        "prevented",
    }
    assert payments.stage_of("invented_later") == (Stage.INQUIRY, None)
    assert set(STAGES) >= payments.ANSWERABLE


def test_a_policy_is_read_and_what_it_leaves_out_stays() -> None:
    assert payments.read_policy("lost:end") == payments.Policy(Effect.KEEP, Effect.END, 3)
    assert payments.read_policy("open:restrict, remind:7") == payments.Policy(Effect.RESTRICT, Effect.RESTRICT, 7)
    for wrong in ("won:keep", "lost:maybe", "remind"):
        with pytest.raises(ValueError, match=r".+"):
            payments.read_policy(wrong)


@pytest.fixture
def told(shop: Shop) -> list[Event]:
    return shop.hear(*TOLD)


def policy(shop: Shop, text: str) -> None:
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"disputes": text})


async def disputed(shop: Shop, card: str = FRAUDULENT) -> tuple[Organization, str]:
    """Buy a plan with a card whose holder disputes it at once; returns who, and the provider's customer."""
    ada = await shop.organization()
    opened = await shop.checkout(ada)
    assert (await shop.pay(opened.url, card)).status_code == 303
    customer = await shop.customer_id(ada)
    await shop.told(customer)
    await hear_of_disputes(shop, customer)
    shop.caller = OPERATOR
    return ada, customer


async def events_of_payments(shop: Shop, customer: str) -> list[bytes]:
    """Return what happened to the customer's payments, refunds and disputes: those do not name their customer."""
    [charge] = (await shop.api("GET", "charges", customer=customer))["data"]
    return [each for each in await shop.events(charge["id"]) if b'"charge.' in each or b'"refund.' in each]


async def hear_of_disputes(shop: Shop, customer: str) -> None:
    for body in await events_of_payments(shop, customer):
        assert await shop.process(body) == "processed"


async def time_passes(shop: Shop, **time: float) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        seconds = timedelta(**time).total_seconds()
        answer = await client.post(f"{shop.twin.url}/_twin/clock", json={"advance_seconds": seconds})
    assert answer.is_success, answer.text


async def only(client: httpx.AsyncClient, ada: Organization) -> dict[str, Any]:
    page = await client.get(DISPUTES, params={"customer": str(ada.id)})
    [found] = page.json()["data"]
    one: dict[str, Any] = (await client.get(f"{DISPUTES}/{found['id']}")).json()
    assert one == found
    return one


async def test_it_is_shown_with_its_deadline_and_the_plan_stays(
    shop: Shop, client: httpx.AsyncClient, told: list[Event]
) -> None:
    ada, _ = await disputed(shop)
    found = await only(client, ada)
    assert (found["status"], found["stage"], found["reason"]) == ("needs_response", "open", "fraudulent")
    assert (found["amount"]["amount"], found["withdrawn"]["amount"], found["fee"]["amount"]) == (2000, 2000, 1500)
    assert not found["submitted"]
    due = datetime.fromisoformat(found["due_at"])
    assert timedelta(days=8) < due - datetime.fromisoformat(found["created_at"]) < timedelta(days=10)
    assert (await shop.status(ada)).plan == "pro"
    [opened] = told
    assert isinstance(opened, DisputeOpened)
    assert (opened.deadline, opened.inquiry) == (due, False)
    invoices = await client.get("/api/billing/invoices", params={"customer": str(ada.id)})
    path = f"/api/billing/invoices/{invoices.json()['data'][0]['id']}/refund"
    refused = await client.post(path, json={"customer": str(ada.id)})
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_disputed")


async def test_it_is_answered_for_no_other_customer_than_its_own(shop: Shop, client: httpx.AsyncClient) -> None:
    ada, _ = await disputed(shop)
    path = f"{DISPUTES}/{(await only(client, ada))['id']}"
    eve = {"customer": str((await shop.organization("Eve")).id)}
    for act, wish in (("accept", eve), ("release", eve), ("evidence", {**eve, "submit": True})):
        answer = await client.post(f"{path}/{act}", json=wish)
        assert (answer.status_code, answer.json()["code"]) == (404, "dispute_not_found"), act
    assert (await only(client, ada))["status"] == "needs_response"


async def test_won_with_evidence(shop: Shop, client: httpx.AsyncClient, told: list[Event]) -> None:
    ada, customer = await disputed(shop)
    path = f"{DISPUTES}/{(await only(client, ada))['id']}/evidence"
    draft = await client.post(path, json={"product_description": "A plan", "customer_name": "Ada", "usage_log": True})
    assert draft.status_code == 200, draft.text
    assert (draft.json()["has_evidence"], draft.json()["submitted"]) == (True, False)
    assert draft.json()["evidence"]["access_activity_log"].startswith("No use in the 180 days")
    sent = await client.post(path, json={"uncategorized_text": "winning_evidence", "submit": True})
    assert sent.status_code == 200, sent.text
    assert sent.json()["submitted"]
    assert sent.json()["evidence"]["product_description"] == "A plan", "what was written before stays"
    too_late = await client.post(path, json={"customer_name": "Eve"})
    assert (too_late.status_code, too_late.json()["code"]) == (409, "dispute_not_answerable")
    await time_passes(shop, minutes=5)
    await hear_of_disputes(shop, customer)
    found = await only(client, ada)
    assert (found["stage"], found["outcome"], found["withdrawn"]["amount"]) == ("closed", "won", 0)
    assert (await shop.status(ada)).plan == "pro"
    assert [each.name for each in told] == ["billing.dispute_opened", "billing.dispute_closed"]


async def test_what_is_written_can_be_sent_later(shop: Shop, client: httpx.AsyncClient) -> None:
    ada, _ = await disputed(shop)
    path = f"{DISPUTES}/{(await only(client, ada))['id']}/evidence"
    assert (await client.post(path, json={"customer_name": "Ada"})).json()["status"] == "needs_response"
    assert (await client.post(path, json={"submit": True})).json()["status"] == "under_review"


async def test_accepted_it_is_lost_and_the_plan_withheld_until_released(
    shop: Shop, client: httpx.AsyncClient, told: list[Event]
) -> None:
    ada, _ = await disputed(shop)
    dispute = (await only(client, ada))["id"]
    accepted = await client.post(f"{DISPUTES}/{dispute}/accept")
    assert (accepted.status_code, accepted.json()["outcome"]) == (200, "lost")
    assert ((await shop.status(ada)).plan, (await shop.status(ada)).status) == ("free", "active")
    assert [each.name for each in told] == ["billing.dispute_opened", "billing.dispute_closed"]
    for _ in range(2):
        released = await client.post(f"{DISPUTES}/{dispute}/release")
        assert released.json()["released_at"] is not None
        assert (await shop.status(ada)).plan == "pro"


async def test_open_it_restricts_and_won_it_gives_back(shop: Shop, client: httpx.AsyncClient) -> None:
    policy(shop, "open:restrict, lost:restrict")
    ada, customer = await disputed(shop)
    assert (await shop.status(ada)).plan == "free"
    evidence = {"uncategorized_text": "winning_evidence", "submit": True}
    await client.post(f"{DISPUTES}/{(await only(client, ada))['id']}/evidence", json=evidence)
    await time_passes(shop, minutes=5)
    await hear_of_disputes(shop, customer)
    assert (await shop.status(ada)).plan == "pro"


async def test_other_reasons_hold_beside_it(shop: Shop, client: httpx.AsyncClient) -> None:
    ada, _ = await disputed(shop)
    dispute = (await only(client, ada))["id"]
    async with shop.runtime.transaction() as tx:
        [subscription] = await list_of_organization(tx, ada.id)
        await withhold(tx, ada.id, subscription.id, "dunning")
    await client.post(f"{DISPUTES}/{dispute}/accept")
    async with shop.runtime.transaction() as tx:
        assert [each.withheld for each in await list_of_organization(tx, ada.id)] == ["dispute,dunning"]
        await restore(tx, ada.id, subscription.id, "dunning")
    assert (await shop.status(ada)).plan == "free"
    await client.post(f"{DISPUTES}/{dispute}/release")
    assert (await shop.status(ada)).plan == "pro"


async def test_lost_it_may_end_the_subscription(shop: Shop, client: httpx.AsyncClient, told: list[Event]) -> None:
    policy(shop, "lost:end")
    ada, customer = await disputed(shop)
    await client.post(f"{DISPUTES}/{(await only(client, ada))['id']}/accept")
    assert ((await shop.status(ada)).plan, (await shop.status(ada)).subscription) == ("free", None)
    await hear_of_disputes(shop, customer)
    assert sorted(each.name for each in told) == [
        "billing.dispute_closed",
        "billing.dispute_opened",
        "billing.subscription_ended",
    ]


async def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(
    shop: Shop, client: httpx.AsyncClient, told: list[Event]
) -> None:
    policy(shop, "open:restrict")
    ada, customer = await disputed(shop, INQUIRY)
    found = await only(client, ada)
    assert (found["stage"], found["withdrawn"]["amount"]) == ("inquiry", 0)
    assert (await shop.status(ada)).plan == "pro"
    evidence = {"uncategorized_text": "escalate_inquiry_evidence", "submit": True}
    await client.post(f"{DISPUTES}/{found['id']}/evidence", json=evidence)
    await time_passes(shop, minutes=5)
    await hear_of_disputes(shop, customer)
    assert (await only(client, ada))["stage"] == "open"
    assert (await shop.status(ada)).plan == "free"
    assert [each.inquiry for each in told if isinstance(each, DisputeOpened)] == [True, False]


async def test_the_deadline_is_told_of_once(shop: Shop, clock: FixedClock, told: list[Event]) -> None:
    await disputed(shop)
    [opened] = told
    assert isinstance(opened, DisputeOpened)
    assert opened.deadline is not None
    async with shop.runtime.transaction() as tx:
        reminder = await payments.next_due(tx, tx.now)
        assert reminder == opened.deadline - timedelta(days=3)
        assert await payments.next_due(tx, reminder) == opened.deadline
        assert await payments.next_due(tx, opened.deadline) is None
    for days in (0, 5, 2, 1):
        clock.advance(timedelta(days=days))
        async with shop.runtime.transaction() as tx:
            await dispute_reminders.handler(tx)
    [due] = told[1:]
    assert isinstance(due, DisputeEvidenceDue)
    assert due.deadline == opened.deadline


async def test_a_dispute_that_is_answered_is_not_reminded_of(
    shop: Shop, client: httpx.AsyncClient, clock: FixedClock, told: list[Event]
) -> None:
    ada, _ = await disputed(shop)
    path = f"{DISPUTES}/{(await only(client, ada))['id']}/evidence"
    assert (await client.post(path, json={"customer_name": "Ada", "submit": True})).is_success
    clock.advance(timedelta(days=8))
    async with shop.runtime.transaction() as tx:
        await dispute_reminders.handler(tx)
    assert [each.name for each in told] == ["billing.dispute_opened"]


@pytest.mark.parametrize("role", list(Role))
async def test_members_see_their_own_and_answer_none(shop: Shop, client: httpx.AsyncClient, role: Role) -> None:
    ada, _ = await disputed(shop)
    dispute = (await only(client, ada))["id"]
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[role], ada.id)
    [seen] = (await client.get(DISPUTES)).json()["data"]
    assert (seen["id"], seen["evidence"]) == (dispute, None)
    for what, body in (("evidence", {"submit": True}), ("accept", None), ("release", None)):
        answer = await client.post(f"{DISPUTES}/{dispute}/{what}", json=body)
        assert (answer.status_code, answer.json()["permission"]) == (403, "billing:refund")
    eve = await shop.organization("Eve")
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[role], eve.id)
    assert (await client.get(DISPUTES)).json()["data"] == []
    assert (await client.get(f"{DISPUTES}/{dispute}")).status_code == 404


async def test_evidence_says_something(shop: Shop, client: httpx.AsyncClient) -> None:
    ada, _ = await disputed(shop)
    path = f"{DISPUTES}/{(await only(client, ada))['id']}/evidence"
    for body in ({}, {"usage_log": True, "access_activity_log": "by hand"}, {"customer_email_address": "nobody"}):
        assert (await client.post(path, json=body)).status_code == 422
