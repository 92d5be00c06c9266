"""A customer of a running shop rests, goes on, gets a discount, ends and comes back, all through the client."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tollkeeper_sdk import ApiError, AsyncTollkeeper, Subscription, Tollkeeper, Wish
from twin_process import CARD

from .conftest import Live

PAID_PAGE = 303


def pay(url: str) -> None:
    """Pay on the provider's page."""
    form = {"email": "ada@example.com", "card_number": "4242424242424242", **CARD}
    assert httpx.post(url, data=form, trust_env=False).status_code == PAID_PAGE


def until(ask: Callable[[], Subscription], wanted: Callable[[Subscription], bool]) -> Subscription:
    """Ask until it is so: the provider's word takes a moment."""
    found = ask()
    for _ in range(200):
        if wanted(found):
            break
        time.sleep(0.1)
        found = ask()
    assert wanted(found), found
    return found


def on_pro(toll: Tollkeeper, name: str) -> str:
    """Make a customer who bought Pro; returns its id."""
    customer = toll.create_customer(name).id
    page = toll.checkout(
        "pro", success_url="https://shop.example/ok", cancel_url="https://shop.example", customer=customer
    )
    pay(page.url)
    until(lambda: toll.subscription(customer=customer), lambda each: each.plan == "pro")
    return customer


def test_everything_is_looked_at_before_it_is_done(toll: Tollkeeper) -> None:
    ada = on_pro(toll, "Ada")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=10)
    resting = toll.pause(until=end, customer=ada)
    assert (resting.plan, resting.paused, resting.paused_until) == ("free", True, end)
    assert toll.preview_unpause(customer=ada).due_now.amount == 0
    assert not toll.unpause(customer=ada).paused
    seen = toll.preview_promotion("launch20", customer=ada)
    assert seen.next_invoice is not None
    assert (seen.due_now.amount, seen.next_invoice.due.amount, seen.next_invoice.discount_total.amount) == (
        0,
        1600,
        400,
    )
    discount = toll.apply_promotion("launch20", customer=ada).discount
    assert discount is not None
    assert (discount.code, discount.percent_off) == ("LAUNCH20", 20)
    without = toll.preview_promotion(None, customer=ada).next_invoice
    assert without is not None
    assert without.due.amount == 2000
    assert toll.remove_promotion(customer=ada).discount is None
    upgraded = toll.change(Wish(plan="premium", promotion_code="launch20"), customer=ada)
    assert upgraded.discount is not None
    toll.cancel(at="now", customer=ada)
    assert toll.preview_reactivate(customer=ada).due_now.amount == 5000
    back = toll.reactivate(customer=ada)
    assert back.checkout_url is None
    assert back.subscription is not None
    assert (back.subscription.plan, back.subscription.status) == ("premium", "active")
    with pytest.raises(ApiError) as refused:
        toll.reactivate(customer=ada)
    assert refused.value.code == "already_subscribed"


async def test_the_same_for_asyncio(live: Live, toll: Tollkeeper) -> None:
    eve = on_pro(toll, "Eve")
    client = AsyncTollkeeper(live.server.url, live.operator, timeout=20)
    assert (await client.pause(customer=eve)).paused_until is None
    assert (await client.preview_unpause(customer=eve)).lines == ()
    assert (await client.unpause(customer=eve)).plan == "pro"
    assert (await client.preview_promotion("launch20", customer=eve)).next_invoice is not None
    assert (await client.apply_promotion("launch20", customer=eve)).discount is not None
    assert (await client.remove_promotion(customer=eve)).discount is None
    await client.cancel(at="now", customer=eve)
    assert (await client.preview_reactivate(customer=eve)).due_now.currency == "usd"
    assert (await client.reactivate(customer=eve)).subscription is not None
    await client.aclose()
