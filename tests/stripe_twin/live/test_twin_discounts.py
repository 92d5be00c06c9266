"""Coupons, promotion codes and tax rates: what they take off and put on, for how long, and where they are refused."""

from typing import Any

import pytest
import stripe

from stripe_twin.rules.pricing import price_lines, spread

from .conftest import Shop

DAY = 86_400


def line(amount: int, **more: Any) -> dict[str, Any]:
    price = {"price_details": {"product": "prod_a"}}
    return {"amount": amount, "discountable": True, "pricing": price, **more}


def off(**more: Any) -> dict[str, Any]:
    return {"id": "di_1", "percent_off": None, "amount_off": None, "products": None, **more}


def rate(share: float, *, inclusive: bool) -> dict[str, Any]:
    return {"id": f"txr_{share}", "percentage": share, "inclusive": inclusive}


def test_each_line_is_discounted_and_rounded_by_itself() -> None:
    sums = price_lines([line(333), line(333), line(-100)], [off(percent_off=50)], [], "none")
    assert (sums["subtotal"], sums["total"]) == (566, 566 - 167 - 167)
    assert sums["total_discount_amounts"] == [{"amount": 334, "discount": "di_1"}]


def test_a_fixed_amount_is_parted_to_the_last_unit_and_never_more_than_there_is() -> None:
    assert spread(100, [333, 333, 334]) == [33, 33, 34]
    assert sum(spread(1001, [1, 700, 333])) == 1001
    assert price_lines([line(400)], [off(amount_off=900)], [], "none")["total"] == 0


def test_a_discount_for_other_products_takes_nothing_off() -> None:
    assert price_lines([line(400)], [off(percent_off=50, products=["prod_b"])], [], "none")["total"] == 400


def test_tax_on_top_and_inside_is_taken_of_the_discounted_amount() -> None:
    sums = price_lines([line(1000)], [off(percent_off=10)], [rate(20, inclusive=False)], "none")
    assert (sums["total"], sums["total_excluding_tax"], sums["total_taxes"][0]["amount"]) == (1080, 900, 180)
    sums = price_lines([line(1190)], [], [rate(19, inclusive=True)], "none")
    assert (sums["total"], sums["total_excluding_tax"], sums["total_taxes"][0]["amount"]) == (1190, 1000, 190)
    assert price_lines([line(1000)], [], [rate(20, inclusive=False)], "reverse")["total"] == 1000


def subscribe(shop: Shop, **more: Any) -> stripe.Subscription:
    given: Any = {
        "customer": shop.customer().id,
        "items": [{"price": shop.price(2500).id}],
        "expand": ["latest_invoice"],
        **more,
    }
    return shop.v1.subscriptions.create(given)


def newest(shop: Shop, subscription: str) -> stripe.Invoice:
    return shop.v1.invoices.list({"subscription": subscription}).data[0]


def test_a_coupon_once_lowers_the_first_invoice_only(own_shop: Shop) -> None:
    coupon = own_shop.v1.coupons.create({"percent_off": 25, "duration": "once"})
    bought = subscribe(own_shop, discounts=[{"coupon": coupon.id}])
    first: Any = bought.latest_invoice
    assert (first.subtotal, first.total, first.amount_paid) == (2500, 1875, 1875)
    assert first.lines.data[0].amount == 2500
    assert first.lines.data[0].discount_amounts[0].amount == 625
    assert own_shop.v1.subscriptions.retrieve(bought.id).discounts == []
    assert own_shop.v1.coupons.retrieve(coupon.id).times_redeemed == 1
    own_shop.twin.advance(32 * DAY)
    assert newest(own_shop, bought.id).total == 2500


def test_a_repeating_coupon_ends_with_its_months(own_shop: Shop) -> None:
    coupon = own_shop.v1.coupons.create(
        {"amount_off": 500, "currency": "usd", "duration": "repeating", "duration_in_months": 2}
    )
    bought = subscribe(own_shop, discounts=[{"coupon": coupon.id}])
    totals = []
    for _ in range(3):
        totals.append(newest(own_shop, bought.id).total)
        own_shop.twin.advance(31 * DAY)
    assert totals == [2000, 2000, 2500]


def test_a_code_leads_to_its_coupon_until_it_is_used_up(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    wanted: Any = {"type": "coupon", "coupon": coupon.id}
    code = shop.v1.promotion_codes.create({"promotion": wanted, "code": "TENOFF", "max_redemptions": 1})
    assert [found.id for found in shop.v1.promotion_codes.list({"code": "tenoff"}).data] == [code.id]
    bought = subscribe(shop, discounts=[{"promotion_code": code.id}], expand=["discounts.source.coupon"])
    discount: Any = bought.discounts[0]
    assert (discount.source.coupon.id, discount.promotion_code) == (coupon.id, code.id)
    assert shop.v1.promotion_codes.retrieve(code.id).active is False
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        subscribe(shop, discounts=[{"promotion_code": code.id}])


def test_an_expired_or_foreign_coupon_is_refused(shop: Shop) -> None:
    spent = shop.v1.coupons.create({"percent_off": 10, "max_redemptions": 1})
    subscribe(shop, discounts=[{"coupon": spent.id}])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        subscribe(shop, discounts=[{"coupon": spent.id}])
    assert refused.value.code == "coupon_expired"
    foreign = shop.v1.coupons.create({"amount_off": 100, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="another currency"):
        subscribe(shop, discounts=[{"coupon": foreign.id}])


def test_a_change_credits_what_was_really_paid(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 50, "duration": "once"})
    bought = subscribe(shop, discounts=[{"coupon": coupon.id}])
    items: Any = [{"id": bought["items"]["data"][0]["id"], "price": shop.price(5000).id}]
    shop.v1.subscriptions.update(bought.id, {"items": items, "proration_behavior": "always_invoice"})
    amounts = sorted(each.amount for each in newest(shop, bought.id).lines.data)
    assert [round(amount, -1) for amount in amounts] == [-1250, 5000]


def test_a_second_change_credits_what_the_first_one_charged(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 50, "duration": "once"})
    bought = subscribe(shop, discounts=[{"coupon": coupon.id}])
    for amount in (5000, 10_000):
        items: Any = [{"id": bought["items"]["data"][0]["id"], "price": shop.price(amount).id}]
        shop.v1.subscriptions.update(bought.id, {"items": items, "proration_behavior": "always_invoice"})
    amounts = sorted(each.amount for each in newest(shop, bought.id).lines.data)
    assert [round(amount, -1) for amount in amounts] == [-5000, 10_000]


