"""Addresses for people to come and go."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import JSONResponse, Response

from tollkeeper.identity import (
    InvalidRefreshTokenError,
    RefreshRefusal,
    RefreshTokenReusedError,
    close_login,
    close_login_of,
    close_session,
    csrf_token,
)
from tollkeeper.infra import ActorDep, OptionalActorDep, RuntimeDep, Tx, TxDep, current_actor
from tollkeeper.kit import Actor, ActorKind, TollkeeperError
from tollkeeper.orgs.model import PersonNeededError
from tollkeeper.orgs.service import get_organization, member_of, refresh

from .browsers import client_of, end_in_browser, own_session, set_session_cookie
from .flows import log_in, register
from .login_schemas import MailSentOut
from .schemas import LoginBody, LoginOut, LogoutBody, MeOut, RefreshBody, RegistrationBody

router = APIRouter(prefix="/auth", tags=["People"])

_REFUSALS: dict[RefreshRefusal, type[TollkeeperError]] = {
    RefreshRefusal.INVALID: InvalidRefreshTokenError,
    RefreshRefusal.REUSED: RefreshTokenReusedError,
}


@router.post(
    "/register",
    status_code=201,
    response_model=LoginOut,
    responses={
        202: {"model": MailSentOut, "description": "The address has to be proved first; a mail says how"},
        403: {"description": "`captcha_required` or `captcha_failed`, where there is a CAPTCHA"},
        409: {"description": "`email_taken`; never where addresses have to be proved first"},
    },
    summary="Register a person",
)
async def register_person(
    body: RegistrationBody, request: Request, response: Response, runtime: RuntimeDep
) -> LoginOut | JSONResponse:
    """Register a person, give them an organization of their own, and log them in.

    Where `TOLLKEEPER_VERIFIED_EMAIL` is on, nobody is logged in: the answer is 202 whether or not the address is
    registered, and a mail says what to do.
    """
    signed_in = await register(
        runtime,
        email=body.email,
        password=body.password,
        name=body.name,
        client=client_of(request),
        captcha=body.captcha,
    )
    if signed_in is None:
        return JSONResponse(MailSentOut().model_dump(), 202)
    set_session_cookie(request, response, signed_in.session)
    return LoginOut.of(signed_in.member, signed_in.tokens, signed_in.session)


@router.post(
    "/login",
    responses={
        401: {
            "description": "`invalid_credentials`; `second_factor_required`: send the same with `otp`, whose ways "
            "`methods` names; `invalid_code`"
        },
        403: {
            "description": "`email_unverified`: the address has to be proved first; `captcha_required`, "
            "`captcha_failed`"
        },
        429: {"description": "`login_throttled`, `too_many_wrong_codes`: wait for `retry_after` seconds"},
    },
    summary="Log in",
)
async def log_person_in(body: LoginBody, request: Request, response: Response, runtime: RuntimeDep) -> LoginOut:
    """Log a person in: tokens for programs in the answer, a session cookie for browsers."""
    signed_in = await log_in(
        runtime,
        email=body.email,
        password=body.password,
        client=client_of(request),
        otp=body.otp,
        captcha=body.captcha,
    )
    set_session_cookie(request, response, signed_in.session)
    return LoginOut.of(signed_in.member, signed_in.tokens, signed_in.session)


@router.post(
    "/refresh",
    responses={401: {"description": "`invalid_refresh_token`, or `refresh_token_reused`: the login is revoked"}},
    summary="Trade the refresh token for new tokens",
)
async def refresh_tokens(body: RefreshBody, runtime: RuntimeDep) -> LoginOut:
    """Trade the refresh token for new tokens; the old one is spent, and presenting it again ends the login."""
    async with runtime.transaction() as tx:
        outcome = await refresh(tx, body.refresh_token)
    if isinstance(outcome, RefreshRefusal):  # raised after the commit: what the refusal revoked stays revoked
        raise _REFUSALS[outcome]
    return LoginOut.of(*outcome)


@router.post("/logout", status_code=204, summary="Log out")
async def log_out(
    request: Request,
    tx: TxDep,
    actor: OptionalActorDep,
    body: Annotated[LogoutBody | None, Body()] = None,
) -> Response:
    """End the caller's login: its session and its refresh tokens. A refresh token alone will do as proof.

    Staff who act as somebody end that, and are themselves again where their browser has kept their own session.
    """
    own = await own_session(tx, request)
    if body is not None and body.refresh_token is not None:
        await close_login_of(tx, body.refresh_token)
    if actor is not None or body is None or body.refresh_token is None:
        await _close(tx, actor or current_actor(request))
    response = Response(status_code=204)
    end_in_browser(request, response, own)
    return response


async def _close(tx: Tx, actor: Actor) -> None:
    if actor.credential_id is None or actor.kind not in {ActorKind.SESSION, ActorKind.TOKEN}:
        raise PersonNeededError
    if actor.kind is ActorKind.SESSION:
        await close_session(tx, actor.credential_id)
    else:
        await close_login(tx, actor.credential_id)


@router.get("/me", summary="Who am I")
async def me(request: Request, tx: TxDep, actor: ActorDep) -> MeOut:
    """Tell who calls, for which organization, and what they may do."""
    answer = await _who(tx, actor)
    session: str | None = request.scope.get("state", {}).get("session_token")
    return answer.model_copy(update={"csrf_token": csrf_token(session)}) if session else answer


async def _who(tx: Tx, actor: Actor) -> MeOut:
    if actor.organization_id is None:
        return MeOut.of(actor, None, None)
    if actor.user_id is None:
        return MeOut.of(actor, await get_organization(tx, actor.organization_id), None)
    member = await member_of(tx, actor.user_id, actor.organization_id)
    return MeOut.of(actor, member.organization, member)
