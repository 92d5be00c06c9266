"""Addresses for proving an e-mail address, for new passwords, and for the list of logins."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from tollkeeper.identity import (
    LoginNotFoundError,
    close_login_of_person,
    close_logins,
    follow_address_link,
    list_logins,
    strength_of,
)
from tollkeeper.infra import ActorDep, RuntimeDep, TxDep
from tollkeeper.kit import id_or

from .browsers import client_of
from .login_schemas import (
    AddressOut,
    EmailBody,
    EndedOut,
    LinkBody,
    MailSentOut,
    PasswordBody,
    ResetBody,
    SessionList,
    SessionOut,
    StrengthBody,
    StrengthOut,
)
from .password_flows import change_password, reset_password, want_address, want_reset, want_verification
from .person import person_of

router = APIRouter(prefix="/auth", tags=["People"])

_ENDED: dict[int | str, dict[str, Any]] = {404: {"description": "`link_ended`: it was followed before, or is too old"}}


@router.post(
    "/verify",
    responses={**_ENDED, 409: {"description": "`email_taken`: somebody has taken the new address meanwhile"}},
    summary="Prove an e-mail address",
)
async def prove_address(body: LinkBody, tx: TxDep) -> AddressOut:
    """Prove an address by the token that was sent there. One that is to replace another does so."""
    user = await follow_address_link(tx, body.token)
    return AddressOut(email=user.email, verified_at=user.verified_at)


@router.post("/verify/resend", status_code=202, summary="Have the proof of an address sent again")
async def resend_verification(body: EmailBody, tx: TxDep) -> MailSentOut:
    """Send the link that proves this address, to whoever has it and has not proved it."""
    await want_verification(tx, body.email)
    return MailSentOut()


@router.post("/password/forgot", status_code=202, summary="Ask for a new password")
async def ask_for_new_password(body: EmailBody, tx: TxDep) -> MailSentOut:
    """Send whoever has this address a link, good for an hour, to choose a new password."""
    await want_reset(tx, body.email)
    return MailSentOut()


@router.post("/password/reset", status_code=204, responses=_ENDED, summary="Choose a new password")
async def choose_password(body: ResetBody, runtime: RuntimeDep) -> None:
    """Set a new password by the token of a mail. Every login of the person ends; their other factors stay."""
    await reset_password(runtime, body.token, body.password)


@router.post("/password/strength", summary="How hard a password is to guess")
async def rate_password(body: StrengthBody) -> StrengthOut:
    """Estimate a password, with advice. Nothing is kept."""
    return StrengthOut.of(await asyncio.to_thread(strength_of, body.password, body.email, body.name))


@router.post(
    "/password",
    status_code=204,
    responses={
        401: {"description": "`invalid_credentials`: the present password is wrong"},
        403: {"description": "`step_up_required` of people without a password, `person_needed`"},
        429: {"description": "`login_throttled`: wait for `retry_after` seconds"},
    },
    summary="Change the own password",
)
async def change_own_password(body: PasswordBody, request: Request, runtime: RuntimeDep, actor: ActorDep) -> None:
    """Change the caller's password. Every other login of theirs ends."""
    await change_password(
        runtime, actor, current=body.current_password, new=body.new_password, client=client_of(request)
    )


@router.post(
    "/email",
    status_code=202,
    responses={403: {"description": "`step_up_required`, `person_needed`"}},
    summary="Change the own e-mail address",
)
async def change_own_address(body: EmailBody, tx: TxDep, actor: ActorDep) -> MailSentOut:
    """Send a link to the new address; following it makes it the caller's. The old address is told."""
    await want_address(tx, actor, body.email)
    return MailSentOut()


@router.get("/sessions", summary="Where the caller is logged in")
async def list_sessions(tx: TxDep, actor: ActorDep) -> SessionList:
    """List every place the caller is logged in at, with device and place."""
    logins = await list_logins(tx, person_of(actor), actor)
    return SessionList(data=[SessionOut.of(each, tx.runtime) for each in logins])


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    responses={404: {"description": "`login_not_found`"}},
    summary="End one login",
)
async def end_session(session_id: str, tx: TxDep, actor: ActorDep) -> None:
    """End one of the caller's logins, the browser's session with the refresh tokens beside it."""
    await close_login_of_person(tx, person_of(actor), id_or(session_id, LoginNotFoundError))


@router.delete("/sessions", summary="End every other login")
async def end_other_sessions(tx: TxDep, actor: ActorDep) -> EndedOut:
    """End every login of the caller's but the one that calls."""
    return EndedOut(ended=await close_logins(tx, person_of(actor), keep=actor))
