"""Test clocks: what lives on one sees only its time, and catches up in order when it is advanced."""

import time
from typing import Any

import pytest
import stripe

from .conftest import Shop, wait_until

DAY = 86_400
START = int(time.time()) - 300 * DAY


def clock(shop: Shop) -> Any:
    return shop.v1.test_helpers.test_clocks.create({"frozen_time": START, "name": "a year"})


def subscribe(shop: Shop, test_clock: str, **more: Any) -> stripe.Subscription:
    customer = shop.v1.customers.create({"email": "clock@example.com", "test_clock": test_clock})
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    settings: Any = {"default_payment_method": method.id}
    shop.v1.customers.update(customer.id, {"invoice_settings": settings})
    given: Any = {"customer": customer.id, "items": [{"price": shop.price().id}], **more}
    return shop.v1.subscriptions.create(given)


def advance(shop: Shop, ident: str, to: int) -> None:
    moved = shop.v1.test_helpers.test_clocks.advance(ident, {"frozen_time": to})
    assert moved.status == "advancing"
    wait_until(lambda: shop.v1.test_helpers.test_clocks.retrieve(ident).status == "ready")


def test_a_clock_renews_what_is_on_it_and_nothing_else(shop: Shop) -> None:
    made = clock(shop)
    bought = subscribe(shop, made.id)
    assert (bought.created, bought.test_clock) == (START, made.id)
    advance(shop, made.id, START + 32 * DAY)
    invoices = shop.v1.invoices.list({"subscription": bought.id}).data
    assert [invoice.billing_reason for invoice in invoices] == ["subscription_cycle", "subscription_create"]
    assert {invoice.status for invoice in invoices} == {"paid"}
    assert START + 27 * DAY < invoices[0].created < START + 32 * DAY
    assert shop.events_of(made.id) == [
        "test_helpers.test_clock.created",
        "test_helpers.test_clock.advancing",
        "test_helpers.test_clock.ready",
    ]


def test_a_clock_goes_forward_only_and_at_most_two_intervals(shop: Shop) -> None:
    made = clock(shop)
    subscribe(shop, made.id)
    clocks = shop.v1.test_helpers.test_clocks
    for wrong in (START, START - 1, START + 80 * DAY):
        with pytest.raises(stripe.InvalidRequestError):
            clocks.advance(made.id, {"frozen_time": wrong})
    empty = clock(shop)
    with pytest.raises(stripe.InvalidRequestError):
        clocks.advance(empty.id, {"frozen_time": START + 800 * DAY})
    advance(shop, empty.id, START + 700 * DAY)


def test_lists_leave_out_what_is_on_a_clock_unless_it_is_named(shop: Shop) -> None:
    made = clock(shop)
    bought = subscribe(shop, made.id)
    assert [found.id for found in shop.v1.subscriptions.list({"test_clock": made.id}).data] == [bought.id]
    everyone = [found.id for found in shop.v1.customers.list({"limit": 100}).data]
    assert bought.customer not in everyone


def test_a_deleted_clock_takes_its_customers_along(shop: Shop) -> None:
    made = clock(shop)
    bought = subscribe(shop, made.id)
    assert shop.v1.test_helpers.test_clocks.delete(made.id).deleted is True
    assert shop.v1.subscriptions.retrieve(bought.id).status == "canceled"
    assert shop.events_of(made.id)[-1] == "test_helpers.test_clock.deleted"
