"""What an admin does for an organization or a person, each confirmed on a page of its own and told in the trail."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.billing import CancelAt, cancel, extend_trial, provider_transaction, status
from tollkeeper.catalog import load_catalogue
from tollkeeper.gate import gate_of
from tollkeeper.identity import close_logins
from tollkeeper.identity.finding import get_known
from tollkeeper.infra import Runtime, RuntimeDep, Tx
from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError, new_id
from tollkeeper.metering import grant_credits
from tollkeeper.orgs import Organization, get_organization, reinstate_organization, suspend_organization
from tollkeeper.orgs.suspending import MAX_REASON
from tollkeeper.web.admin.guard import AdminDep, StaffViewer
from tollkeeper.web.admin.numbers import whole_number
from tollkeeper.web.admin.showing import Asking, Typed, ask
from tollkeeper.web.ui import FormState, day_of, empty_form, go, read_form, refused_form, toast

from .addresses import ORGANIZATION, ORGANIZATIONS, PEOPLE, PERSON, organization_meant, person_meant

router = APIRouter()

MOST_CREDITS = 10**12
Asked = Callable[[Tx, Organization], Awaitable[Asking]]
Done = Callable[[Mapping[str, str]], Awaitable[str]]
"""Does what was confirmed, by the form's fields; returns what is said then."""


async def answer(
    request: Request, runtime: Runtime, viewer: StaffViewer, whom: UUID, *, asked: Asked, done: Done
) -> Response:
    """Do what a confirmed form asks for, and go back to the organization; refused, ask again and say why."""
    fields = await read_form(request)
    try:
        words = await done(fields)
    except TollkeeperError as error:
        async with runtime.transaction(of_all=True) as tx:
            asking = await asked(tx, await get_organization(tx, whom))
        names = [each.name for each in asking.typed]
        once = {name: fields.get(name, value) for name, value in asking.hidden.items()}
        asking, form = replace(asking, hidden=once), refused_form(fields, names, error)
        return ask(request, viewer, asking, form=form, status=error.status)
    return toast(request, go(f"{ORGANIZATIONS}/{whom}"), words)


async def show_ask(
    request: Request,
    runtime: Runtime,
    viewer: StaffViewer,
    whom: UUID,
    asked: Asked,
    *,
    form: FormState | None = None,
) -> Response:
    """Answer with the page that asks about an organization."""
    async with runtime.transaction(of_all=True) as tx:
        asking = await asked(tx, await get_organization(tx, whom))
    return ask(request, viewer, asking, form=form)


def home_of(organization: Organization) -> str:
    """Return where an organization's page is."""
    return f"{ORGANIZATIONS}/{organization.id}"


async def _ask_suspend(_: Tx, organization: Organization) -> Asking:
    return Asking(
        title=f"Suspend {organization.name}",
        text="Within a second its keys are refused and nothing can be used for it. Its people can still log in, read, "
        "export, pay and cancel. What it bought goes on being billed until somebody cancels it.",
        action=home_of(organization) + "/suspend",
        button="Suspend",
        back=home_of(organization),
        typed=(Typed("reason", "What its people are told", "textarea", extra={"maxlength": str(MAX_REASON)}),),
        is_grave=True,
    )


@router.get(ORGANIZATION + "/suspend")
async def suspend_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask before an organization is suspended."""
    return await show_ask(request, runtime, viewer, organization_meant(organization_id), _ask_suspend)


@router.post(ORGANIZATION + "/suspend")
async def suspend_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Suspend an organization."""
    whom = organization_meant(organization_id)

    async def done(fields: Mapping[str, str]) -> str:
        async with runtime.transaction(of_all=True) as tx:
            organization = await suspend_organization(tx, whom, fields.get("reason", ""))
        return f"{organization.name} is suspended."

    return await answer(request, runtime, viewer, whom, asked=_ask_suspend, done=done)


async def _ask_reinstate(_: Tx, organization: Organization) -> Asking:
    return Asking(
        title=f"Take {organization.name} back",
        text="Its keys work again within a second, and it may use what it bought.",
        action=home_of(organization) + "/reinstate",
        button="Reinstate",
        back=home_of(organization),
        rows=(("Suspended because", organization.suspension),) if organization.suspension else (),
    )


