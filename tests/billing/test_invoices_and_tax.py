"""What invoices say: amounts that add up, discounts and taxes by name, credit notes, print; billing details."""

import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollkeeper import billing
from tollkeeper.billing import Change, Invoice, InvoiceDocument
from tollkeeper.billing.provider import InvoiceState, LineKind, StripeProvider, TaxWish
from tollkeeper.billing.provider import stripe_read_invoices as read
from tollkeeper.kit import Actor, ActorKind, Permission
from tollkeeper.orgs import Organization

from .shop import CARD, KEY, Shop, TwinProcess

ADDRESS = {"line1": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def call(twin: TwinProcess, path: str, **data: Any) -> dict[str, Any]:
    answer = httpx.post(f"{twin.url}/v1/{path}", data=data, auth=(KEY, ""), trust_env=False)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def assert_adds_up(state: InvoiceState) -> None:
    """Every amount follows from the ones before it."""
    on_top = sum(tax.amount for tax in state.taxes if not tax.inclusive)
    assert sum(line.amount for line in state.lines) == state.subtotal
    assert sum(each.amount for each in state.discounts) == state.discount_total
    assert sum(each.amount for line in state.lines for each in line.discounts) == state.discount_total
    assert sum(tax.amount for tax in state.taxes) == state.tax
    assert sum(tax.amount for line in state.lines for tax in line.taxes) == state.tax
    assert state.subtotal - state.discount_total + on_top == state.total
    assert max(0, state.total + state.starting_balance) - state.credited_before_payment == state.amount_due
    assert state.amount_paid + state.amount_remaining == state.amount_due
    if state.ending_balance is not None:
        assert state.ending_balance == min(0, state.total + state.starting_balance)


OFF = st.one_of(
    st.none(),
    st.fixed_dictionaries({"percent_off": st.integers(1, 100)}),
    st.fixed_dictionaries({"amount_off": st.integers(1, 4000), "currency": st.just("usd")}),
)
RATES = st.lists(st.tuples(st.sampled_from(["7", "8.875", "19", "20"]), st.booleans()), max_size=2)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amount=st.integers(50, 9_999),
    quantity=st.integers(1, 7),
    later=st.integers(1, 7),
    balance=st.integers(-6_000, 3_000),
    off=OFF,
    rates=RATES,
    exempt=st.sampled_from(["none", "exempt", "reverse"]),
)
def test_the_amounts_of_any_invoice_add_up(  # noqa: PLR0917 - what an invoice can be made of
    twin: TwinProcess,
    amount: int,
    quantity: int,
    later: int,
    balance: int,
    off: dict[str, Any] | None,
    rates: list[tuple[str, bool]],
    exempt: str,
) -> None:
    price = call(
        twin,
        "prices",
        **{"currency": "usd", "unit_amount": amount, "recurring[interval]": "month", "product_data[name]": "Pro"},
    )
    made = [
        call(twin, "tax_rates", display_name="VAT", percentage=share, inclusive=str(inside).lower())
        for share, inside in rates
    ]
    customer = call(
        twin,
        "customers",
        **{
            "payment_method": "pm_card_visa",
            "invoice_settings[default_payment_method]": "pm_card_visa",
            "balance": balance,
            "tax_exempt": exempt,
        },
    )
    wish = {"customer": customer["id"], "items[0][price]": price["id"], "items[0][quantity]": quantity}
    wish |= {f"default_tax_rates[{place}]": rate["id"] for place, rate in enumerate(made)}
    if off is not None:
        wish["discounts[0][coupon]"] = call(twin, "coupons", duration="forever", **off)["id"]
    subscription = call(twin, "subscriptions", **wish)
    item = subscription["items"]["data"][0]["id"]
    call(
        twin,
        f"subscriptions/{subscription['id']}",
        **{"items[0][id]": item, "items[0][quantity]": later, "proration_behavior": "always_invoice"},
    )
    listed = httpx.get(
        f"{twin.url}/v1/invoices", params={"customer": customer["id"]}, auth=(KEY, ""), trust_env=False
    ).json()["data"]
    assert listed
    for body in listed:
        state = read.invoice(body)
        assert_adds_up(state)
        assert {line.kind for line in state.lines} <= {LineKind.PLAN, LineKind.PRORATION}
        if exempt == "reverse" and made:
            assert {tax.reason for tax in state.taxes} == {"reverse_charge"}
            assert state.tax == 0


