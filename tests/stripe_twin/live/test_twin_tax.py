"""Automatic tax by the invented table, tax ids with their forms, and what the checkout page asks because of tax."""

from typing import Any

import pytest
import stripe

from stripe_twin.rules.places import PLACES, TAX_IDS, fits, kind_for, place_of

from .conftest import Shop

GOOD = "4242424242424242"
ASKING: dict[str, Any] = {
    "automatic_tax": {"enabled": True},
    "billing_address_collection": "required",
    "customer_update": {"address": "auto", "name": "auto"},
    "tax_id_collection": {"enabled": True},
}


def preview(shop: Shop, customer: str) -> stripe.Invoice:
    given: Any = {
        "customer": customer,
        "automatic_tax": {"enabled": True},
        "subscription_details": {"items": [{"price": shop.price(1000).id}]},
    }
    return shop.v1.invoices.create_preview(given)


def located(shop: Shop, country: str, **more: str) -> str:
    customer = shop.customer().id
    address: Any = {"country": country, **more}
    shop.v1.customers.update(customer, {"address": address})
    return customer


def test_every_place_is_found_by_country_or_state() -> None:
    for (country, state), place in PLACES.items():
        assert place_of(country, state or None) == place
    assert place_of("US", "TX") is None
    assert place_of(None, None) is None


def test_tax_ids_have_the_form_of_their_kind() -> None:
    assert fits("eu_vat", "DE 123 456 789")
    assert not fits("eu_vat", "US123456789")
    assert kind_for("GB", "GB123456789") == "gb_vat"
    assert kind_for("DE", "nonsense") is None
    assert {"eu_vat", "us_ein"} <= TAX_IDS.keys()


@pytest.mark.parametrize(("country", "state", "total"), [("DE", "", 1190), ("US", "NY", 1089), ("BR", "", 1000)])
def test_a_preview_is_taxed_where_the_customer_is(shop: Shop, country: str, state: str, total: int) -> None:
    more = {"state": state} if state else {}
    assert preview(shop, located(shop, country, **more)).total == total


def test_a_business_abroad_accounts_for_the_tax_itself_unless_its_number_is_wrong(shop: Shop) -> None:
    def with_number(country: str, value: str) -> stripe.Invoice:
        customer = located(shop, country)
        shop.v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": value})
        return preview(shop, customer)

    reversed_ = with_number("DE", "DE123456789")
    assert reversed_.total == 1000
    assert [tax.taxability_reason for tax in reversed_.total_taxes or []] == ["reverse_charge"]
    assert with_number("DE", "DE111111111").total == 1190, "not found in the register"
    assert with_number("IE", "IE1234567AB").total == 1230, "at home"


@pytest.mark.parametrize(("kind", "value", "param"), [("eu_vat", "12", "value"), ("xx_vat", "DE1", "type")])
def test_what_is_no_tax_id_is_refused(shop: Shop, kind: Any, value: str, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.tax_ids.create(shop.customer().id, {"type": kind, "value": value})
    assert refused.value.param == param


def test_the_page_asks_and_keeps_what_the_buyer_says(shop: Shop) -> None:
    customer = shop.customer(None).id
    given: Any = {"customer": customer, "line_items": [{"price": shop.price(2000).id, "quantity": 1}], **ASKING}
    session = shop.checkout(**given)
    untold = shop.submit(session, GOOD)
    assert untold.status_code == 422
    assert "two letters of your country" in untold.text
    said = {"country": "de", "city": "Berlin", "business": "Ada GmbH", "tax_id": "DE111111111"}
    assert shop.submit(session, GOOD, **said).status_code == 303
    done = shop.v1.checkout.sessions.retrieve(session.id)
    assert (done.amount_total, done.total_details.amount_tax if done.total_details else None) == (2380, 380)
    kept = shop.v1.customers.retrieve(customer, {"expand": ["tax_ids"]})
    assert (kept.name, kept.address.city if kept.address else None) == ("Ada GmbH", "Berlin")
    assert [each.value for each in kept.tax_ids.data] == ["DE111111111"] if kept.tax_ids else False
    listed = shop.v1.invoices.list({"customer": customer})
    assert [(each.total, each.status) for each in listed.data] == [(2380, "paid")]


def test_collecting_tax_ids_of_a_known_customer_needs_leave_to_keep_the_name(shop: Shop) -> None:
    given: Any = {"customer": shop.customer().id, "line_items": [{"price": shop.price().id, "quantity": 1}]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(**given, tax_id_collection={"enabled": True})
    assert refused.value.param == "customer_update[name]"
