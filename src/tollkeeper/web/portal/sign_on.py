"""An organization's own single sign-on: its domains, its issuer, whether passwords are taken beside it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import must_be_fresh
from tollkeeper.identity.elsewhere import ProviderDownError
from tollkeeper.infra import Runtime, RuntimeDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, id_or
from tollkeeper.orgs import list_roles, set_up_sso, show_domain
from tollkeeper.orgs.sign_on import (
    Connection,
    ConnectionNotFoundError,
    ConnectionWish,
    DomainNotFoundError,
    PasswordsNeededError,
    claim_domain,
    connection_of,
    list_domains,
    release_domain,
    remove_connection,
)
from tollkeeper.web.ui import FormState, base_url_of, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer
from .views import Choice

router = APIRouter()
HOME = "/team/sign-on"
_FIELDS = ("issuer", "client_id", "role", "passwords")
_PASSWORDS = [Choice("allowed", "May be used, too"), Choice("forbidden", "Are not taken")]


@router.get(HOME)
async def sign_on_page(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Show domains and connection."""
    return await _show(request, runtime, actor)


@router.post(HOME)
async def connection_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Set the connection up, or change it."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    fields = {name: value.strip() for name, value in (await read_form(request)).items()}
    try:
        await set_up_sso(runtime, actor, None, _wish(fields))
    except ProviderDownError as error:
        wrong = InvalidInputError([FieldProblem("issuer", f"{error.title}, or is no OpenID Connect issuer")])
        return await _show(request, runtime, actor, form=refused_form(fields, _FIELDS, wrong), status=wrong.status)
    except (InvalidInputError, ConnectionNotFoundError, PasswordsNeededError) as error:
        return await _show(request, runtime, actor, form=refused_form(fields, _FIELDS, error), status=422)
    return toast(request, go(HOME), "The connection is saved.")


@router.post(HOME + "/remove")
async def remove_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take the connection away."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    await read_form(request)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        await remove_connection(tx, actor.own_organization())
    return toast(request, go(HOME), "The connection is taken away.")


@router.post(HOME + "/domains")
async def claim_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Begin to claim a domain."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    fields = await read_form(request)
    try:
        async with runtime.transaction() as tx:
            await claim_domain(tx, actor.own_organization(), fields.get("domain", ""))
    except InvalidInputError as error:
        claim = refused_form(fields, ["domain"], error)
        return await _show(request, runtime, actor, claim=claim, status=error.status)
    return toast(request, go(HOME), "Now prove that the domain is yours.")


@router.post(HOME + "/domains/{domain_id}/verify")
async def verify_form(request: Request, runtime: RuntimeDep, actor: PersonDep, domain_id: str) -> Response:
    """Look for the domain's record."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    await read_form(request)
    await show_domain(runtime, actor, None, domain_id)
    return go(HOME)


@router.post(HOME + "/domains/{domain_id}/release")
async def release_form(request: Request, runtime: RuntimeDep, actor: PersonDep, domain_id: str) -> Response:
    """Give a domain up."""
    actor.must(Permission.ORGANIZATION_MANAGE)
    await read_form(request)
    found = id_or(domain_id, DomainNotFoundError)
    async with runtime.transaction() as tx:
        await must_be_fresh(tx, actor)
        await release_domain(tx, actor.own_organization(), found)
    return toast(request, go(HOME), "The domain is given up.")


def _wish(fields: dict[str, str]) -> ConnectionWish:
    """Return what the form asks for; what is left empty stays, and so does the secret."""
    if fields.get("passwords", "allowed") not in {each.key for each in _PASSWORDS}:
        raise InvalidInputError([FieldProblem("passwords", "choose one of the list")])
    return ConnectionWish(
        issuer=fields.get("issuer", "").rstrip("/") or None,
        client_id=fields.get("client_id") or None,
        client_secret=fields.get("client_secret") or None,
        role=fields.get("role") or None,
        passwords=fields["passwords"] == "allowed" if "passwords" in fields else None,
    )


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    *,
    form: FormState | None = None,
    claim: FormState | None = None,
    status: int = 200,
) -> Response:
    actor.must(Permission.ORGANIZATION_MANAGE)
    organization_id = actor.own_organization()
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        domains = await list_domains(tx, organization_id)
        roles = [Choice(each.key, each.name) for each in await list_roles(tx, organization_id) if not each.is_owner]
        try:
            connection = await connection_of(tx, organization_id)
        except ConnectionNotFoundError:
            connection = None
    return page(
        request,
        "portal/sign_on.html",
        status=status,
        viewer=viewer,
        banners=[],
        connection=connection,
        callback=f"{base_url_of(request)}/auth/elsewhere/{connection.id}/callback" if connection else "",
        domains=domains,
        form=form or _filled(connection),
        claim=claim or empty_form("domain"),
        roles=roles,
        passwords=_PASSWORDS,
    )


def _filled(connection: Connection | None) -> FormState:
    if connection is None:
        return empty_form(issuer="", client_id="", client_secret="", role="viewer", passwords="allowed")
    return empty_form(
        issuer=connection.issuer,
        client_id=connection.client_id,
        client_secret="",
        role=connection.role,
        passwords="allowed" if connection.passwords else "forbidden",
    )
