"""Customers on Pro, and what happens to them at the provider, of which we are told."""

import time
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import expect

from twin_process import KEY

from .people import GOOD_CARD, Visitor, fresh_email

PATIENCE_SECONDS = 45


def subscribed(visitor: Visitor, story: str) -> str:
    """Make a customer on Pro; returns where the provider is."""
    visitor.sign_up(fresh_email(story))
    visitor.choose_plan("pro")
    address = urlsplit(visitor.page.url)
    visitor.pay(GOOD_CARD)
    visitor.wait_for_plan("Pro")
    return f"{address.scheme}://{address.netloc}"


def at_provider(provider: str, method: str, path: str, **data: str) -> dict[str, str]:
    with httpx.Client(base_url=f"{provider}/v1", auth=(KEY, ""), trust_env=False) as client:
        answer = client.request(method, path, data=data if method == "POST" else None)
        assert answer.is_success, answer.text
        found: dict[str, str] = answer.json()
        return found


def newest(provider: str, path: str) -> str:
    """Return the id of the first of a list."""
    with httpx.Client(base_url=f"{provider}/v1", auth=(KEY, ""), trust_env=False) as client:
        return str(client.get(path).json()["data"][0]["id"])


def newest_customer(provider: str) -> str:
    return newest(provider, "/customers?limit=1")


def newest_subscription(provider: str) -> str:
    """Return the subscription of the newest customer."""
    return newest(provider, f"/subscriptions?customer={newest_customer(provider)}")


def until_seen(visitor: Visitor, path: str, text: str) -> None:
    """Open a page until it says so: the provider's word takes a moment."""
    visitor.go(path)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not visitor.page.get_by_text(text).count() and time.monotonic() < deadline:
        visitor.page.wait_for_timeout(250)
        visitor.page.reload()
    expect(visitor.page.get_by_text(text).first).to_be_visible()