def test_tax_rates_of_a_subscription_tax_its_invoices(shop: Shop) -> None:
    vat = shop.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    bought = subscribe(shop, default_tax_rates=[vat.id])
    invoice: Any = bought.latest_invoice
    assert (invoice.subtotal, invoice.total, invoice.total_taxes[0].amount) == (2500, 3000, 500)
    assert invoice.lines.data[0].taxes[0].tax_rate_details.tax_rate == vat.id
    assert bought.default_tax_rates
    assert bought.default_tax_rates[0].id == vat.id


def test_a_customers_discount_lowers_its_invoices_and_can_be_taken_away(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    customer = shop.customer()
    answer = shop.twin.raw("POST", f"/v1/customers/{customer.id}", data={"coupon": coupon.id})
    assert answer.json()["discount"]["source"] == {"coupon": coupon.id, "type": "coupon"}
    bought = subscribe(shop, customer=customer.id)
    assert newest(shop, bought.id).total == 2000
    assert shop.v1.customers.delete_discount(customer.id).deleted is True
    assert shop.v1.customers.retrieve(customer.id).discount is None
    assert shop.events_of(answer.json()["discount"]["id"]) == ["customer.discount.created", "customer.discount.deleted"]


def test_a_checkout_asks_for_what_its_invoice_asks_for(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 25, "duration": "once"})
    vat = shop.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    price = shop.price(2000)
    session = shop.checkout(
        line_items=[{"price": price.id, "quantity": 1, "tax_rates": [vat.id]}], discounts=[{"coupon": coupon.id}]
    )
    details: Any = session.total_details
    assert (session.amount_subtotal, session.amount_total) == (2000, 1800)
    assert (details.amount_discount, details.amount_tax) == (500, 300)
    shop.submit(session, "4242424242424242")
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    invoice: Any = done.invoice
    assert (done.payment_status, invoice.total, invoice.amount_paid) == ("paid", 1800, 1800)
    assert shop.v1.coupons.retrieve(coupon.id).times_redeemed == 1


def test_automatic_tax_says_whether_the_place_is_known(shop: Shop) -> None:
    nowhere = subscribe(shop, automatic_tax={"enabled": True})
    assert nowhere.automatic_tax.disabled_reason == "requires_location_inputs"
    customer = shop.customer()
    shop.v1.customers.update(customer.id, {"address": {"country": "DE", "postal_code": "10115"}})
    known = subscribe(shop, customer=customer.id, automatic_tax={"enabled": True})
    invoice: Any = known.latest_invoice
    assert (known.automatic_tax.enabled, invoice.automatic_tax.status) == (True, "complete")


def test_tax_ids_are_on_the_customer_and_its_invoices(shop: Shop) -> None:
    customer = shop.customer()
    held = shop.v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": "DE123456789"})
    assert held.verification
    assert (held.country, held.verification.status) == ("DE", "verified")
    bought = subscribe(shop, customer=customer.id)
    invoice: Any = bought.latest_invoice
    assert [(each.type, each.value) for each in invoice.customer_tax_ids] == [("eu_vat", "DE123456789")]
    assert shop.v1.customers.retrieve(customer.id, {"expand": ["tax_ids"]}).tax_ids
    assert shop.v1.customers.tax_ids.delete(customer.id, held.id).deleted is True
    assert shop.v1.customers.tax_ids.list(customer.id).data == []
    assert shop.events_of(held.id) == ["customer.tax_id.created", "customer.tax_id.deleted"]


def test_a_preview_with_a_coupon_is_what_the_purchase_then_costs(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 30, "duration": "once"})
    customer, price = shop.customer(), shop.price(2500)
    wanted: Any = {
        "customer": customer.id,
        "subscription_details": {"items": [{"price": price.id}]},
        "discounts": [{"coupon": coupon.id}],
    }
    seen = shop.v1.invoices.create_preview(wanted)
    assert seen.amount_due == 1750
    assert shop.v1.coupons.retrieve(coupon.id).times_redeemed == 0
    bought = subscribe(shop, customer=customer.id, items=[{"price": price.id}], discounts=[{"coupon": coupon.id}])
    invoice: Any = bought.latest_invoice
    assert invoice.amount_paid == seen.amount_due
    running: Any = {"subscription": bought.id, "discounts": [{"coupon": coupon.id}]}
    assert shop.v1.invoices.create_preview(running).amount_due == 1750
    assert shop.v1.subscriptions.retrieve(bought.id).discounts == []
