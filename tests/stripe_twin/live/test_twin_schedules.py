"""Schedules, pauses and changes that wait: a subscription that becomes another later, or rests."""

import time
from typing import Any

import pytest
import stripe

from .conftest import Shop

DAY = 86_400


def bought(shop: Shop, card: str = "pm_card_visa", **more: Any) -> stripe.Subscription:
    given: Any = {"customer": shop.customer(card).id, "items": [{"price": shop.price().id}], **more}
    return shop.v1.subscriptions.create(given)


def totals(shop: Shop, subscription: str) -> list[int]:
    return [invoice.total for invoice in shop.v1.invoices.list({"subscription": subscription}).data]


def phase_of(schedule: stripe.SubscriptionSchedule) -> Any:
    first: Any = schedule.phases[0]
    return {
        "items": [{"price": str(first["items"][0].price), "quantity": 1}],
        "start_date": first.start_date,
        "end_date": first.end_date,
    }


def test_a_downgrade_waits_for_the_end_of_the_period(own_shop: Shop) -> None:
    subscription = bought(own_shop)
    smaller = own_shop.price(900)
    schedules = own_shop.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    assert own_shop.v1.subscriptions.retrieve(subscription.id).schedule == schedule.id
    phases: Any = [phase_of(schedule), {"items": [{"price": smaller.id}], "iterations": 1}]
    schedules.update(schedule.id, {"phases": phases, "end_behavior": "release"})
    assert totals(own_shop, subscription.id) == [2000]
    own_shop.twin.advance(32 * DAY)
    after = own_shop.v1.subscriptions.retrieve(subscription.id)
    assert after["items"]["data"][0]["price"]["id"] == smaller.id
    assert totals(own_shop, subscription.id) == [900, 2000]
    own_shop.twin.advance(31 * DAY)
    assert schedules.retrieve(schedule.id).status == "released"
    assert own_shop.v1.subscriptions.retrieve(subscription.id).schedule is None
    assert totals(own_shop, subscription.id) == [900, 900, 2000]


def test_a_schedule_starts_ends_and_cancels_its_subscription(own_shop: Shop) -> None:
    customer = own_shop.customer()
    phases: Any = [{"items": [{"price": own_shop.price(700).id, "quantity": 2}], "iterations": 2}]
    later = int(time.time()) + 5 * DAY
    schedule = own_shop.v1.subscription_schedules.create(
        {"customer": customer.id, "start_date": later, "end_behavior": "cancel", "phases": phases}
    )
    assert (schedule.status, schedule.subscription) == ("not_started", None)
    own_shop.twin.advance(6 * DAY)
    running = own_shop.v1.subscription_schedules.retrieve(schedule.id)
    assert running.status == "active"
    subscription = str(running.subscription)
    assert totals(own_shop, subscription) == [1400]
    own_shop.twin.advance(70 * DAY)
    assert own_shop.v1.subscription_schedules.retrieve(schedule.id).status == "completed"
    assert own_shop.v1.subscriptions.retrieve(subscription).status == "canceled"
    assert totals(own_shop, subscription) == [1400, 1400]
    assert {"subscription_schedule.expiring", "subscription_schedule.completed"} <= set(own_shop.events_of(schedule.id))


def test_a_schedule_can_be_released_or_canceled(shop: Shop) -> None:
    one = bought(shop)
    schedules = shop.v1.subscription_schedules
    freed = schedules.release(schedules.create({"from_subscription": one.id}).id)
    assert (freed.status, freed.released_subscription) == ("released", one.id)
    other = bought(shop)
    ended = schedules.cancel(schedules.create({"from_subscription": other.id}).id)
    assert ended.status == "canceled"
    assert shop.v1.subscriptions.retrieve(other.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="canceled"):
        schedules.release(ended.id)


def test_paused_collection_voids_what_the_renewal_brings(own_shop: Shop) -> None:
    subscription = bought(own_shop)
    update = own_shop.v1.subscriptions.update
    paused = update(subscription.id, {"pause_collection": {"behavior": "void"}})
    assert paused.pause_collection
    assert (paused.status, paused.pause_collection.behavior) == ("active", "void")
    own_shop.twin.advance(32 * DAY)
    assert own_shop.v1.invoices.list({"subscription": subscription.id}).data[0].status == "void"
    assert update(subscription.id, {"pause_collection": ""}).pause_collection is None


