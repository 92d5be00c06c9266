"""Metered, tiered and packaged prices: what was used is rated on the invoice of the renewal."""

import time
from decimal import Decimal
from typing import Any

import pytest
import stripe

from stripe_twin.rules.amounts import cost

from .conftest import Shop

DAY = 86_400


def meter(shop: Shop, name: str, formula: Any = "sum") -> Any:
    return shop.v1.billing.meters.create(
        {"display_name": name, "event_name": name, "default_aggregation": {"formula": formula}}
    )


def use(shop: Shop, name: str, customer: str, value: int, **more: Any) -> Any:
    payload = {"stripe_customer_id": customer, "value": str(value)}
    given: Any = {"event_name": name, "payload": payload, **more}
    return shop.v1.billing.meter_events.create(given)


def test_use_is_billed_after_the_period_with_graduated_tiers(own_shop: Shop) -> None:
    calls = meter(own_shop, "calls")
    recurring = {"interval": "month", "usage_type": "metered", "meter": calls.id}
    tiers: Any = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount_decimal": "0.5"}]
    wanted: Any = {
        "product": own_shop.product.id,
        "currency": "usd",
        "recurring": recurring,
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": tiers,
    }
    price = own_shop.v1.prices.create(wanted)
    customer = own_shop.customer()
    bought = own_shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    use(own_shop, "calls", customer.id, 8)
    use(own_shop, "calls", customer.id, 5, identifier="once")
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        use(own_shop, "calls", customer.id, 5, identifier="once")
    now = int(time.time())
    found = own_shop.v1.billing.meters.event_summaries.list(
        calls.id, {"customer": customer.id, "start_time": now - DAY, "end_time": now + DAY}
    )
    assert found.data[0].aggregated_value == 13
    own_shop.twin.advance(32 * DAY)
    invoice = own_shop.v1.invoices.list({"subscription": bought.id}).data[0]
    assert (invoice.lines.data[0].quantity, invoice.total) == (13, 1000 + 2)


def test_unknown_meters_customers_and_values_are_refused(shop: Shop) -> None:
    customer = shop.customer()
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        use(shop, "nothing", customer.id, 1)
    made = meter(shop, "tokens")
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        use(shop, "tokens", "cus_nobody", 1)
    with pytest.raises(stripe.InvalidRequestError, match="35 calendar days"):
        use(shop, "tokens", customer.id, 1, timestamp=int(time.time()) - 40 * DAY)
    assert shop.v1.billing.meters.deactivate(made.id).status == "inactive"
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        use(shop, "tokens", customer.id, 1)


@pytest.mark.parametrize(("quantity", "way", "amount"), [(10, "up", 500), (11, "up", 1000), (19, "down", 500)])
def test_packages_are_counted_whole(quantity: int, way: str, amount: int) -> None:
    price = {
        "billing_scheme": "per_unit",
        "unit_amount_decimal": "500",
        "transform_quantity": {"divide_by": 10, "round": way},
    }
    assert cost(price, Decimal(quantity)) == amount
