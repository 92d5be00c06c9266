"""Addresses for passkeys at the door, and for proving oneself again before something dangerous."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity import (
    InvalidCredentialsError,
    InvalidPasskeyError,
    Method,
    PasswordHasher,
    Proved,
    Refused,
    RelyingParty,
    find_credentials,
    get_user,
    is_fresh,
    passkey_request_options,
    prove_anew,
    prove_by_code,
    prove_by_password,
    step_up_methods,
    use_passkey,
)
from tollkeeper.infra import ActorDep, Runtime, RuntimeDep, Tx, TxDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError
from tollkeeper.orgs.model import StepUp

from .browsers import client_of, set_session_cookie
from .factor_schemas import CredentialBody, OptionsOut, StepUpBody, StepUpOut, StepUpStateOut
from .party import party_of
from .person import person_of
from .schemas import LoginOut
from .second_step import log_in_by_passkey

router = APIRouter(prefix="/auth", tags=["People"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "`invalid_passkey`"},
    409: {"description": "`passkeys_unavailable`"},
}


@router.post("/passkey/options", responses={409: _REFUSED[409]}, summary="Ask for a passkey's challenge")
async def ask_for_passkey(request: Request, runtime: RuntimeDep) -> OptionsOut:
    """Return what `navigator.credentials.get()` is given as `publicKey`, for logging in and for stepping up.

    The challenge is good once and for ten minutes. It names nobody: the device offers the passkeys it has.
    """
    return OptionsOut(options=passkey_request_options(runtime, party_of(request)))


@router.post("/passkey", responses=_REFUSED, summary="Log in by passkey")
async def log_in_with_passkey(
    body: CredentialBody, request: Request, response: Response, runtime: RuntimeDep
) -> LoginOut:
    """Log in the person whose passkey answered the challenge; no password and no code is asked for."""
    party = party_of(request)
    signed_in = await log_in_by_passkey(runtime, party, body.credential, client_of(request))
    set_session_cookie(request, response, signed_in.session)
    return LoginOut.of(signed_in.member, signed_in.tokens, signed_in.session)


@router.get("/step-up", summary="Whether a proof is needed")
async def read_step_up(tx: TxDep, actor: ActorDep) -> StepUpStateOut:
    """Tell whether the login proved itself within ten minutes, and by what it can do so again."""
    return StepUpStateOut(fresh=await is_fresh(tx, actor), methods=list(await step_up_ways(tx, actor)))


@router.post(
    "/step-up",
    responses={
        401: {"description": "`invalid_credentials`, `invalid_code` or `invalid_passkey`"},
        409: _REFUSED[409],
        429: {"description": "`too_many_wrong_codes`: wait for `retry_after` seconds"},
    },
    summary="Prove yourself again",
)
async def prove_again(
    body: StepUpBody, request: Request, response: Response, runtime: RuntimeDep, actor: ActorDep
) -> StepUpOut:
    """Prove who you are, so that dangerous calls are let through for ten minutes.

    With a second factor it is that, or a passkey; without one the password. A browser's session gets another token.
    """
    proof = StepUp(body.password, body.otp, body.credential)
    party = party_of(request) if proof.credential is not None else None
    proved = await step_up(runtime, actor, proof, party)
    if proved.session is not None:
        set_session_cookie(request, response, proved.session)
    return StepUpOut.of(proved)


async def step_up(runtime: Runtime, actor: Actor, proof: StepUp, party: RelyingParty | None) -> Proved:
    """Let the caller's login be fresh by one proof. `party` is needed for a passkey alone.

    Raises:
        InvalidInputError: not exactly one proof was sent, or one this person cannot prove themselves by.
        InvalidCredentialsError: the password is wrong.
        InvalidCodeError: the code is not right.
        InvalidPasskeyError: the passkey is not accepted, or somebody else's.
        TooManyCodesError: so many were wrong that the next one has to wait.
    """
    if proof.credential is not None and party is not None:
        async with runtime.transaction() as tx:
            if await use_passkey(tx, party, proof.credential) != person_of(actor):
                raise InvalidPasskeyError(log="the passkey of another person")
            return await prove_anew(tx, actor, Method.PASSKEY)
    fits = await _password_fits(runtime, actor, proof.password) if proof.password is not None else False
    async with runtime.transaction() as tx:
        if proof.code is not None:
            outcome = await prove_by_code(tx, actor, person_of(actor), proof.code)
        else:
            outcome = await prove_by_password(tx, actor, person_of(actor), fits=fits)
    if isinstance(outcome, Refused):  # raised after the commit: what was counted stays counted
        wrong_password = outcome.why == "wrong" and proof.password is not None
        raise InvalidCredentialsError if wrong_password else outcome.error(runtime.clock.now())
    return outcome


async def _password_fits(runtime: Runtime, actor: Actor, password: str) -> bool:
    async with runtime.transaction() as tx:
        user = await get_user(tx, person_of(actor))
        known = await find_credentials(tx, user.email)
        if Method.PASSWORD not in await step_up_ways(tx, actor):
            message = "does not do for you; send a code, a recovery code or a passkey"
            raise InvalidInputError([FieldProblem("password", message)])
    return await runtime.part(PasswordHasher).verify(password, known.password_hash if known else None)


async def step_up_ways(tx: Tx, actor: Actor) -> tuple[Method, ...]:
    """Return by what the person who calls can prove themselves again; empty: by logging in anew."""
    user = await get_user(tx, person_of(actor))
    known = await find_credentials(tx, user.email)
    has_password = known is not None and known.password_hash is not None
    return await step_up_methods(tx, user.id, has_password=has_password)
