"""The page of billing details: whom invoices are made out to, and tax ids."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import (
    Address,
    Buyer,
    DetailsChange,
    add_tax_id,
    billing_details,
    change_details,
    list_tax_ids,
    provider_transaction,
    remove_tax_id,
    tax_id_words,
)
from tollkeeper.billing.customers import find_customer
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError, Permission, TollkeeperError
from tollkeeper.web.ui import FormState, countries, empty_form, go, page, read_form, refused_form, toast

from .person import PersonDep, load_viewer, may

router = APIRouter()

PLACE = "/billing/details"
ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")
FIELDS = ("name", "email", *ADDRESS)
TAX_ID_FIELDS = ("kind", "value")
MAX_LENGTH = 200
KINDS = (
    ("eu_vat", "European VAT number"),
    ("gb_vat", "United Kingdom VAT number"),
    ("ch_vat", "Swiss VAT number"),
    ("no_vat", "Norwegian VAT number"),
    ("us_ein", "United States EIN"),
    ("au_abn", "Australian ABN"),
    ("ca_gst_hst", "Canadian GST/HST number"),
    ("nz_gst", "New Zealand GST number"),
    ("in_gst", "Indian GSTIN"),
    ("sg_gst", "Singapore GST number"),
)
STATES = {
    "verified": ("Verified", "good"),
    "pending": ("Being verified", "accent"),
    "unverified": ("Not found", "warn"),
    "unavailable": ("Not verified", "neutral"),
}
EXEMPT = {
    "none": "",
    "exempt": "You are exempt from tax: none is charged.",
    "reverse": "Reverse charge: no tax is charged, you account for it yourself.",
}


@router.get(PLACE)
async def details_page(request: Request, runtime: RuntimeDep, actor: PersonDep, whole: str = "") -> Response:
    """Show whom invoices are made out to.

    The page is there at once, the details when the provider has told them; `whole` waits for the provider.
    """
    actor.must(Permission.BILLING_READ)
    at_once = None if whole else await _show_at_once(request, runtime, actor)
    return at_once or await _show(request, runtime, actor)


@router.post(PLACE)
async def details_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Change whom coming invoices are made out to."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    try:
        change = _change(fields)
        async with provider_transaction(runtime) as tx:
            await change_details(tx, await _buyer(tx, actor), change)
    except TollkeeperError as error:
        return await _show(request, runtime, actor, form=refused_form(fields, FIELDS, error), status=error.status)
    return toast(request, go(PLACE), "Coming invoices are made out like this.")


@router.post(f"{PLACE}/tax-ids")
async def tax_id_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Add a tax id."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    try:
        kind, value = fields.get("kind", ""), fields.get("value", "").strip()
        if not value or len(value) > MAX_LENGTH or kind not in dict(KINDS):
            raise InvalidInputError([FieldProblem("value", "Enter the tax ID.")])
        async with provider_transaction(runtime) as tx:
            await add_tax_id(tx, await _buyer(tx, actor), kind, value)
    except TollkeeperError as error:
        form = refused_form(fields, TAX_ID_FIELDS, error)
        return await _show(request, runtime, actor, tax_form=form, status=error.status)
    return toast(request, go(PLACE), "Tax ID added.")


@router.post(f"{PLACE}/tax-ids/remove")
async def remove_tax_id_form(request: Request, runtime: RuntimeDep, actor: PersonDep) -> Response:
    """Take a tax id away."""
    actor.must(Permission.BILLING_MANAGE)
    fields = await read_form(request)
    async with provider_transaction(runtime) as tx:
        await remove_tax_id(tx, actor.own_organization(), fields.get("tax_id", ""))
    return toast(request, go(PLACE), "Tax ID taken away.")


async def _show_at_once(request: Request, runtime: Runtime, actor: Actor) -> Response | None:
    """Show the page without the details; None: the provider has none, so there is nothing to wait for."""
    async with runtime.transaction() as tx:
        viewer = await load_viewer(tx, actor)
        if await find_customer(tx, viewer.home.id) is None:
            return None
    return page(request, "portal/details.html", viewer=viewer, banners=[], whole=f"{PLACE}?whole=yes", form=None)


async def _show(
    request: Request,
    runtime: Runtime,
    actor: Actor,
    *,
    form: FormState | None = None,
    tax_form: FormState | None = None,
    status: int = 200,
) -> Response:
    async with provider_transaction(runtime) as tx:
        viewer = await load_viewer(tx, actor)
        organization = viewer.home
        found = await billing_details(tx, organization.id, name=organization.name)
        tax_ids = await list_tax_ids(tx, organization.id)
    typed = {name: getattr(found.address, name, None) or "" for name in ADDRESS}
    values = {"name": found.name or "", "email": found.email or "", **typed}
    rows = [
        {
            "id": each.id,
            "kind": tax_id_words(each.kind),
            "value": each.value,
            "state": STATES.get(each.status, (each.status.capitalize(), "neutral")),
        }
        for each in tax_ids
    ]
    return page(
        request,
        "portal/details.html",
        status=status,
        viewer=viewer,
        banners=[],
        may_manage=may(actor, Permission.BILLING_MANAGE),
        form=form or empty_form(**values),
        tax_form=tax_form or empty_form(*TAX_ID_FIELDS),
        kinds=KINDS,
        tax_ids=rows,
        exempt=EXEMPT[found.tax_exempt],
        countries=countries(),
    )


async def _buyer(tx: Tx, actor: Actor) -> Buyer:
    viewer = await load_viewer(tx, actor)
    return Buyer(actor.own_organization(), viewer.organization, viewer.email)


def _change(fields: dict[str, str]) -> DetailsChange:
    typed = {name: fields.get(name, "").strip() for name in FIELDS}
    problems = [FieldProblem(name, "Too long.") for name, value in typed.items() if len(value) > MAX_LENGTH]
    if not typed["name"]:
        problems.append(FieldProblem("name", "Enter the name invoices are made out to."))
    if typed["email"] and "@" not in typed["email"][1:-1]:
        problems.append(FieldProblem("email", "Enter an e-mail address, such as name@example.com."))
    country = typed["country"].upper()
    says_where = any(typed[name] for name in ADDRESS)
    if says_where and not (len(country) == 2 and country.isascii() and country.isalpha()):  # noqa: PLR2004 - ISO 3166
        problems.append(FieldProblem("country", "Enter the two letters of the country, such as DE."))
    if problems:
        raise InvalidInputError(problems)
    parts = {**{name: typed[name] or None for name in ADDRESS}, "country": country or None}
    return DetailsChange(typed["name"], typed["email"] or None, Address(**parts) if says_where else None)
