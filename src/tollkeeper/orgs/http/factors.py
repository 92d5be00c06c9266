"""Addresses of the caller's own second factors."""

from fastapi import APIRouter, Request

from tollkeeper.identity import (
    PasskeyNotFoundError,
    add_passkey,
    begin_totp,
    confirm_totp,
    factors_of,
    get_user,
    must_be_fresh,
    passkey_creation_options,
    remove_passkey,
    remove_totp,
    rename_passkey,
    renew_recovery_codes,
)
from tollkeeper.infra import ActorDep, TxDep
from tollkeeper.kit import id_or

from .factor_schemas import (
    CodeBody,
    FactorsOut,
    NewPasskeyOut,
    OptionsOut,
    PasskeyBody,
    PasskeyChangeBody,
    PasskeyOut,
    RecoveryCodesOut,
    TotpOut,
)
from .party import party_of
from .person import person_of

router = APIRouter(prefix="/profile", tags=["People"])

_STEP_UP = {"description": "`step_up_required`: prove yourself with `POST /api/auth/step-up` first"}
_NO_PASSKEY = {"description": "`passkey_not_found`"}


@router.get("/factors", summary="Read your second factors")
async def read_factors(tx: TxDep, actor: ActorDep) -> FactorsOut:
    """Return what you have besides the password, without any secret."""
    return FactorsOut.of(await factors_of(tx, person_of(actor)))


@router.post(
    "/totp",
    status_code=201,
    responses={403: _STEP_UP, 409: {"description": "`totp_enrolled`"}},
    summary="Begin with an authenticator app",
)
async def begin_app(tx: TxDep, actor: ActorDep) -> TotpOut:
    """Make a secret for an authenticator app. It counts once confirmed; beginning again makes another one."""
    user = await get_user(tx, person_of(actor))
    await must_be_fresh(tx, actor)
    return TotpOut.of(await begin_totp(tx, user.id, user.email))


@router.post(
    "/totp/confirm",
    responses={403: _STEP_UP, 409: {"description": "`totp_not_begun`"}},
    summary="Confirm the authenticator app",
)
async def confirm_app(body: CodeBody, tx: TxDep, actor: ActorDep) -> RecoveryCodesOut:
    """Take the app's first code. From now on logging in needs a second factor. Recovery codes come with the first."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    return RecoveryCodesOut.of(await confirm_totp(tx, user_id, body.code))


@router.delete("/totp", status_code=204, responses={403: _STEP_UP}, summary="Remove the authenticator app")
async def remove_app(tx: TxDep, actor: ActorDep) -> None:
    """Take its codes no more. With the last factor go the recovery codes. Removing none is no error."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    await remove_totp(tx, user_id)


@router.post(
    "/recovery-codes",
    status_code=201,
    responses={403: _STEP_UP, 409: {"description": "`no_second_factor`"}},
    summary="Make new recovery codes",
)
async def renew_codes(tx: TxDep, actor: ActorDep) -> RecoveryCodesOut:
    """Put new recovery codes in place of the old ones. They are in this answer and nowhere else."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    return RecoveryCodesOut.of(await renew_recovery_codes(tx, user_id))


@router.post(
    "/passkeys/options",
    responses={403: _STEP_UP, 409: {"description": "`passkeys_unavailable`"}},
    summary="Begin to add a passkey",
)
async def begin_passkey(request: Request, tx: TxDep, actor: ActorDep) -> OptionsOut:
    """Return what `navigator.credentials.create()` is given as `publicKey`; the challenge is good for ten minutes."""
    user = await get_user(tx, person_of(actor))
    await must_be_fresh(tx, actor)
    return OptionsOut(options=await passkey_creation_options(tx, user, party_of(request)))


@router.post(
    "/passkeys",
    status_code=201,
    responses={
        401: {"description": "`invalid_passkey`"},
        403: _STEP_UP,
        409: {"description": "`passkeys_unavailable` or `too_many_passkeys`"},
    },
    summary="Add a passkey",
)
async def add_own_passkey(body: PasskeyBody, request: Request, tx: TxDep, actor: ActorDep) -> NewPasskeyOut:
    """Add the passkey the browser made. From now on logging in needs a second factor, or the passkey alone."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    party = party_of(request)
    passkey, codes = await add_passkey(tx, user_id, party, body.name, body.credential)
    return NewPasskeyOut(passkey=PasskeyOut.of(passkey), recovery_codes=None if codes is None else list(codes))


@router.patch("/passkeys/{passkey_id}", responses={404: _NO_PASSKEY}, summary="Rename a passkey")
async def rename_own_passkey(passkey_id: str, body: PasskeyChangeBody, tx: TxDep, actor: ActorDep) -> PasskeyOut:
    """Call one of your passkeys something else."""
    return PasskeyOut.of(await rename_passkey(tx, person_of(actor), id_or(passkey_id, PasskeyNotFoundError), body.name))


@router.delete(
    "/passkeys/{passkey_id}",
    status_code=204,
    responses={403: _STEP_UP, 404: _NO_PASSKEY},
    summary="Remove a passkey",
)
async def remove_own_passkey(passkey_id: str, tx: TxDep, actor: ActorDep) -> None:
    """Accept the passkey no more. With the last factor go the recovery codes."""
    user_id = person_of(actor)
    await must_be_fresh(tx, actor)
    await remove_passkey(tx, user_id, id_or(passkey_id, PasskeyNotFoundError))