def test_invoices_of_before_2025_are_read() -> None:
    state = read.invoice(
        {
            "id": "in_1",
            "customer": "cus_1",
            "subscription": "sub_1",
            "currency": "eur",
            "created": 1_700_000_000,
            "subtotal": 2000,
            "tax": 304,
            "total": 1904,
            "amount_due": 1904,
            "discount": {"id": "di_1", "coupon": {"id": "c", "name": "Launch", "percent_off": 20.0}},
            "total_discount_amounts": [{"amount": 400, "discount": "di_1"}],
            "total_tax_amounts": [{"amount": 304, "inclusive": False, "tax_rate": {"id": "txr_1"}}],
            "lines": {
                "data": [
                    {
                        "amount": 2000,
                        "type": "subscription",
                        "price": {"id": "price_1", "unit_amount_decimal": "2000"},
                        "tax_amounts": [{"amount": 304, "inclusive": False, "tax_rate": "txr_1"}],
                        "discount_amounts": [{"amount": 400, "discount": "di_1"}],
                    }
                ]
            },
        }
    )
    assert (state.subscription_id, state.tax, state.discount_total) == ("sub_1", 304, 400)
    (line,) = state.lines
    assert (line.kind, line.unit_amount, line.provider_price) == (LineKind.PLAN, "2000", "price_1")
    assert [tax.rate for tax in (*state.taxes, *line.taxes)] == ["txr_1", "txr_1"]
    assert read.invoice({"id": "in_2", "currency": "eur", "created": 1, "tax": 19, "total": 119}).tax == 19


def test_a_line_says_what_it_is_for() -> None:
    item = {"subscription_item_details": {"proration": False, "subscription_item": "si_1"}}
    plan = {"amount": 1, "parent": item, "period": {"start": 100, "end": 200}}
    assert read.invoice_line(plan, made_at=100).kind is LineKind.PLAN
    assert read.invoice_line(plan, made_at=200).kind is LineKind.USAGE, "metered use is billed when its period is over"
    assert read.invoice_line({"amount": 1, "metadata": {read.USAGE: "x"}}).kind is LineKind.USAGE
    assert read.invoice_line({"amount": 1, "parent": {"invoice_item_details": {}}}).kind is LineKind.OTHER
    assert read.invoice_line({"amount": -1, "proration": True}).kind is LineKind.PRORATION


def test_credit_notes_of_every_version_are_read() -> None:
    body: dict[str, Any] = {"id": "cn_1", "number": "A-CN-01", "status": "issued", "currency": "usd", "created": 1}
    body |= {"total": 500, "subtotal": 500, "type": "post_payment", "invoice": "in_1", "customer": "cus_1"}
    old = read.credit_note({**body, "refund": "re_1"})
    assert (old.before_payment, old.after_payment, old.refunded, old.credited) == (0, 500, 500, 0)
    new = read.credit_note({**body, "refunds": [{"amount_refunded": 200}], "out_of_band_amount": 100})
    assert (new.refunded, new.credited, new.outside) == (200, 200, 100)
    before = read.credit_note({**body, "type": "pre_payment"})
    assert (before.before_payment, before.after_payment, before.credited) == (500, 0, 0)


# mirrored, shown, printed


async def document_of(shop: Shop, organization: Organization, place: int = 0) -> InvoiceDocument:
    async with shop.runtime.transaction() as tx:
        found = (await billing.list_invoices(tx, organization.id)).data
        return await billing.get_document(tx, organization.id, found[place].id)


async def taxed(shop: Shop, tax: TaxWish) -> None:
    await shop.provider.close()
    shop.provider = StripeProvider(KEY, api_base=shop.twin.url, tax=tax)
    shop.runtime.parts[billing.PaymentProvider] = shop.provider


@pytest.fixture
async def vat(shop: Shop) -> AsyncIterator[str]:
    """A rate of the shop's own, on everything that is sold."""
    rate = await shop.api(
        "POST",
        "tax_rates",
        display_name="VAT",
        percentage="19",
        inclusive="false",
        jurisdiction="Germany",
        country="DE",
    )
    await taxed(shop, TaxWish(rates=(rate["id"],), collect_ids=True))
    yield rate["id"]
    await shop.provider.close()


