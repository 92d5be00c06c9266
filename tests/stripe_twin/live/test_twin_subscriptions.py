from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from .conftest import Shop

DAY = 86_400


def subscribe(shop: Shop, card: str | None = "pm_card_visa", price: stripe.Price | None = None, **more: Any) -> Any:
    customer = shop.customer(card)
    chosen = price or shop.price()
    wanted: Any = {"customer": customer.id, "items": [{"price": chosen.id}], **more}
    return shop.v1.subscriptions.create(wanted)


def fresh(shop: Shop, subscription: Any) -> dict[str, Any]:
    shown: dict[str, Any] = shop.v1.subscriptions.retrieve(subscription.id).to_dict()
    return shown


def change(shop: Shop, subscription: Any, price: stripe.Price, **more: Any) -> dict[str, Any]:
    item = subscription["items"]["data"][0]["id"]
    wanted: Any = {"items": [{"id": item, "price": price.id}], "expand": ["latest_invoice"], **more}
    shown: dict[str, Any] = shop.v1.subscriptions.update(subscription.id, wanted).to_dict()
    return shown


def test_it_starts_active_when_the_card_is_good(shop: Shop) -> None:
    subscription = subscribe(shop)
    assert subscription.status == "active"
    assert subscription.billing_mode.type == "flexible"
    assert shop.events_of(subscription.id) == ["customer.subscription.created", "customer.subscription.updated"]
    invoice = subscription.latest_invoice
    assert shop.events_of(invoice) == [
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.updated",
        "invoice.paid",
        "invoice.updated",
        "invoice.payment_succeeded",
    ]


def test_a_refused_first_payment_leaves_it_incomplete_and_it_can_be_paid_later(shop: Shop) -> None:
    subscription = subscribe(shop, "pm_card_chargeCustomerFail")
    assert subscription.status == "incomplete"
    invoice = shop.v1.invoices.retrieve(subscription.latest_invoice)
    assert (invoice.status, invoice.attempt_count, invoice.next_payment_attempt) == ("open", 1, None)
    assert "invoice.payment_failed" in shop.events_of(invoice.id)
    paid = shop.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "paid"
    assert fresh(shop, subscription)["status"] == "active"


def test_payment_behaviors(shop: Shop) -> None:
    waiting = subscribe(
        shop, None, payment_behavior="default_incomplete", expand=["latest_invoice.confirmation_secret"]
    )
    assert waiting.status == "incomplete"
    intent = waiting.latest_invoice.confirmation_secret.client_secret.split("_secret_")[0]
    assert shop.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"}).status == "succeeded"
    assert fresh(shop, waiting)["status"] == "active"
    customer = shop.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as caught:
        shop.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": shop.price().id}],
                "payment_behavior": "error_if_incomplete",
            }
        )
    assert caught.value.code == "card_declined"
    assert shop.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        subscribe(shop, None)


def test_a_card_that_wants_authentication_waits_for_the_buyer(shop: Shop) -> None:
    subscription = subscribe(shop, "pm_card_authenticationRequired", expand=["latest_invoice.payments"])
    assert subscription.status == "incomplete"
    invoice = subscription.latest_invoice.to_dict()
    assert (invoice["status"], invoice["attempted"], invoice["attempt_count"]) == ("open", True, 0)
    intent = shop.v1.payment_intents.retrieve(invoice["payments"]["data"][0]["payment"]["payment_intent"])
    assert intent.status == "requires_action"
    assert "invoice.payment_action_required" in shop.events_of(invoice["id"])


