"""Changes that wait for the end of the period: noted at the provider, shown, taken back."""

from datetime import datetime

import httpx
import pytest

from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Role
from tollkeeper.orgs import Organization

from .shop import Shop


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    await shop.told(await shop.buy(made, plan="premium"))
    return made


@pytest.mark.usefixtures("ada")
async def test_a_step_down_waits_for_the_end_of_the_period(client: httpx.AsyncClient) -> None:
    preview = (await client.post("/api/subscription/preview", json={"plan": "pro"})).json()
    assert (preview["at"], preview["due_now"]["amount"], preview["lines"]) == ("period_end", 0, [])
    status = (await client.post("/api/subscription/change", json={"plan": "pro"})).json()
    assert status["plan"] == "premium"
    assert status["pending_change"] == {
        "plan": "pro",
        "interval": "month",
        "quantity": 1,
        "addons": {},
        "at": status["current_period_end"],
    }
    assert preview["effective_at"] == status["current_period_end"]
    assert (await client.get("/api/subscription/status")).json() == status
    other = (await client.post("/api/subscription/change", json={"plan": "pro", "interval": "year"})).json()
    assert other["pending_change"]["interval"] == "year"
    assert datetime.fromisoformat(other["pending_change"]["at"]) == datetime.fromisoformat(preview["effective_at"])


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/subscription/change/cancel", {}),
        ("/api/subscription/change", {"plan": "premium"}),
        ("/api/subscription/change", {"quantity": 2}),
        ("/api/subscription/cancel", {}),
    ],
)
async def test_a_change_to_come_is_taken_back(client: httpx.AsyncClient, path: str, body: dict[str, object]) -> None:
    await client.post("/api/subscription/change", json={"plan": "pro"})
    status = await client.post(path, json=body)
    assert status.status_code == 200, status.text
    assert (status.json()["plan"], status.json()["pending_change"]) == ("premium", None)
    assert status.json()["cancel_at_period_end"] is path.endswith("subscription/cancel")


@pytest.mark.usefixtures("ada")
async def test_what_ends_with_its_period_becomes_nothing_else_then(client: httpx.AsyncClient) -> None:
    await client.post("/api/subscription/cancel", json={})
    for path in ("preview", "change"):
        answer = await client.post(f"/api/subscription/{path}", json={"plan": "pro"})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_invoice_to_come")
    assert (await client.get("/api/subscription/status")).json()["pending_change"] is None