async def buy(shop: Shop, organization: Organization, plan: str = "pro", **said: str) -> str:
    """Buy on the page, saying where one lives and who one is."""
    opened = await shop.checkout(organization, plan)
    card = {"email": "ada@example.com", "card_number": "4242424242424242", **CARD, **said}
    async with httpx.AsyncClient(trust_env=False) as browser:
        paid = await browser.post(opened.url, data=card)
    assert paid.status_code == 303, paid.text
    customer = await shop.customer_id(organization)
    await shop.told(customer)
    return customer


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def owner(organization: Organization) -> Actor:
    return Actor(ActorKind.TOKEN, frozenset(Permission), organization.id)


def sums_of(invoice: Invoice) -> tuple[int, ...]:
    return invoice.subtotal.amount, invoice.discount_total.amount, invoice.tax.amount, invoice.total.amount


async def test_own_rates_stand_on_the_invoice_by_name(shop: Shop, vat: str, client: httpx.AsyncClient) -> None:
    ada = await shop.organization("Ada")
    await buy(shop, ada, business="Ada GmbH", tax_id="DE123456789", **ADDRESS)
    document = await document_of(shop, ada)
    invoice = document.invoice
    assert sums_of(invoice) == (2000, 0, 380, 2380)
    assert [tax.rate for tax in invoice.taxes] == [vat]
    assert document.terms[vat].percentage == "19"
    assert invoice.billed_to.name == "Ada GmbH"
    assert [each.value for each in invoice.billed_to.tax_ids] == ["DE123456789"]
    shop.caller = owner(ada)
    told = (await client.get(f"/api/billing/invoices/{invoice.id}")).json()
    assert (told["tax"]["amount"], told["taxes"][0]["name"], told["taxes"][0]["place"]) == (380, "VAT", "Germany")
    assert told["billed_to"]["address"]["city"] == "Berlin"
    assert told["lines"][0]["kind"] == "plan"
    printed = await client.get(f"/api/billing/invoices/{invoice.id}/pdf")
    assert printed.headers["content-type"] == "application/pdf"
    words = text_of(printed.content)
    for part in ("Ada GmbH", "10115 Berlin", "VAT ID DE123456789", "VAT 19 % Germany", "23.80", str(invoice.number)):
        assert part in words
    for part in ("Invoice and receipt", "Paid on", "Paid with Visa ending in 4242"):
        assert part in words
    assert (await client.get(f"/api/billing/invoices/{invoice.id}/pdf")).content == printed.content


async def test_the_preview_with_tax_and_discount_is_the_invoice(shop: Shop, vat: str) -> None:
    ada = await shop.organization("Ada")
    customer = await buy(shop, ada, **ADDRESS)
    coupon = await shop.api("POST", "coupons", duration="forever", percent_off="15", name="Launch")
    subscription = (await shop.status(ada)).subscription
    assert subscription is not None
    await shop.api("POST", f"subscriptions/{subscription.provider_id}", **{"discounts[0][coupon]": coupon["id"]})
    change = Change(plan="premium")
    async with billing.provider_transaction(shop.runtime) as tx:
        seen = await billing.preview_change(tx, ada.id, change)
    async with billing.provider_transaction(shop.runtime) as tx:
        wish = Change(plan="premium", as_of=seen.cost.at)
        await billing.change_plan(tx, ada.id, wish, idempotency_key=f"change-{customer}")
    await shop.told(customer)
    document = await document_of(shop, ada)
    invoice, cost = document.invoice, seen.cost
    assert invoice.amount_due == cost.due_now
    assert sums_of(invoice) == (cost.subtotal, cost.discount_total, sum(tax.amount for tax in cost.taxes), cost.total)
    assert [line.amount for line in invoice.lines] == [line.amount for line in cost.lines]
    assert [tax.rate for tax in invoice.taxes] == [vat]
    assert invoice.tax.amount > 0


