"""Addresses of an organization's own single sign-on: its domains, its issuer."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field

from tollkeeper.identity import must_be_fresh
from tollkeeper.identity.elsewhere import Outside
from tollkeeper.infra import ActorDep, Runtime, RuntimeDep, Tx, TxDep, base_url_of, check_outgoing_url
from tollkeeper.kit import Actor, Permission, id_or
from tollkeeper.orgs.model import Organization
from tollkeeper.orgs.service import organization_for
from tollkeeper.orgs.sign_on import (
    Connection,
    ConnectionNotFoundError,
    ConnectionWish,
    Domain,
    DomainNotFoundError,
    DomainNotShownError,
    DomainRecords,
    ShownBy,
    accept_domain,
    claim_domain,
    connection_of,
    find_domain,
    is_shown,
    list_domains,
    release_domain,
    remove_connection,
    set_up_connection,
)

from .entering import callback_url
from .schemas import Body, Customer, Text

router = APIRouter(prefix="/sso", tags=["Single sign-on"])

MAX_ISSUER = 500


def _without_slash(text: str) -> str:
    return text.rstrip("/")


Issuer = Annotated[Text, Field(min_length=8, max_length=MAX_ISSUER), AfterValidator(_without_slash)]
Credential = Annotated[Text, Field(max_length=500)]


class DomainBody(Body):
    """The domain to claim."""

    domain: Annotated[Text, Field(max_length=300)] = Field(examples=["example.com"])
    customer: Text | None = Field(None, description="For operators: who claims it, by id or external id.")


class ConnectionBody(Body):
    """What to change; fields left out stay as they are. The first call needs `issuer` and `client_id`."""

    issuer: Issuer | None = Field(None, examples=["https://login.example.com"])
    client_id: Annotated[Credential, Field(min_length=1)] | None = None
    client_secret: Credential | None = Field(None, description="Kept sealed and never shown. Empty: none.")
    role: Annotated[Text, Field(max_length=40)] | None = Field(None, description="Key of the role that newcomers get.")
    passwords: Literal["allowed", "forbidden"] | None = Field(
        None, description="Whether people of your domains may log in by password, too."
    )
    customer: Text | None = Field(None, description="For operators: whose it is, by id or external id.")


class DomainOut(BaseModel):
    """A claimed domain, and the TXT record that shows it to be yours. `verified_at` null: it counts for nothing yet."""

    id: UUID
    domain: str
    record_name: str
    record_value: str
    created_at: datetime
    verified_at: datetime | None
    verified_by: ShownBy | None

    @classmethod
    def of(cls, domain: Domain) -> "DomainOut":
        """Show a claim."""
        return cls(
            id=domain.id,
            domain=domain.name,
            record_name=domain.record_name,
            record_value=domain.record_value,
            created_at=domain.created_at,
            verified_at=domain.verified_at,
            verified_by=domain.verified_by,
        )


class ConnectionOut(BaseModel):
    """An issuer that vouches for your people. `callback_url` is to be registered there."""

    id: UUID
    issuer: str
    client_id: str
    role: str
    passwords: Literal["allowed", "forbidden"]
    callback_url: str
    created_at: datetime

    @classmethod
    def of(cls, connection: Connection, base: str) -> "ConnectionOut":
        """Show a connection without its secret."""
        return cls(
            id=connection.id,
            issuer=connection.issuer,
            client_id=connection.client_id,
            role=connection.role,
            passwords="allowed" if connection.passwords else "forbidden",
            callback_url=callback_url(base, str(connection.id)),
            created_at=connection.created_at,
        )


class SsoOut(BaseModel):
    """An organization's single sign-on. `connection` null: none is set up."""

    connection: ConnectionOut | None
    domains: list[DomainOut]


@router.get("", summary="Read the single sign-on")
async def read_sso(request: Request, tx: TxDep, actor: ActorDep, customer: Customer = None) -> SsoOut:
    """Return the organization's connection and domains."""
    organization = await _managed(tx, actor, customer)
    try:
        connection = ConnectionOut.of(await connection_of(tx, organization.id), base_url_of(request))
    except ConnectionNotFoundError:
        connection = None
    return SsoOut(
        connection=connection, domains=[DomainOut.of(each) for each in await list_domains(tx, organization.id)]
    )