def test_an_upgrade_invoiced_at_once_credits_and_charges_by_the_second(own_shop: Shop) -> None:
    subscription = subscribe(own_shop)
    period = subscription["items"]["data"][0]
    length = period["current_period_end"] - period["current_period_start"]
    own_shop.twin.advance(length // 3)
    changed = change(own_shop, subscription, own_shop.price(5000), proration_behavior="always_invoice")
    invoice = changed["latest_invoice"]
    assert invoice["billing_reason"] == "subscription_update"
    credit, debit = (line["amount"] for line in invoice["lines"]["data"])
    assert credit == pytest.approx(-1333, abs=1)
    assert debit == pytest.approx(3333, abs=1)
    assert (invoice["total"], invoice["status"]) == (credit + debit, "paid")
    details = invoice["lines"]["data"][0]["parent"]["subscription_item_details"]
    assert details["proration"] is True
    item = changed["items"]["data"][0]
    assert (item["price"]["unit_amount"], item["current_period_end"]) == (5000, period["current_period_end"])
    event = own_shop.v1.events.list({"type": "customer.subscription.updated"}).data[0].to_dict()
    old = event["data"]["previous_attributes"]["items"]["data"][0]
    assert old["price"]["unit_amount"] == 2000


def test_a_downgrade_becomes_credit_for_the_next_invoice(shop: Shop) -> None:
    subscription = subscribe(shop, price=shop.price(5000))
    changed = change(shop, subscription, shop.price(2000), proration_behavior="always_invoice")
    assert (changed["latest_invoice"]["amount_due"], changed["latest_invoice"]["status"]) == (0, "paid")
    balance = shop.v1.customers.retrieve(changed["customer"]).balance
    assert balance == pytest.approx(-3000, abs=2)


def test_prorations_wait_for_the_renewal_unless_switched_off(own_shop: Shop) -> None:
    subscription = subscribe(own_shop)
    change(own_shop, subscription, own_shop.price(3000))
    waiting = own_shop.v1.invoice_items.list({"customer": subscription.customer, "pending": True}).data
    assert sum(item.amount for item in waiting) == pytest.approx(1000, abs=2)
    preview = own_shop.v1.invoices.create_preview({"subscription": subscription.id})
    assert preview.amount_due == pytest.approx(4000, abs=2)
    assert len(own_shop.v1.invoices.list({"customer": subscription.customer}).data) == 1
    end = fresh(own_shop, subscription)["items"]["data"][0]["current_period_end"]
    own_shop.twin.advance(end - int(datetime.now(UTC).timestamp()) + 3700)
    renewed = own_shop.v1.invoices.list({"customer": subscription.customer}).data[0]
    assert (renewed.total, renewed.status) == (preview.amount_due, "paid")
    quiet = subscribe(own_shop)
    change(own_shop, quiet, own_shop.price(3000), proration_behavior="none")
    assert own_shop.v1.invoice_items.list({"customer": quiet.customer, "pending": True}).data == []


def test_from_monthly_to_yearly_the_anchor_stays_or_restarts(shop: Shop) -> None:
    yearly = shop.price(20000, "year")
    stays = subscribe(shop)
    changed = change(shop, stays, yearly, proration_behavior="always_invoice")
    assert changed["billing_cycle_anchor"] == stays.billing_cycle_anchor
    assert changed["latest_invoice"]["total"] == pytest.approx(18000, abs=2)
    restarts = subscribe(shop)
    anchor: Any = {"type": "now"}
    changed = change(shop, restarts, yearly, billing_cycle_anchor=anchor)
    item = changed["items"]["data"][0]
    assert item["current_period_end"] - item["current_period_start"] in (365 * DAY, 366 * DAY)
    assert [line["amount"] for line in changed["latest_invoice"]["lines"]["data"]][-1] == 20000


def test_ending_with_the_period_can_be_taken_back(shop: Shop) -> None:
    subscription = subscribe(shop)
    ending = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True}).to_dict()
    assert ending["cancel_at"] == ending["items"]["data"][0]["current_period_end"]
    assert ending["canceled_at"]
    assert ending["cancellation_details"]["reason"] == "cancellation_requested"
    again = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False}).to_dict()
    assert (again["cancel_at"], again["canceled_at"], again["status"]) == (None, None, "active")


def test_canceling_now_is_final(shop: Shop) -> None:
    subscription = subscribe(shop)
    ended = shop.v1.subscriptions.cancel(subscription.id)
    assert (ended.status, bool(ended.ended_at)) == ("canceled", True)
    assert shop.events_of(subscription.id)[-1] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        shop.v1.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert shop.v1.subscriptions.list({"customer": subscription.customer}).data == []
    assert len(shop.v1.subscriptions.list({"customer": subscription.customer, "status": "all"}).data) == 1