async def test_discounts_keep_their_names_and_credit_notes_follow(shop: Shop, client: httpx.AsyncClient) -> None:
    ada = await shop.organization("Ada")
    customer = await shop.buy(ada)
    coupon = await shop.api("POST", "coupons", duration="once", percent_off="25", name="Launch")
    code = await shop.api(
        "POST", "promotion_codes", **{"promotion[type]": "coupon", "promotion[coupon]": coupon["id"], "code": "HELLO25"}
    )
    await shop.api("POST", "invoiceitems", customer=customer, amount="1000", currency="usd", description="Setup")
    made = await shop.api(
        "POST",
        "invoices",
        customer=customer,
        pending_invoice_items_behavior="include",
        **{"discounts[0][promotion_code]": code["id"]},
    )
    await shop.api("POST", f"invoices/{made['id']}/finalize")
    await shop.told(customer)
    shop.caller = owner(ada)
    async with shop.runtime.transaction() as tx:
        ids = {each.provider_id: each.id for each in (await billing.list_invoices(tx, ada.id)).data}
    open_one = (await client.get(f"/api/billing/invoices/{ids[made['id']]}")).json()
    assert open_one["discounts"] == [
        {"amount": {"amount": 250, "currency": "usd"}, "name": "Launch", "code": "HELLO25", "percentage": "25"}
    ]
    assert open_one["amount_due"]["amount"] == 750
    note = await shop.api("POST", "credit_notes", invoice=made["id"], amount="300", reason="order_change", memo="Sorry")
    await shop.told(customer)
    lowered = (await client.get(f"/api/billing/invoices/{ids[made['id']]}")).json()
    assert (lowered["amount_due"]["amount"], lowered["credited_before_payment"]["amount"]) == (450, 300)
    (shown,) = lowered["credit_notes"]
    assert (shown["number"], shown["reason"], shown["memo"], shown["status"]) == (
        note["number"],
        "order_change",
        "Sorry",
        "issued",
    )
    await shop.api("POST", f"credit_notes/{note['id']}/void")
    await shop.told(customer)
    restored = (await client.get(f"/api/billing/invoices/{ids[made['id']]}")).json()
    assert (restored["amount_due"]["amount"], restored["credit_notes"][0]["status"]) == (750, "void")


async def test_money_given_back_is_told_by_where_it_went(shop: Shop) -> None:
    ada = await shop.organization("Ada")
    customer = await shop.buy(ada)
    await shop.told(customer)
    invoice = (await document_of(shop, ada)).invoice
    await shop.api(
        "POST", "credit_notes", invoice=invoice.provider_id, amount="500", refund_amount="300", credit_amount="200"
    )
    await shop.told(customer)
    document = await document_of(shop, ada)
    (note,) = document.credit_notes
    assert (note.after_payment.amount, note.refunded.amount, note.credited.amount) == (500, 300, 200)
    assert document.invoice.credited_after_payment.amount == 500
    words = text_of(await billing.invoice_pdf(shop.runtime, document))
    assert note.number in words
    assert "Credited after payment 5.00 USD" in words


async def test_automatic_tax_goes_by_the_address_and_reverses_for_businesses_abroad(shop: Shop) -> None:
    await taxed(shop, TaxWish(automatic=True, collect_ids=True))
    ada, bob = await shop.organization("Ada"), await shop.organization("Bob")
    await buy(shop, ada, **ADDRESS)
    document = await document_of(shop, ada)
    assert sums_of(document.invoice) == (2000, 0, 380, 2380), "19 % in Germany"
    assert not document.invoice.reverse_charge
    await buy(shop, bob, business="Bob GmbH", tax_id="DE123456789", **ADDRESS)
    document = await document_of(shop, bob)
    assert sums_of(document.invoice) == (2000, 0, 0, 2000)
    assert document.invoice.reverse_charge
    words = text_of(await billing.invoice_pdf(shop.runtime, document))
    assert "Reverse charge: the customer accounts for the tax." in words
    assert "reverse charge" in words
    await shop.provider.close()


async def test_an_invoice_with_many_lines_is_mirrored_whole(shop: Shop) -> None:
    ada = await shop.organization("Ada")
    customer = await shop.buy(ada)
    for number in range(43):
        await shop.api(
            "POST", "invoiceitems", customer=customer, amount="100", currency="usd", description=f"Item {number}"
        )
    made = await shop.api("POST", "invoices", customer=customer, pending_invoice_items_behavior="include")
    await shop.api("POST", f"invoices/{made['id']}/finalize")
    await shop.told(customer)
    document = await document_of(shop, ada)
    assert len(document.invoice.lines) == 43
    assert sum(line.amount for line in document.invoice.lines) == document.invoice.subtotal.amount == 4300
    printed = await billing.invoice_pdf(shop.runtime, document)
    assert len(pypdf.PdfReader(io.BytesIO(printed)).pages) >= 2
    assert "Item 42" in text_of(printed)