@router.patch(
    "",
    responses={
        404: {"description": "`sso_not_set_up`, `role_not_found`"},
        409: {"description": "`sso_not_tried`: sign in over it before passwords are forbidden"},
        503: {"description": "`sign_in_provider_unavailable`: the issuer does not answer as one"},
    },
    summary="Set up the single sign-on, or change it",
)
async def change_sso(body: ConnectionBody, request: Request, runtime: RuntimeDep, actor: ActorDep) -> ConnectionOut:
    """Set up the connection, or change it. With another issuer or client, passwords are taken again."""
    wish = ConnectionWish(
        issuer=body.issuer,
        client_id=body.client_id,
        client_secret=body.client_secret,
        role=body.role,
        passwords=None if body.passwords is None else body.passwords == "allowed",
    )
    return ConnectionOut.of(await set_up(runtime, actor, body.customer, wish), base_url_of(request))


@router.delete(
    "", status_code=204, responses={404: {"description": "`sso_not_set_up`"}}, summary="Take the single sign-on away"
)
async def remove_sso(tx: TxDep, actor: ActorDep, customer: Customer = None) -> None:
    """Take the connection away. Members stay; who has no password can reset it."""
    organization = await _managed(tx, actor, customer)
    await must_be_fresh(tx, actor)
    await remove_connection(tx, organization.id)


@router.post("/domains", status_code=201, summary="Claim a domain")
async def claim(body: DomainBody, tx: TxDep, actor: ActorDep) -> DomainOut:
    """Claim a domain. It counts once the TXT record of the answer was seen. Claiming twice answers the same."""
    organization = await _managed(tx, actor, body.customer)
    return DomainOut.of(await claim_domain(tx, organization.id, body.domain))


@router.post(
    "/domains/{domain_id}/verify",
    responses={
        404: {"description": "`domain_not_found`"},
        409: {"description": "`domain_not_shown`, `domain_taken`"},
        503: {"description": "`dns_unavailable`"},
    },
    summary="Show that a domain is yours",
)
async def verify(domain_id: str, runtime: RuntimeDep, actor: ActorDep, customer: Customer = None) -> DomainOut:
    """Look for the TXT record. An operator's call needs none: it is their word."""
    return DomainOut.of(await show_domain(runtime, actor, customer, domain_id))


@router.delete(
    "/domains/{domain_id}",
    status_code=204,
    responses={404: {"description": "`domain_not_found`"}},
    summary="Give a domain up",
)
async def release(domain_id: str, tx: TxDep, actor: ActorDep, customer: Customer = None) -> None:
    """Give a domain up: its people come in by password again, and not over your issuer."""
    organization = await _managed(tx, actor, customer)
    await must_be_fresh(tx, actor)
    await release_domain(tx, organization.id, id_or(domain_id, DomainNotFoundError))


async def set_up(runtime: Runtime, actor: Actor, customer: str | None, wish: ConnectionWish) -> Connection:
    """Set up a connection, asking the issuer first whether it is one.

    Raises:
        AddressRefusedError: the issuer is where we do not go.
        ProviderDownError: it does not answer, or is no issuer.
        Others as `set_up_connection` says.
    """
    async with runtime.transaction() as tx:
        organization = await _managed(tx, actor, customer)
        await must_be_fresh(tx, actor)
    if wish.issuer is not None:
        check_outgoing_url(runtime.settings, wish.issuer, field="issuer")
        await runtime.part(Outside).check_issuer(wish.issuer)
    async with runtime.transaction() as tx:
        return await set_up_connection(tx, actor, organization.id, wish)


async def show_domain(runtime: Runtime, actor: Actor, customer: str | None, domain_id: str) -> Domain:
    """Have a domain count when its record is there, or the operator says so.

    Raises:
        DomainNotFoundError: the organization has no such claim.
        DomainNotShownError: the record is not there.
        DomainTakenError: another organization holds the domain.
        DnsUnavailableError: no name server answers.
    """
    async with runtime.transaction() as tx:
        organization = await _managed(tx, actor, customer)
        await must_be_fresh(tx, actor)
        domain = await find_domain(tx, organization.id, id_or(domain_id, DomainNotFoundError))
    if not actor.is_operator and domain.verified_at is None:
        records: DomainRecords = runtime.parts[DomainRecords]
        if not is_shown(domain, await records.txt(domain.record_name)):
            raise DomainNotShownError
    async with runtime.transaction() as tx:
        domain = await find_domain(tx, organization.id, domain.id)
        return await accept_domain(tx, domain, ShownBy.OPERATOR if actor.is_operator else ShownBy.DNS)


async def _managed(tx: Tx, actor: Actor, customer: str | None) -> Organization:
    actor.must(Permission.ORGANIZATION_MANAGE)
    return await organization_for(tx, actor, customer)
