"""The convergence kit: histories reported by others, random ones, and that it sees what does not converge."""

import json
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tollkeeper.billing import PaymentProvider
from tollkeeper.billing.provider import ProviderEvent, StripeProvider, SubscriptionState
from tollkeeper.billing.provider.stripe_read import subscription as read_subscription
from tollkeeper.kit import InvalidInputError
from tollkeeper.wiring import converge, read_history

from .shop import KEY, Shop
from .test_orders import live_through_everything

RUNS = int(os.environ.get("CONVERGE_RUNS", "40"))
SEED = int(os.environ.get("CONVERGE_SEED", "0"))
"""How many random interleavings are tried, and which; 10,000 take a quarter of an hour."""


@pytest.fixture
async def history(shop: Shop) -> list[bytes]:
    ada = await shop.organization()
    return await live_through_everything(shop, ada)


async def trials(shop: Shop, history: list[bytes], *, runs: int, seed: int = 0) -> list[str]:
    """Return what ended differently."""
    return [str(each) async for each in converge(shop.runtime, history, runs=runs, seed=seed) if each.differs]


async def test_random_interleavings_converge(shop: Shop, history: list[bytes]) -> None:
    assert await trials(shop, history, runs=RUNS, seed=SEED) == []


async def test_two_events_for_one_change_converge(shop: Shop, history: list[bytes]) -> None:
    twins = [
        json.dumps({**json.loads(body), "id": f"evt_twin_{number}"}).encode() for number, body in enumerate(history)
    ]
    assert await trials(shop, [*history, *twins], runs=5) == []


def reported_cases() -> list[dict[str, Any]]:
    named = os.environ.get("STRIPE_RECORDINGS")
    path = Path(named) / "webhook_order_cases.json" if named else None
    if path is None or not path.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return cases


@pytest.mark.skipif(not reported_cases(), reason="STRIPE_RECORDINGS is not set")
@pytest.mark.parametrize("case", reported_cases() or [{"id": "none"}], ids=lambda case: case["id"])
async def test_reported_orders_converge(shop: Shop, history: list[bytes], case: dict[str, Any]) -> None:
    """The events of the case, in its order, spoken of our customer; those it does not name come after, shuffled."""
    by_type = {json.loads(body)["type"]: body for body in history}
    named = [word.split(" ")[0] for word in [*case.get("order", []), *case.get("concurrent", [])]]
    told = []
    for number, kind in enumerate(named):
        model = by_type.get(kind) or by_type["customer.subscription.updated"]
        event = json.loads(model) | {"type": kind, "id": f"evt_{case['id']}_{number}"}
        told.append(json.dumps(event).encode())
    rest = [body for kind, body in by_type.items() if kind not in named]
    random.Random(case["id"]).shuffle(rest)
    assert await trials(shop, [*told, *rest], runs=3) == []


class Wavering(StripeProvider):
    """A provider that tells something else the second time: what the kit must catch."""

    asked = 0

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        self.asked += 1
        real = await super().fetch_subscription(subscription_id)
        if real is None or self.asked == 1:
            return real
        values = {name: getattr(real, name) for name in SubscriptionState.__dataclass_fields__}
        return SubscriptionState(**{**values, "quantity": self.asked})


@pytest.fixture
async def wavering(shop: Shop) -> AsyncIterator[Wavering]:
    made = Wavering(KEY, api_base=shop.twin.url)
    shop.runtime.parts[PaymentProvider] = made
    yield made
    await made.close()


async def test_the_provider_is_held_still_while_it_runs(shop: Shop, history: list[bytes], wavering: Wavering) -> None:
    assert await trials(shop, history, runs=5) == []
    assert wavering.asked == 1


class Believing(StripeProvider):
    """An adapter with the fault everybody begins with: it takes an event's body for the state of things."""

    def __init__(self, api_base: str) -> None:
        super().__init__(KEY, api_base=api_base)
        self.told: dict[str, SubscriptionState] = {}

    def read_event(self, body: bytes) -> ProviderEvent:
        thing = json.loads(body)["data"]["object"]
        if thing["object"] == "subscription":
            self.told[thing["id"]] = read_subscription(thing)
        return super().read_event(body)

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionState | None:
        return self.told.get(subscription_id) or await super().fetch_subscription(subscription_id)


async def test_a_handler_that_believes_events_is_found_out(
    shop: Shop, history: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    believing = Believing(shop.twin.url)
    shop.runtime.parts[PaymentProvider] = believing
    # Nothing holds it still: each event's own words are what it answers.
    monkeypatch.setattr("tollkeeper.wiring.convergence.trials.Resting", lambda provider: provider)
    found = await trials(shop, history, runs=20)
    await believing.close()
    assert len(found) >= 5
    assert any("subscriptions.status: 'active' instead of 'canceled'" in each for each in found)


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '{"data": 1}'])
def test_what_is_no_history_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        read_history(text)


def test_a_list_as_the_provider_answers_it_is_a_history() -> None:
    assert read_history('{"object": "list", "data": [{"id": "evt_1"}]}') == [b'{"id": "evt_1"}']