async def test_void_invoices_are_marked(shop: Shop) -> None:
    ada = await shop.organization("Ada")
    customer = await shop.buy(ada)
    await shop.api("POST", "invoiceitems", customer=customer, amount="100", currency="usd", description="Oops")
    made = await shop.api("POST", "invoices", customer=customer, pending_invoice_items_behavior="include")
    await shop.api("POST", f"invoices/{made['id']}/finalize")
    await shop.api("POST", f"invoices/{made['id']}/void")
    await shop.told(customer)
    document = await document_of(shop, ada)
    assert document.invoice.voided_at is not None
    words = text_of(await billing.invoice_pdf(shop.runtime, document))
    assert "Void invoice" in words
    assert "VOID" in words


# whom invoices are made out to


async def test_details_and_tax_ids_are_kept_with_the_provider(shop: Shop, client: httpx.AsyncClient) -> None:
    ada = await shop.organization("Ada")
    shop.caller = owner(ada)
    assert (await client.get("/api/billing/details")).json()["name"] == "Ada"
    assert (await client.get("/api/billing/tax-ids")).json() == {"data": []}
    wish = {"name": "Ada GmbH", "email": "bills@example.com", "address": {**ADDRESS, "country": "de"}}
    saved = (await client.patch("/api/billing/details", json=wish)).json()
    assert (saved["name"], saved["address"]["country"], saved["tax_exempt"]) == ("Ada GmbH", "DE", "none")
    assert (await client.get("/api/billing/details")).json() == saved
    moved = await client.patch("/api/billing/details", json={"address": {"country": "FR"}})
    assert (moved.json()["address"]["city"], moved.json()["name"]) == (None, "Ada GmbH"), "an address replaces another"
    added = await client.post("/api/billing/tax-ids", json={"type": "eu_vat", "value": "DE123456789"})
    assert added.status_code == 201, added.text
    assert added.json()["status"] == "verified"
    again = await client.post("/api/billing/tax-ids", json={"type": "eu_vat", "value": "DE 123 456 789"})
    assert again.json()["id"] == added.json()["id"]
    assert len((await client.get("/api/billing/tax-ids")).json()["data"]) == 1
    assert (await client.delete(f"/api/billing/tax-ids/{added.json()['id']}")).status_code == 204
    assert (await client.get("/api/billing/tax-ids")).json() == {"data": []}
    gone = await client.delete(f"/api/billing/tax-ids/{added.json()['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "tax_id_not_found")


@pytest.mark.parametrize("wish", [{"type": "eu_vat", "value": "123"}, {"type": "xx_vat", "value": "DE123456789"}])
async def test_what_is_no_tax_id_is_refused(shop: Shop, client: httpx.AsyncClient, wish: dict[str, str]) -> None:
    shop.caller = owner(await shop.organization("Ada"))
    answer = await client.post("/api/billing/tax-ids", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "tax_id_invalid")


async def test_only_operators_decide_whether_tax_is_charged(shop: Shop, client: httpx.AsyncClient) -> None:
    ada = await shop.organization("Ada")
    shop.caller = owner(ada)
    refused = await client.patch("/api/billing/details", json={"tax_exempt": "exempt"})
    assert refused.status_code == 403
    shop.caller = Actor(ActorKind.OPERATOR_KEY, frozenset(Permission))
    allowed = await client.patch("/api/billing/details", json={"tax_exempt": "reverse", "customer": str(ada.id)})
    assert allowed.json()["tax_exempt"] == "reverse", allowed.text


async def test_another_tenants_tax_id_and_print_are_not_found(shop: Shop, client: httpx.AsyncClient) -> None:
    ada, eve = await shop.organization("Ada"), await shop.organization("Eve")
    await shop.told(await shop.buy(ada))
    invoice: UUID = (await document_of(shop, ada)).invoice.id
    shop.caller = owner(ada)
    added = await client.post("/api/billing/tax-ids", json={"type": "us_ein", "value": "12-3456789"})
    shop.caller = owner(eve)
    assert (await client.delete(f"/api/billing/tax-ids/{added.json()['id']}")).status_code == 404
    assert (await client.get(f"/api/billing/invoices/{invoice}/pdf")).status_code == 404