@router.get(ORGANIZATION + "/reinstate")
async def reinstate_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask before a suspended organization is taken back."""
    return await show_ask(request, runtime, viewer, organization_meant(organization_id), _ask_reinstate)


@router.post(ORGANIZATION + "/reinstate")
async def reinstate_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Take a suspended organization back."""
    whom = organization_meant(organization_id)

    async def done(_: Mapping[str, str]) -> str:
        async with runtime.transaction(of_all=True) as tx:
            organization = await reinstate_organization(tx, whom)
        return f"{organization.name} may use what it bought again."

    return await answer(request, runtime, viewer, whom, asked=_ask_reinstate, done=done)


def _ask_credits(features: Mapping[str, str]) -> Asked:
    async def asked(_: Tx, organization: Organization) -> Asking:
        return Asking(
            title=f"Give {organization.name} credits",
            text="Credits are used once a limit is reached, those that expire soonest first. Nothing is charged.",
            action=home_of(organization) + "/credits",
            button="Give credits",
            back=home_of(organization),
            typed=(
                Typed("feature", "For", "select", choices=tuple(features.items())),
                Typed("amount", "How many", "number", extra={"min": "1", "inputmode": "numeric"}),
                Typed("until", "Of use until", "date", hint="Left empty: for good.", required=False),
                Typed("reason", "Why", extra={"maxlength": str(MAX_REASON)}),
            ),
            hidden={"once": new_id().hex},
        )

    return asked


async def _features(request: Request, organization_id: UUID) -> dict[str, str]:
    access = await gate_of(request).access(organization_id)
    return {key: key.replace("_", " ").capitalize() for key, each in access.allowances.items() if each.offered}


@router.get(ORGANIZATION + "/credits")
async def credits_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask how many credits of what are given."""
    whom = organization_meant(organization_id)
    return await show_ask(request, runtime, viewer, whom, _ask_credits(await _features(request, whom)))


@router.post(ORGANIZATION + "/credits")
async def credits_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Give credits; sent twice, the form gives once."""
    whom = organization_meant(organization_id)
    features = await _features(request, whom)
    access = await gate_of(request).access(whom)

    async def done(fields: Mapping[str, str]) -> str:
        feature, amount = fields.get("feature", ""), _amount(fields.get("amount", ""))
        if feature not in features:
            raise InvalidInputError([FieldProblem("feature", "Choose one of these")])
        reason = reason_of(fields)
        async with runtime.transaction(of_all=True) as tx:
            until = day_of("until", fields.get("until", ""))
            if until is not None and until + timedelta(days=1) <= tx.now:
                raise InvalidInputError([FieldProblem("until", "Choose a day that is not over")])
            await grant_credits(
                tx,
                whom,
                access.allowances[feature].meter_id,
                amount,
                reason=reason,
                external_id=f"admin-{fields.get('once', '')[:64] or new_id().hex}",
                expires_at=until and until + timedelta(days=1),
                granted_by=None,
            )
        return f"{amount:,} credits given."

    return await answer(request, runtime, viewer, whom, asked=_ask_credits(features), done=done)


def reason_of(fields: Mapping[str, str]) -> str:
    """Return why something is done, as it was typed.

    Raises:
        InvalidInputError: nothing was.
    """
    reason = " ".join(fields.get("reason", "").replace("\x00", "").split())[:MAX_REASON]
    if not reason:
        raise InvalidInputError([FieldProblem("reason", "Say why")])
    return reason


def _amount(typed: str) -> int:
    amount = whole_number(typed.strip().replace(",", ""), digits=len(str(MOST_CREDITS)))
    if not amount:
        raise InvalidInputError([FieldProblem("amount", "Enter a whole number above nought")])
    return amount


async def _ask_trial(tx: Tx, organization: Organization) -> Asking:
    standing = await status(tx, organization.id, created_at=organization.created_at)
    end = standing.trial_end if standing.subscription and standing.subscription.in_trial else None
    return Asking(
        title=f"Extend the trial of {organization.name}",
        text="It pays nothing until then. A trial can be two years from now at most.",
        action=home_of(organization) + "/trial",
        button="Extend the trial",
        back=home_of(organization),
        rows=(("Ends now on", f"{end:%-d %b %Y}"),) if end else (("Trial", "None is running"),),
        typed=(Typed("until", "New last day", "date"),),
        hidden={"once": new_id().hex},
    )


