"""What one can sign in with besides the password: linked at other services, linked and unlinked here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import Session, must_be_fresh
from tollkeeper.identity.elsewhere import (
    Identity,
    IdentityNotFoundError,
    Provider,
    list_identities,
    provider_named,
    providers,
    unlink,
)
from tollkeeper.infra import RuntimeDep, Tx, runtime_of
from tollkeeper.kit import Actor, UnauthenticatedError, id_or
from tollkeeper.orgs import begin_elsewhere, person_of
from tollkeeper.web.ui import base_url_of, go, keep_attempt, leave, page, read_form, toast

from .person import PersonDep, load_viewer
from .security import SECTIONS, Section

router = APIRouter()
HOME = "/security/sign-in"


@dataclass(frozen=True, slots=True)
class Linked:
    """Something linked, as it is listed."""

    id: str
    title: str
    email: str
    since: datetime
    last_used_at: datetime


@router.get(HOME)
async def ways_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """List what is linked, and what can be."""
    known = providers(runtime)
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        found = await list_identities(tx, person_of(actor))
    linked = [
        Linked(
            str(each.id),
            _title(known, each),
            each.email or "",
            each.created_at,
            each.last_used_at,
        )
        for each in found
    ]
    open_ways = [each for each in known.values() if each.key not in {one.provider for one in found}]
    return page(request, "portal/sign_in_ways.html", viewer=viewer, banners=[], linked=linked, ways=open_ways)


@router.post(HOME + "/{provider}/link")
async def link_form(request: Request, runtime: RuntimeDep, actor: PersonDep, provider: str) -> Response:
    """Send the browser to a service, to link what it brings back."""
    await read_form(request)
    title = provider_named(runtime, provider).title
    await _fresh(request, actor)
    departure = await begin_elsewhere(
        runtime, provider, base=base_url_of(request), next_path=HOME, linking=_session_of(request)
    )
    words = f"{title} asks who you are, and sends you back here."
    return keep_attempt(request, leave(request, departure.url, title, words=words), departure.kept)


@router.post(HOME + "/{identity_id}/unlink")
async def unlink_form(request: Request, runtime: RuntimeDep, actor: PersonDep, identity_id: str) -> Response:
    """Sign in with it no more."""
    await read_form(request)
    await _fresh(request, actor)
    found = id_or(identity_id, IdentityNotFoundError)
    async with runtime.transaction() as tx:
        await unlink(tx, person_of(actor), found)
    return toast(request, go(HOME), "It signs you in no more.")


def _title(known: Mapping[str, Provider], identity: Identity) -> str:
    return known[identity.provider].title if identity.provider in known else "Your organization"


async def _linked(tx: Tx, _: Request, actor: Actor) -> dict[str, list[str]]:
    """Return what is linked, for the security page."""
    known = providers(tx.runtime)
    return {"linked": [_title(known, each) for each in await list_identities(tx, person_of(actor))]}


SECTIONS.append(Section("portal/security_elsewhere.html", _linked))


async def _fresh(request: Request, actor: Actor) -> None:
    async with runtime_of(request).transaction() as tx:
        await must_be_fresh(tx, actor)


def _session_of(request: Request) -> Session:
    session: Session | None = request.scope.get("state", {}).get("session")
    if session is None:
        raise UnauthenticatedError
    return session
