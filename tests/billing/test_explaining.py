"""Lines of invoices calculated anew: whole periods, parts of them, and what cannot be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.billing import InvoiceLine
from tollkeeper.billing.flows.explaining import Charged, Kind, KnownPrice, foreign_line, plan_line, proration_line
from tollkeeper.billing.provider import Discount
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Money, Role
from tollkeeper.orgs import Organization
from tollkeeper.rating import Period

from .shop import Shop

START = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = Period(START, datetime(2026, 4, 1, tzinfo=UTC))
PRO = KnownPrice(UUID(int=1), "Pro", Money(2000, "usd"), "month")


def line(amount: int, quantity: int = 1, *, start: datetime = START, proration: bool = False) -> InvoiceLine:
    return InvoiceLine("Pro", amount, quantity, start, MARCH.end, proration, "price_1")


def test_a_whole_period_is_the_price_times_the_quantity() -> None:
    found = plan_line(line(6000, 3), "usd", PRO)
    assert found.matches is True
    assert found.steps == ("Pro costs 20.00 USD a month", "3 \N{MULTIPLICATION SIGN} 20.00 USD is 60.00 USD")
    wrong = plan_line(line(5900, 3), "usd", PRO)
    assert (wrong.matches, wrong.note) == (False, "It differs by -1.00 USD.")
    other = plan_line(line(6000, 3), "eur", PRO)
    assert (other.matches, other.note) == (False, "The currencies are different.")


def test_a_part_of_a_period_is_counted_by_the_second() -> None:
    middle = START + timedelta(days=15, hours=12)
    charged = proration_line(line(1000, start=middle, proration=True), "usd", PRO, MARCH)
    assert charged.matches is True
    assert dict(charged.inputs)["seconds_left"] == "1339200"
    credited = proration_line(line(-1000, start=middle, proration=True), "usd", PRO, MARCH)
    assert credited.replayed == Money(-1000, "usd")
    assert "given back" in credited.steps[-1]


def test_parts_are_of_what_the_discount_of_the_period_left() -> None:
    paid = Charged(MARCH, replace(line(2000), discounts=(Discount(500, "di_1"),)))
    middle = START + timedelta(days=15, hours=12)
    credited = proration_line(line(-750, start=middle, proration=True), "usd", PRO, MARCH, [paid])
    assert (credited.matches, credited.steps[1]) == (
        True,
        "after the discount that the period was charged with it is 15.00 USD",
    )
    wrong = proration_line(line(-751, start=middle, proration=True), "usd", PRO, MARCH, [paid])
    assert (wrong.matches, wrong.replayed) == (False, Money(-1000, "usd"))
    third = Charged(MARCH, replace(line(2000), discounts=(Discount(667, "di_1"),)), (Decimal("33.33"),))
    assert third.left_of(Money(6000, "usd")) == Money(4000, "usd"), "as a percentage, not as a share that was rounded"


@given(second=st.integers(0, 31 * 86_400), quantity=st.integers(1, 1000), off=st.sampled_from([-1, 0, 1]))
def test_a_match_is_only_said_of_what_is_equal(second: int, quantity: int, off: int) -> None:
    left = 31 * 86_400 - second
    exact = (2 * 2000 * quantity * left + 31 * 86_400) // (2 * 31 * 86_400)
    part = line(exact + off, quantity, start=START + timedelta(seconds=second), proration=True)
    if part.amount < 0:
        return
    assert proration_line(part, "usd", PRO, MARCH).matches is (off == 0)


def test_what_cannot_be_calculated_is_shown_with_its_reason() -> None:
    found = foreign_line(line(700), "usd", Kind.OTHER, "made by hand")
    assert (found.replayed, found.matches, found.note, found.invoiced) == (
        None,
        None,
        "made by hand",
        Money(700, "usd"),
    )


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    await shop.told(await shop.buy(made))
    return made


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("change", [{"plan": "premium"}, {"interval": "year"}, {"quantity": 3}])
async def test_every_line_of_a_change_comes_out_the_same(client: httpx.AsyncClient, change: dict[str, object]) -> None:
    assert (await client.post("/api/subscription/change", json=change)).status_code == 200
    invoices = (await client.get("/api/billing/invoices")).json()["data"]
    assert len(invoices) == 2
    for invoice in invoices:
        found = (await client.get(f"/api/billing/invoices/{invoice['id']}/explain")).json()
        assert (found["matches"], found["adds_up"]) == (True, True), found
        assert all(each["replayed"] == each["invoiced"] for each in found["lines"])
        assert sum(each["invoiced"]["amount"] for each in found["lines"]) == invoice["subtotal"]["amount"]


async def test_a_price_made_at_the_provider_is_not_calculated(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.customer_id(ada)
    product = (await shop.api("POST", "products", name="Consulting"))["id"]
    monthly = {"currency": "usd", "unit_amount": "900", "recurring[interval]": "month", "product": product}
    price = (await shop.api("POST", "prices", **monthly))["id"]
    [subscription] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    item = {"items[0][price]": price, "proration_behavior": "always_invoice"}
    await shop.api("POST", f"subscriptions/{subscription['id']}", **item)
    await shop.told(customer)
    newest = (await client.get("/api/billing/invoices?limit=1")).json()["data"][0]
    found = (await client.get(f"/api/billing/invoices/{newest['id']}/explain")).json()
    assert found["matches"] is None
    assert ["at the payment provider" in each["note"] for each in found["lines"]] == [True] * len(found["lines"])
