"""Ways to pay: listed, added on the provider's page, made the default, removed."""

import httpx
import pytest

from tollkeeper.kit import ROLE_PERMISSIONS, Actor, ActorKind, Role
from tollkeeper.orgs import Organization

from .shop import Shop

METHODS = "/api/billing/payment-methods"


@pytest.fixture
async def ada(shop: Shop) -> Organization:
    made = await shop.organization()
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], made.id)
    return made


async def test_a_card_is_added_used_and_the_old_one_removed(
    shop: Shop, client: httpx.AsyncClient, ada: Organization
) -> None:
    assert (await client.get(METHODS)).json() == {"data": []}
    refused = await client.post(METHODS, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_customer")
    await shop.told(await shop.buy(ada))
    [old] = (await client.get(METHODS)).json()["data"]
    assert (old["brand"], old["last4"], old["is_default"]) == ("visa", "4242", True)
    in_use = await client.delete(f"{METHODS}/{old['id']}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "payment_method_in_use")
    page = (await client.post(METHODS, json={})).json()["url"]
    assert page.startswith(shop.twin.url)
    assert (await shop.pay(page, "5555555555554444")).status_code == 303
    listed = (await client.get(METHODS)).json()["data"]
    assert [each["is_default"] for each in listed] == [True, False]
    assert listed[0]["id"] == old["id"]
    new = listed[1]
    # There is another card now, yet the subscription is paid with the old one.
    in_use = await client.delete(f"{METHODS}/{old['id']}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "payment_method_in_use")
    first, second = (await client.post(f"{METHODS}/{new['id']}/default")).json()["data"]
    assert (first["id"], first["is_default"], second["is_default"]) == (new["id"], True, False)
    assert (await client.get("/api/billing/overview")).json()["payment_method"]["last4"] == "4444"
    assert (await client.delete(f"{METHODS}/{old['id']}")).status_code == 204
    assert [each["id"] for each in (await client.get(METHODS)).json()["data"]] == [new["id"]]


async def test_anothers_card_does_not_exist(shop: Shop, client: httpx.AsyncClient, ada: Organization) -> None:
    await shop.told(await shop.buy(ada))
    [card] = (await client.get(METHODS)).json()["data"]
    eve = await shop.organization("Eve")
    shop.caller = Actor(ActorKind.TOKEN, ROLE_PERMISSIONS[Role.OWNER], eve.id)
    await shop.told(await shop.buy(eve))
    for method, path in (("POST", f"{METHODS}/{card['id']}/default"), ("DELETE", f"{METHODS}/{card['id']}")):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "payment_method_not_found")
