"""Changing what was bought: now or when the period ends, plan, interval and seats; the preview is the invoice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tollkeeper.billing import ChangeAt
from tollkeeper.billing.flows.rules import Level, counted_from, when
from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, InvalidInputError, Role
from tollkeeper.orgs import Organization
from tollkeeper.rating import Interval

from .shop import Shop

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
MONTH, YEAR = Interval.MONTH, Interval.YEAR


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    await shop.told(await shop.buy(made))
    return made


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        (Level(1, MONTH, 1), Level(2, MONTH, 1), ChangeAt.NOW),
        (Level(2, MONTH, 1), Level(1, MONTH, 1), ChangeAt.PERIOD_END),
        (Level(1, MONTH, 1), Level(1, YEAR, 1), ChangeAt.NOW),
        (Level(1, YEAR, 1), Level(1, MONTH, 1), ChangeAt.PERIOD_END),
        (Level(1, YEAR, 1), Level(2, MONTH, 1), ChangeAt.NOW),
        (Level(2, MONTH, 1), Level(1, YEAR, 9), ChangeAt.PERIOD_END),
        (Level(1, MONTH, 2), Level(1, MONTH, 3), ChangeAt.NOW),
        (Level(1, MONTH, 3), Level(1, MONTH, 2), ChangeAt.PERIOD_END),
        (Level(1, MONTH, 1), Level(1, MONTH, 1), ChangeAt.NOW),
    ],
)
def test_a_step_up_is_had_at_once_a_step_down_when_the_period_ends(before: Level, after: Level, at: ChangeAt) -> None:
    assert when(before, after) is at


def test_a_preview_holds_for_an_hour_and_not_across_a_renewal() -> None:
    minute = timedelta(minutes=1)
    start = NOW - 2 * minute
    assert counted_from(None, period_start=start, now=NOW) == NOW
    assert counted_from(NOW - minute, period_start=start, now=NOW) == NOW - minute
    assert counted_from(None, period_start=NOW + minute, now=NOW) == NOW + minute
    assert counted_from(NOW - 60 * minute, period_start=None, now=NOW) == NOW - 60 * minute
    for moment, begun in ((NOW + minute, start), (NOW - 3 * minute, start), (NOW - 61 * minute, None)):
        with pytest.raises(InvalidInputError):
            counted_from(moment, period_start=begun, now=NOW)


@pytest.mark.parametrize(
    "change",
    [{"plan": "premium"}, {"interval": "year"}, {"plan": "premium", "interval": "year"}, {"quantity": 3}],
    ids=["plan", "interval", "both", "seats"],
)
@pytest.mark.usefixtures("ada")
async def test_the_preview_is_the_invoice_to_the_cent(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    preview = (await client.post("/api/subscription/preview", json=change)).json()
    assert preview["at"] == "now"
    await asyncio.sleep(1.1)  # so that a change counted from its own second would cost something else
    changed = await client.post("/api/subscription/change", json={**change, "as_of": preview["as_of"]})
    assert changed.status_code == 200, changed.text
    status = changed.json()
    assert (status["plan"], status["quantity"]) == (change.get("plan", "pro"), change.get("quantity", 1))
    [newest, _] = (await client.get("/api/billing/invoices")).json()["data"]
    assert newest["amount_paid"] == newest["total"] == preview["due_now"]
    invoice = (await client.get(f"/api/billing/invoices/{newest['id']}")).json()

    def shown(line: Any) -> tuple[Any, ...]:
        return line["amount"]["amount"], line["quantity"], line["period_start"], line["proration"]

    whole = [line for line in invoice["lines"] if not line["proration"]]
    ahead = [line for line in preview["lines"] if not line["proration"]]
    assert sorted(shown(line)[:2] for line in whole) == sorted(shown(line)[:2] for line in ahead)
    assert bool(whole) is ("interval" in change)
    parts = sorted(shown(line) for line in invoice["lines"] if line["proration"])
    assert parts == sorted(shown(line) for line in preview["lines"] if line["proration"])
    assert len(parts) == (1 if "interval" in change else 2)


@pytest.mark.usefixtures("ada")
async def test_another_interval_begins_a_full_cycle(client: httpx.AsyncClient) -> None:
    status = (await client.post("/api/subscription/change", json={"interval": "year"})).json()
    start, end = (datetime.fromisoformat(status[f"current_period_{name}"]) for name in ("start", "end"))
    assert (end.year, end.month) == (start.year + 1, start.month)
    newest = (await client.get("/api/billing/invoices?limit=1")).json()["data"][0]
    invoice = (await client.get(f"/api/billing/invoices/{newest['id']}")).json()
    credit, charge = sorted(line["amount"]["amount"] for line in invoice["lines"])
    assert -2000 <= credit <= -1990
    assert charge == 20000


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("body", [{}, {"quantity": 0}, {"quantity": "2"}, {"plan": "pro", "at": "later"}])
async def test_a_change_of_nothing_or_nonsense_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    assert (await client.post("/api/subscription/change", json=body)).status_code == 422


@pytest.mark.usefixtures("ada")
async def test_what_is_there_already_costs_nothing(client: httpx.AsyncClient) -> None:
    seen = (await client.post("/api/subscription/preview", json={"plan": "pro", "quantity": 1})).json()
    assert (seen["due_now"]["amount"], seen["lines"]) == (0, [])


async def test_what_is_owed_is_paid_before_the_rest_of_it_is_credited(
    shop: Shop, ada: Organization, client: httpx.AsyncClient
) -> None:
    customer = await shop.customer_id(ada)
    [bought] = (await shop.api("GET", "subscriptions", customer=customer))["data"]
    card = await shop.api("POST", "payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    await shop.api("POST", f"subscriptions/{bought['id']}", default_payment_method=card["id"])
    anew = {"billing_cycle_anchor[type]": "now", "proration_behavior": "none"}
    renewed = await shop.api("POST", f"subscriptions/{bought['id']}", **anew)
    assert renewed["status"] == "past_due"
    for path in ("preview", "change", "addons/preview", "addons"):
        wish = {"addon": "extra_prompts", "quantity": 1} if "addons" in path else {"quantity": 3}
        answer = await client.post(f"/api/subscription/{path}", json=wish)
        assert (answer.status_code, answer.json()["code"]) == (409, "period_unpaid"), path
    assert (await client.post("/api/subscription/preview", json={"quantity": 3, "at": "period_end"})).status_code == 200