@router.get(ORGANIZATION + "/trial")
async def trial_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask until when the trial runs."""
    return await show_ask(request, runtime, viewer, organization_meant(organization_id), _ask_trial)


@router.post(ORGANIZATION + "/trial")
async def trial_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Extend the trial."""
    whom = organization_meant(organization_id)

    async def done(fields: Mapping[str, str]) -> str:
        until = day_of("until", fields.get("until", ""))
        if until is None:
            raise InvalidInputError([FieldProblem("until", "Choose a day")])
        async with provider_transaction(runtime) as tx:
            await extend_trial(tx, whom, until + timedelta(days=1), idempotency_key=once_of(fields, "trial", whom))
        return f"The trial runs until {until:%-d %b %Y}."

    return await answer(request, runtime, viewer, whom, asked=_ask_trial, done=done)


def once_of(fields: Mapping[str, str], kind: str, whom: UUID) -> str:
    """Return the key by which a form that is sent twice does its work once at the provider."""
    sent = fields.get("once", "")
    is_ours = len(sent) == len(whom.hex) and sent.isalnum() and sent.isascii()
    return f"admin-{kind}-{whom}-{sent if is_ours else new_id().hex}"


async def plan_name(tx: Tx, key: str) -> str:
    """Return what customers know a plan as."""
    return (await load_catalogue(tx)).plans[key].name


async def _ask_cancel(tx: Tx, organization: Organization) -> Asking:
    standing = await status(tx, organization.id, created_at=organization.created_at)
    end = standing.current_period_end
    return Asking(
        title=f"Cancel the subscription of {organization.name}",
        text="Nothing is given back by this; a refund is made on the invoice.",
        action=home_of(organization) + "/cancel",
        button="Cancel the subscription",
        back=home_of(organization),
        rows=(("Plan", await plan_name(tx, standing.plan)), *((("Paid until", f"{end:%-d %b %Y}"),) if end else ())),
        typed=(
            Typed(
                "at",
                "When",
                "select",
                choices=((CancelAt.PERIOD_END.value, "When the period ends"), (CancelAt.NOW.value, "Now")),
            ),
        ),
        is_grave=True,
    )


@router.get(ORGANIZATION + "/cancel")
async def cancel_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Ask before a subscription is cancelled."""
    return await show_ask(request, runtime, viewer, organization_meant(organization_id), _ask_cancel)


@router.post(ORGANIZATION + "/cancel")
async def cancel_form(request: Request, runtime: RuntimeDep, viewer: AdminDep, organization_id: str) -> Response:
    """Cancel a subscription."""
    whom = organization_meant(organization_id)

    async def done(fields: Mapping[str, str]) -> str:
        if fields.get("at") not in set(CancelAt):
            raise InvalidInputError([FieldProblem("at", "Choose when")])
        async with provider_transaction(runtime) as tx:
            await cancel(tx, whom, CancelAt(fields["at"]))
        return "The subscription is cancelled."

    return await answer(request, runtime, viewer, whom, asked=_ask_cancel, done=done)


@router.get(PERSON + "/log-out")
async def log_out_page(request: Request, runtime: RuntimeDep, viewer: AdminDep, person_id: str) -> Response:
    """Ask before somebody is logged out everywhere."""
    whom = person_meant(person_id)
    async with runtime.transaction(of_all=True) as tx:
        user = (await get_known(tx, whom)).user
    home = f"{PEOPLE}/{whom}"
    asking = Asking(
        title=f"Log {user.name or user.email} out everywhere",
        text="Every browser and program they are logged in with has to log in again. Keys go on working.",
        action=home + "/log-out",
        button="Log out everywhere",
        back=home,
        is_grave=True,
    )
    return ask(request, viewer, asking, form=empty_form())


@router.post(PERSON + "/log-out")
async def log_out_form(request: Request, runtime: RuntimeDep, _: AdminDep, person_id: str) -> Response:
    """Log somebody out everywhere."""
    await read_form(request)
    whom = person_meant(person_id)
    async with runtime.transaction(of_all=True) as tx:
        await get_known(tx, whom)
        ended = await close_logins(tx, whom)
        await tx.record("user.logged_out", target=("user", whom), after={"logins": ended})
    return toast(request, go(f"{PEOPLE}/{whom}"), f"Logged out in {ended} places." if ended else "Was not logged in.")
