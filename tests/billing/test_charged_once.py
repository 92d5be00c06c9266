"""What costs or gives back money is done once: answers get lost after the provider has done it, and we die before we
have written it down.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from line import Line
from tollkeeper import billing
from tollkeeper.billing import PaymentProvider, ProviderUnavailableError
from tollkeeper.billing.flows import service
from tollkeeper.billing.flows.model import AddonChange
from tollkeeper.billing.payments import RefundOrder
from tollkeeper.billing.provider import RefundReason, StripeProvider
from tollkeeper.infra import Tx
from tollkeeper.orgs import Organization
from tollkeeper.rating import Interval

from .shop import KEY, Shop, member

PRO, PREMIUM = 2000, 5000


@pytest.fixture
async def line(shop: Shop) -> AsyncIterator[Line]:
    async with Line(shop.twin.url).open() as made:
        provider = StripeProvider(KEY, api_base=made.url)
        shop.runtime.parts[PaymentProvider] = provider
        yield made
        await provider.close()


@pytest.fixture
async def ada(shop: Shop, line: Line) -> Organization:
    made = await shop.organization()
    await shop.told(await shop.buy(made))
    assert line.lost == 0
    shop.caller = member(made)
    return made


Work = Callable[[Tx, Organization, str], Awaitable[object]]


async def upgrade(tx: Tx, ada: Organization, key: str) -> None:
    await billing.change_plan(tx, ada.id, billing.Change(plan="premium"), idempotency_key=key)


async def pay_by_the_year(tx: Tx, ada: Organization, key: str) -> None:
    await billing.change_plan(tx, ada.id, billing.Change(interval=Interval.YEAR), idempotency_key=key)


async def more_seats(tx: Tx, ada: Organization, key: str) -> None:
    await billing.change_plan(tx, ada.id, billing.Change(quantity=3), idempotency_key=key)


async def add_on(tx: Tx, ada: Organization, key: str) -> None:
    await service.set_addon(tx, ada.id, AddonChange("extra_prompts", 2), idempotency_key=key)


async def give_back(tx: Tx, ada: Organization, key: str, *, note: bool = False) -> None:
    newest = (await billing.list_invoices(tx, ada.id)).data[0].id
    order = RefundOrder(500, RefundReason.REQUESTED, credit_note=note)
    await service.refund(tx, ada.id, newest, order, key=key)


async def give_back_with_a_note(tx: Tx, ada: Organization, key: str) -> None:
    await give_back(tx, ada, key, note=True)


CHANGES: list[tuple[Work, bytes]] = [
    (work, b"POST /v1/subscriptions/") for work in (upgrade, pay_by_the_year, more_seats, add_on)
]
REFUNDS: list[tuple[Work, bytes]] = [
    (give_back, b"POST /v1/refunds"),
    (give_back_with_a_note, b"POST /v1/credit_notes"),
]


def name(value: object) -> str | None:
    """What a case is called: by its work."""
    return getattr(value, "__name__", "")


async def money(shop: Shop, ada: Organization) -> tuple[int, int]:
    """What the provider really took, and gave back."""
    charges = (await shop.api("GET", "charges", customer=await shop.customer_id(ada), limit="100"))["data"]
    return sum(each["amount"] for each in charges if each["paid"]), sum(each["amount_refunded"] for each in charges)


class CrashError(Exception):
    """We die here: nothing of the transaction is kept."""


async def die_after(shop: Shop, ada: Organization, work: Work, key: str) -> None:
    async with shop.runtime.transaction() as tx:
        await work(tx, ada, key)
        raise CrashError


async def do(shop: Shop, ada: Organization, work: Work, key: str) -> None:
    async with shop.runtime.transaction() as tx:
        await work(tx, ada, key)


@pytest.mark.parametrize(("work", "call"), [*CHANGES, *REFUNDS], ids=name)
async def test_the_answer_is_lost_and_it_is_asked_again(
    shop: Shop, line: Line, ada: Organization, work: Work, call: bytes
) -> None:
    before = await money(shop, ada)
    line.losing = call
    with pytest.raises(ProviderUnavailableError):
        await do(shop, ada, work, f"press {ada.id}")
    assert line.lost, "it was done and we do not know"
    once = await money(shop, ada)
    assert once != before
    line.losing = None
    for _ in range(2):
        await do(shop, ada, work, f"press {ada.id}")
        assert await money(shop, ada) == once


@pytest.mark.parametrize(("work", "call"), [*CHANGES, *REFUNDS], ids=name)
async def test_we_die_before_it_is_written_down(
    shop: Shop, line: Line, ada: Organization, work: Work, call: bytes
) -> None:
    before = await money(shop, ada)
    with pytest.raises(CrashError):
        await die_after(shop, ada, work, f"press {ada.id}")
    once = await money(shop, ada)
    assert once != before, f"{call!r} was done"
    with pytest.raises(CrashError):
        await die_after(shop, ada, work, f"press {ada.id}")
    await do(shop, ada, work, f"press {ada.id}")
    assert await money(shop, ada) == once
    assert line.lost == 0
    async with shop.runtime.transaction() as tx:
        mirrored = (await billing.list_invoices(tx, ada.id)).data
    assert sum(each.amount_paid.amount for each in mirrored) == once[0], "and our books say so"


@pytest.mark.parametrize(("work", "call"), CHANGES, ids=name)
async def test_an_impatient_customer_presses_the_button_again(
    shop: Shop, line: Line, ada: Organization, work: Work, call: bytes
) -> None:
    line.losing = call
    with pytest.raises(ProviderUnavailableError):
        await do(shop, ada, work, f"first press {ada.id}")
    once = await money(shop, ada)
    line.losing = None
    await do(shop, ada, work, f"second press {ada.id}")
    assert await money(shop, ada) == once, (
        "what a change leads to is said, not by how much: the second has nothing to do"
    )


@pytest.mark.usefixtures("ada")
async def test_a_caller_that_repeats_itself(
    shop: Shop, line: Line, client: httpx.AsyncClient, ada: Organization
) -> None:
    press = {"Idempotency-Key": "one-press"}
    line.losing = b"POST /v1/subscriptions/"
    lost = await client.post("/api/subscription/change", json={"plan": "premium"}, headers=press)
    assert (lost.status_code, lost.json()["code"]) == (503, "provider_unavailable")
    once, _ = await money(shop, ada)
    assert PRO < once <= PREMIUM
    line.losing = None
    for _ in range(2):
        done = await client.post("/api/subscription/change", json={"plan": "premium"}, headers=press)
        assert (done.status_code, done.json()["plan"]) == (200, "premium")
        assert await money(shop, ada) == (once, 0)
