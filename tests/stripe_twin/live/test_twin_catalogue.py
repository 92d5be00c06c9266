from decimal import Decimal

import pytest
import stripe

from .conftest import Shop


def test_a_lookup_key_belongs_to_one_price_until_it_is_moved(shop: Shop) -> None:
    old = shop.price(lookup_key="moving")
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.price(2500, lookup_key="moving")
    new = shop.price(2500, lookup_key="moving", transfer_lookup_key=True)
    assert shop.v1.prices.retrieve(old.id).lookup_key is None
    assert [price.id for price in shop.v1.prices.list({"lookup_keys": ["moving", "other"]}).data] == [new.id]


def test_prices_are_listed_by_product_and_activity(shop: Shop) -> None:
    kept, dropped = shop.price(), shop.price()
    shop.v1.prices.update(dropped.id, {"active": False})
    active = shop.v1.prices.list({"product": shop.product.id, "active": True}).data
    assert [price.id for price in active] == [kept.id]
    gone = shop.v1.prices.list({"product": shop.product.id, "active": False}).data
    assert [price.id for price in gone] == [dropped.id]


def test_decimal_amounts_are_exact(shop: Shop) -> None:
    price = shop.price(2000)
    assert price.unit_amount_decimal == Decimal(2000)
    tiny = shop.v1.prices.create(
        {
            "product": shop.product.id,
            "currency": "usd",
            "unit_amount_decimal": Decimal("0.05"),
            "recurring": {"interval": "month"},
        }
    )
    assert tiny.unit_amount is None
    assert tiny.unit_amount_decimal == Decimal("0.05")


def test_a_price_needs_an_amount_and_a_product(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="unit_amount"):
        shop.v1.prices.create({"product": shop.product.id, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="No such product: 'prod_x'"):
        shop.v1.prices.create({"product": "prod_x", "currency": "usd", "unit_amount": 1})


def test_metadata_merges_and_unsets(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "M", "metadata": {"a": "1", "b": "2"}})
    changed = shop.v1.products.update(product.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}


def test_a_product_with_prices_stays(shop: Shop) -> None:
    shop.price()
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        shop.v1.products.delete(shop.product.id)
    assert shop.v1.products.delete(shop.v1.products.create({"name": "Empty"}).id).deleted is True


def test_an_update_event_names_only_what_changed(shop: Shop) -> None:
    shop.v1.products.update(shop.product.id, {"name": "Pro", "description": "More"})
    event = shop.v1.events.list({"type": "product.updated"}).data[0].to_dict()
    assert event["data"]["object"]["description"] == "More"
    assert set(event["data"]["previous_attributes"]) <= {"description", "updated"}
    assert event["data"]["previous_attributes"]["description"] is None
    assert event["request"]["id"].startswith("req_")


def test_a_deleted_customer_leaves_a_stub_and_no_subscription(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.price().id}]})
    assert shop.v1.customers.delete(customer.id).deleted is True
    assert shop.v1.customers.retrieve(customer.id).to_dict() == {
        "id": customer.id,
        "object": "customer",
        "deleted": True,
    }
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.checkout(customer=customer.id)
