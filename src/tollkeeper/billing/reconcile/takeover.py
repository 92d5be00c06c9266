"""Taking over an account that sold before us: its prices, its customers, what they bought. Run twice, it changes
nothing more.
"""

from collections.abc import AsyncIterator, Sequence

from tollkeeper import orgs
from tollkeeper.billing.flows import synchronise
from tollkeeper.billing.provider import (
    Listed,
    NamedCustomer,
    SoldPrice,
    Subject,
    account_of,
    lists_of,
    lock,
    provider_transaction,
)
from tollkeeper.catalog import Price, list_prices
from tollkeeper.infra import Runtime, Tx

from . import store
from .model import Imported

UNNAMED = "Unnamed"


async def import_account(runtime: Runtime) -> AsyncIterator[Imported]:
    """Match prices with ours, make an organization of every customer; yields the counts so far, page by page.

    What the customers bought is mirrored by a following `reconcile` with `fix`. Customers keep the id they have at
    the provider as the external id of their organization, so that a second run finds them.
    """
    done = Imported()
    lists = lists_of(runtime)
    after: str | None = None
    while True:
        prices: Listed[SoldPrice] = await lists.prices(after)
        async with runtime.transaction() as tx:
            ours = await list_prices(tx)
        for each in prices.items:
            await _adopt_price(runtime, each, ours, done)
        yield done
        if (after := prices.last) is None:
            break
    while True:
        customers: Listed[NamedCustomer] = await lists.customers(after)
        for customer in customers.items:
            await _adopt_customer(runtime, customer, done)
        yield done
        if (after := customers.last) is None:
            return


async def _adopt_price(runtime: Runtime, sold: SoldPrice, ours: Sequence[Price], done: Imported) -> None:
    if sold.price_id is not None or sold.interval is None:
        return
    equal = [price for price in ours if (price.money, price.interval) == (sold.money, sold.interval)]
    if len(equal) != 1:
        done.unmatched.append(sold.provider_id)
        return
    await lists_of(runtime).adopt_price(sold.provider_id, equal[0].id)
    done.prices += 1


async def _adopt_customer(runtime: Runtime, found: NamedCustomer, done: Imported) -> None:
    async with provider_transaction(runtime) as tx:
        subject = Subject(customer_id=found.state.id)
        await lock(tx, subject.lock)
        if found.state.deleted or await store.known_customers(tx, account_of(runtime), [found.state.id]):
            return
        organization = await _organization(tx, found, done)
        if found.state.organization_id != organization.id:
            await lists_of(runtime).adopt_customer(found.state.id, organization.id)
        if await synchronise(tx, subject, cause="import"):
            done.customers += 1


async def _organization(tx: Tx, found: NamedCustomer, done: Imported) -> orgs.Organization:
    named = found.state.organization_id
    known = await orgs.find_organization(tx, str(named)) if named else None
    known = known or await orgs.find_organization(tx, found.state.id)
    if known is not None:
        return known
    done.organizations += 1
    name = found.name or found.state.email or UNNAMED
    return await orgs.create_organization(tx, name[:200], None, found.state.id)
