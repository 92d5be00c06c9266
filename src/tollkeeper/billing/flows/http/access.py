"""Who may use the addresses of billing, and for whom; what all of them share."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from tollkeeper.billing.flows.model import Buyer
from tollkeeper.billing.provider import provider_transaction
from tollkeeper.catalog import list_prices
from tollkeeper.identity import get_user
from tollkeeper.infra import Tx, base_url_of, runtime_of
from tollkeeper.kit import Actor, ActorKind, Permission, return_url
from tollkeeper.orgs import Organization, organization_for

BILLING_PAGE = "/billing"

CustomerQuery = Annotated[
    str | None, Query(min_length=1, max_length=200, description="For operators: the organization, by id or external id")
]


async def _provider_tx(request: Request) -> AsyncIterator[Tx]:
    async with provider_transaction(runtime_of(request)) as tx:
        yield tx


ProviderTxDep = Annotated[Tx, Depends(_provider_tx, scope="function")]


async def reader(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    """Return the organization that the caller may read the billing of."""
    actor.must(Permission.BILLING_READ)
    return await organization_for(tx, actor, customer)


async def manager(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    """Return the organization that the caller may manage the billing of."""
    actor.must(Permission.BILLING_MANAGE)
    return await organization_for(tx, actor, customer)


async def buyer_of(tx: Tx, actor: Actor, organization: Organization) -> Buyer:
    """Return who buys, with the caller's e-mail address when the caller is a person of the organization."""
    email = (await get_user(tx, actor.user_id)).email if actor.user_id and not actor.is_operator else None
    return Buyer(organization.id, organization.name, email)


def page_after(request: Request, actor: Actor, text: str | None, *, field: str, default: str) -> str:
    """Return the absolute address to send the buyer back to; browsers are only sent back to our own site.

    Raises:
        InvalidInputError: it is not an address that may be used.
    """
    return return_url(
        text, field=field, default=default, base=base_url_of(request), own_site_only=actor.kind is ActorKind.SESSION
    )


async def intervals(tx: Tx) -> dict[UUID, str]:
    """Return the interval of each price."""
    return {price.id: price.interval.value for price in await list_prices(tx)}