def test_a_trial_without_a_card_pauses_and_resumes_when_paid(own_shop: Shop) -> None:
    customer = own_shop.customer(None)
    given: Any = {
        "customer": customer.id,
        "items": [{"price": own_shop.price().id}],
        "trial_period_days": 7,
        "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
    }
    subscription = own_shop.v1.subscriptions.create(given)
    own_shop.twin.advance(8 * DAY)
    assert own_shop.v1.subscriptions.retrieve(subscription.id).status == "paused"
    told = own_shop.events_of(subscription.id)
    assert told[-1] == "customer.subscription.paused"
    assert "customer.subscription.trial_will_end" in told
    method = own_shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    own_shop.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    assert own_shop.v1.subscriptions.resume(subscription.id).status == "active"
    assert totals(own_shop, subscription.id)[0] == 2000
    assert own_shop.events_of(subscription.id)[-1] == "customer.subscription.resumed"


def test_a_change_that_is_not_paid_waits_and_is_forgotten(own_shop: Shop) -> None:
    subscription = bought(own_shop)
    item = subscription["items"]["data"][0]["id"]
    customer = str(subscription.customer)
    bad = own_shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    own_shop.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": bad.id}})
    wanted: Any = {
        "items": [{"id": item, "price": own_shop.price(9000).id}],
        "payment_behavior": "pending_if_incomplete",
        "proration_behavior": "always_invoice",
    }
    waiting = own_shop.v1.subscriptions.update(subscription.id, wanted)
    assert waiting.pending_update
    assert waiting["items"]["data"][0]["price"]["unit_amount"] == 2000
    assert waiting.status == "active"
    own_shop.twin.advance(DAY)
    after = own_shop.v1.subscriptions.retrieve(subscription.id)
    assert after.pending_update is None
    assert own_shop.v1.invoices.retrieve(str(after.latest_invoice)).status == "void"
    again = own_shop.v1.subscriptions.update(subscription.id, wanted)
    own_shop.v1.invoices.pay(str(again.latest_invoice), {"payment_method": "pm_card_visa"})
    applied = own_shop.v1.subscriptions.retrieve(subscription.id)
    assert applied["items"]["data"][0]["price"]["unit_amount"] == 9000
    assert own_shop.events_of(subscription.id)[-1] == "customer.subscription.pending_update_applied"


def test_the_next_invoice_is_announced_a_week_before(own_shop: Shop) -> None:
    subscription = bought(own_shop)
    own_shop.twin.advance(26 * DAY)
    told = own_shop.v1.events.list({"type": "invoice.upcoming"}).data
    assert len(told) == 1
    upcoming: Any = told[0].data.object
    assert (upcoming["total"], upcoming["billing_reason"]) == (2000, "subscription_cycle")
    assert totals(own_shop, subscription.id) == [2000]


def test_a_sent_invoice_becomes_overdue(own_shop: Shop) -> None:
    customer = own_shop.customer(None)
    own_shop.v1.invoice_items.create({"customer": customer.id, "amount": 500, "currency": "usd"})
    made = own_shop.v1.invoices.create(
        {
            "customer": customer.id,
            "collection_method": "send_invoice",
            "days_until_due": 5,
            "pending_invoice_items_behavior": "include",
        }
    )
    own_shop.v1.invoices.send_invoice(made.id)
    own_shop.twin.advance(6 * DAY)
    assert own_shop.events_of(made.id)[-1] == "invoice.overdue"
    assert own_shop.v1.invoices.mark_uncollectible(made.id).status == "uncollectible"


def test_a_price_off_sale_is_left_at_the_end_of_the_period(own_shop: Shop) -> None:
    subscription = bought(own_shop)
    old, smaller = own_shop.v1.subscriptions.retrieve(subscription.id)["items"]["data"][0]["price"], own_shop.price(900)
    sold = own_shop.v1.prices.update
    sold(old["id"], {"active": False})
    schedules = own_shop.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    phases: Any = [phase_of(schedule), {"items": [{"price": smaller.id}], "iterations": 1}]
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        schedules.update(schedule.id, {"phases": phases})
    sold(old["id"], {"active": True})
    schedules.update(schedule.id, {"phases": phases})
    sold(old["id"], {"active": False})
    own_shop.twin.advance(32 * DAY)
    assert totals(own_shop, subscription.id) == [900, 2000]
