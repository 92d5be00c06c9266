"""Addresses about signing in elsewhere: with what, and what one has linked. Browsers do the rest on pages."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from tollkeeper.identity import must_be_fresh
from tollkeeper.identity.elsewhere import Identity, IdentityNotFoundError, list_identities, providers, unlink
from tollkeeper.infra import ActorDep, RuntimeDep, TxDep, base_url_of
from tollkeeper.kit import id_or

from .person import person_of

router = APIRouter(tags=["People"])


class ProviderOut(BaseModel):
    """Something people can sign in with: send their browser to `url`, with `?next=` a path of this site."""

    key: str
    title: str
    url: str


class ProviderList(BaseModel):
    """What people can sign in with; all of it, `next_cursor` is always null."""

    data: list[ProviderOut]
    next_cursor: None = None


class IdentityOut(BaseModel):
    """Something a person has linked. `email` is the verified address it named last; null: none."""

    id: UUID
    provider: str
    issuer: str
    email: str | None
    created_at: datetime
    last_used_at: datetime

    @classmethod
    def of(cls, identity: Identity) -> "IdentityOut":
        """Show an identity; what the issuer calls the person is nobody's business."""
        return cls(
            id=identity.id,
            provider=identity.provider,
            issuer=identity.issuer,
            email=identity.email,
            created_at=identity.created_at,
            last_used_at=identity.last_used_at,
        )


class IdentityList(BaseModel):
    """What a person has linked, oldest first; all of it, `next_cursor` is always null."""

    data: list[IdentityOut]
    next_cursor: None = None


@router.get("/auth/providers", summary="List what people can sign in with")
async def list_providers(request: Request, runtime: RuntimeDep) -> ProviderList:
    """List the services people can sign in with besides a password."""
    base = base_url_of(request)
    listed = [
        ProviderOut(key=each.key, title=each.title, url=f"{base}/auth/elsewhere/{each.key}")
        for each in providers(runtime).values()
    ]
    return ProviderList(data=listed)


@router.get("/profile/identities", summary="List what one has linked")
async def list_own_identities(tx: TxDep, actor: ActorDep) -> IdentityList:
    """List what the caller can sign in with besides a password."""
    return IdentityList(data=[IdentityOut.of(each) for each in await list_identities(tx, person_of(actor))])


@router.delete(
    "/profile/identities/{identity_id}",
    status_code=204,
    responses={
        403: {"description": "`step_up_required`, or the call is about a person"},
        404: {"description": "`identity_not_found`"},
        409: {"description": "`last_way_in`"},
    },
    summary="Unlink something",
)
async def unlink_identity(identity_id: str, tx: TxDep, actor: ActorDep) -> None:
    """Sign in with it no more. The only way in stays."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    await unlink(tx, user_id, id_or(identity_id, IdentityNotFoundError))