def test_it_renews_three_times_and_keeps_its_day(own_shop: Shop) -> None:
    subscription = subscribe(own_shop)
    anchor = datetime.fromtimestamp(subscription.billing_cycle_anchor, UTC)
    for month in range(3):
        end = fresh(own_shop, subscription)["items"]["data"][0]["current_period_end"]
        now = own_shop.twin.raw("GET", "/_twin/health").json()["now"]
        own_shop.twin.advance(end - now + 1)
        latest = own_shop.v1.invoices.retrieve(fresh(own_shop, subscription)["latest_invoice"])
        assert (latest.status, latest.billing_reason) == ("draft", "subscription_cycle")
        own_shop.twin.advance(3600)
        assert own_shop.v1.invoices.retrieve(latest.id).status == "paid"
        item = fresh(own_shop, subscription)["items"]["data"][0]
        moved = datetime.fromtimestamp(item["current_period_end"], UTC)
        months = (moved.year - anchor.year) * 12 + moved.month - anchor.month
        assert months == month + 2
        assert moved.day == anchor.day or moved.day < anchor.day <= 31
        assert item["current_period_start"] == end
    assert len(own_shop.v1.invoices.list({"subscription": subscription.id}).data) == 4


def test_a_renewal_that_fails_is_tried_for_two_weeks_and_then_ends_it(own_shop: Shop) -> None:
    subscription = subscribe(own_shop)
    bad = own_shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": subscription.customer})
    own_shop.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    own_shop.twin.advance(32 * DAY)
    failing = fresh(own_shop, subscription)
    assert failing["status"] == "past_due"
    invoice = own_shop.v1.invoices.retrieve(failing["latest_invoice"])
    assert (invoice.status, invoice.attempt_count >= 1) == ("open", True)
    assert invoice.next_payment_attempt
    assert own_shop.v1.customers.retrieve(subscription.customer).delinquent is True
    own_shop.twin.advance(15 * DAY)
    ended = fresh(own_shop, subscription)
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    failures = own_shop.v1.events.list({"type": "invoice.payment_failed"}).data
    assert len(failures) == 9


def test_a_good_card_heals_a_past_due_subscription(own_shop: Shop) -> None:
    subscription = subscribe(own_shop)
    bad = own_shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": subscription.customer})
    own_shop.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    own_shop.twin.advance(32 * DAY)
    own_shop.v1.subscriptions.update(subscription.id, {"default_payment_method": ""})
    own_shop.twin.advance(3 * DAY)
    healed = fresh(own_shop, subscription)
    assert healed["status"] == "active"
    assert own_shop.v1.customers.retrieve(subscription.customer).delinquent is False


def test_time_ends_what_was_to_end(own_shop: Shop) -> None:
    ending = subscribe(own_shop, cancel_at_period_end=True)
    unpaid = subscribe(own_shop, "pm_card_chargeCustomerFail")
    trial = subscribe(own_shop, trial_period_days=7)
    assert trial.status == "trialing"
    own_shop.twin.advance(24 * 3600)
    assert fresh(own_shop, unpaid)["status"] == "incomplete_expired"
    assert own_shop.v1.invoices.retrieve(unpaid.latest_invoice).status == "void"
    own_shop.twin.advance(7 * DAY)
    assert fresh(own_shop, trial)["status"] == "active"
    assert own_shop.v1.invoices.retrieve(fresh(own_shop, trial)["latest_invoice"]).total == 2000
    own_shop.twin.advance(25 * DAY)
    assert fresh(own_shop, ending)["status"] == "canceled"
    assert fresh(own_shop, ending)["ended_at"] == ending.cancel_at


def test_items_are_added_changed_and_taken_off(shop: Shop) -> None:
    subscription = subscribe(shop)
    added = shop.v1.subscription_items.create({"subscription": subscription.id, "price": shop.price(500).id})
    assert shop.v1.subscription_items.update(added.id, {"quantity": 3}).quantity == 3
    assert len(shop.v1.subscription_items.list({"subscription": subscription.id}).data) == 2
    assert shop.v1.subscription_items.delete(added.id).deleted is True
    assert len(fresh(shop, subscription)["items"]["data"]) == 1


def test_invoices_on_their_own(shop: Shop) -> None:
    customer = shop.customer()
    shop.v1.invoice_items.create({"customer": customer.id, "amount": 700, "currency": "usd", "description": "Setup"})
    draft = shop.v1.invoices.create(
        {
            "customer": customer.id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "pending_invoice_items_behavior": "include",
        }
    )
    assert (draft.status, draft.number, draft.total) == ("draft", None, 700)
    final = shop.v1.invoices.finalize_invoice(draft.id)
    assert final.status == "open"
    assert final.number
    assert final.number.endswith("-0001")
    assert final.hosted_invoice_url
    page = shop.twin.raw("GET", final.hosted_invoice_url.removeprefix(shop.twin.base))
    assert "$7.00" in page.text
    assert shop.v1.invoices.void_invoice(final.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError, match="voided"):
        shop.v1.invoices.pay(final.id)
