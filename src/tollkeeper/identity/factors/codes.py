"""Use cases of codes: the authenticator app, recovery codes, and proving oneself with either."""

from datetime import datetime
from uuid import UUID

import pyotp

from tollkeeper.infra import Seal, Tx, digest
from tollkeeper.kit import FieldProblem, InvalidInputError

from . import store
from .model import (
    RECOVERY_CODES,
    Factors,
    Method,
    NoFactorError,
    Refused,
    TotpEnrolledError,
    TotpEnrolment,
    TotpNotBegunError,
    TotpSecret,
)
from .rules import make_recovery_code, plain_recovery_code, step_of, totp_code, wait_until
from .telling import tell

ISSUER = "Tollkeeper"


async def factors_of(tx: Tx, user_id: UUID) -> Factors:
    """Return what the person has besides the password."""
    secret = await store.totp_secret(tx, user_id)
    return Factors(
        totp_since=secret.confirmed_at if secret else None,
        passkeys=await store.passkeys_of(tx, user_id),
        recovery_codes_left=await store.recovery_codes_left(tx, user_id),
    )


async def needs_second_factor(tx: Tx, user_id: UUID) -> bool:
    """Whether the password alone does not let this person in."""
    return await store.is_enrolled(tx, user_id)


async def begin_totp(tx: Tx, user_id: UUID, email: str) -> TotpEnrolment:
    """Make a secret for the person's authenticator app; it counts once `confirm_totp` saw a code of it.

    Beginning again makes another one. `email` is what the app calls the account.

    Raises:
        TotpEnrolledError: an app is set up already.
    """
    await store.lock_person(tx, user_id)
    before = await store.totp_secret(tx, user_id)
    if before is not None and before.confirmed_at is not None:
        raise TotpEnrolledError
    secret = pyotp.random_base32()
    sealed = _seal(tx, user_id).close(secret.encode())
    await store.put_totp_secret(tx, TotpSecret(user_id, sealed, tx.now, None, None))
    await tx.record("totp.begun", target=("user", user_id))
    return _shown(secret, email)


async def begun_totp(tx: Tx, user_id: UUID, email: str) -> TotpEnrolment | None:
    """Return the secret that waits to be confirmed, as it was first shown; None when none does."""
    secret = await store.totp_secret(tx, user_id)
    if secret is None or secret.confirmed_at is not None:
        return None
    opened = _open(tx, secret)
    return _shown(opened, email) if opened else None


async def confirm_totp(tx: Tx, user_id: UUID, code: str) -> tuple[str, ...] | None:
    """Take the first code of the app; from now on logging in needs a second factor.

    Returns the recovery codes made for it, to be shown this once; None when the person has some already.

    Raises:
        TotpNotBegunError: there is nothing to confirm.
        InvalidInputError: the code is not right.
    """
    await store.lock_person(tx, user_id)
    secret = await store.totp_secret(tx, user_id)
    opened = _open(tx, secret) if secret else None
    if secret is None or opened is None or secret.confirmed_at is not None:
        raise TotpNotBegunError
    step = step_of(opened, totp_code(code) or "", tx.now)
    if step is None or not await store.take_step(tx, user_id, step, confirmed_at=tx.now):
        raise InvalidInputError([FieldProblem("code", "is not what the app shows now; check the phone's clock")])
    await tx.record("totp.enrolled", target=("user", user_id))
    await tell(tx, user_id, "An authenticator app was set up.")
    return await first_codes(tx, user_id)


async def remove_totp(tx: Tx, user_id: UUID) -> None:
    """Forget the authenticator app; with the last factor go the recovery codes. Removing none is no error."""
    await store.lock_person(tx, user_id)
    if await store.remove_totp(tx, user_id):
        await tx.record("totp.removed", target=("user", user_id))
        await tell(tx, user_id, "The authenticator app was removed.")
        await codes_follow(tx, user_id)


async def remove_factors(tx: Tx, user_id: UUID, *, why: str = "by the operator") -> bool:
    """Forget everything the person has besides the password; False when there was nothing. `why` ends a sentence."""
    await store.lock_person(tx, user_id)
    if not await store.is_enrolled(tx, user_id):
        return False
    await store.remove_all(tx, user_id)
    await tx.record("factors.removed", target=("user", user_id))
    await tell(tx, user_id, f"Your second factors were removed {why}.")
    return True


async def renew_recovery_codes(tx: Tx, user_id: UUID) -> tuple[str, ...]:
    """Put fresh recovery codes in place of the old ones and return them, to be shown this once.

    Raises:
        NoFactorError: the person has no second factor.
    """
    await store.lock_person(tx, user_id)
    if not (await factors_of(tx, user_id)).enrolled:
        raise NoFactorError
    return await _make_codes(tx, user_id)


async def first_codes(tx: Tx, user_id: UUID) -> tuple[str, ...] | None:
    """Make recovery codes for somebody's first factor; None when there are unused ones."""
    return None if await store.recovery_codes_left(tx, user_id) else await _make_codes(tx, user_id)


async def codes_follow(tx: Tx, user_id: UUID) -> None:
    """Remove the recovery codes of somebody who has no factor any more."""
    if not (await factors_of(tx, user_id)).enrolled:
        await store.remove_recovery_codes(tx, user_id)


async def check_code(tx: Tx, user_id: UUID, typed: str) -> Method | Refused:
    """Use up a code of the app or a recovery code, and return which it was.

    A refusal is a value, so that its being counted is committed. Wrong ones in a row make the next wait; meanwhile
    even a right one is refused.
    """
    await store.lock_person(tx, user_id)
    until = await waits_until(tx, user_id)
    if until is not None:
        return Refused("wait", until)
    method = await _accepted(tx, user_id, typed)
    if method is None:
        await store.count_failure(tx, user_id)
        return Refused("wrong")
    await store.forget_failures(tx, user_id)
    if method is Method.RECOVERY_CODE:
        left = await store.recovery_codes_left(tx, user_id)
        await tx.record("recovery_code.used", target=("user", user_id), after={"left": left}, by=user_id)
        await tell(tx, user_id, f"A recovery code was used; {left} are left.")
    return method


async def waits_until(tx: Tx, user_id: UUID) -> datetime | None:
    """Return until when no proof of the person is looked at, exclusive; None when the next one is."""
    failed = await store.failures(tx, user_id)
    until = wait_until(*failed) if failed else tx.now
    return until if until > tx.now else None


async def _accepted(tx: Tx, user_id: UUID, typed: str) -> Method | None:
    code = totp_code(typed)
    if code is None:
        used = await store.use_recovery_code(tx, user_id, digest(plain_recovery_code(typed)))
        return Method.RECOVERY_CODE if used else None
    secret = await store.totp_secret(tx, user_id)
    opened = _open(tx, secret) if secret and secret.confirmed_at else None
    step = step_of(opened, code, tx.now) if opened else None
    taken = step is not None and await store.take_step(tx, user_id, step)
    return Method.TOTP if taken else None


async def _make_codes(tx: Tx, user_id: UUID) -> tuple[str, ...]:
    codes = tuple(make_recovery_code() for _ in range(RECOVERY_CODES))
    await store.put_recovery_codes(tx, user_id, [digest(plain_recovery_code(code)) for code in codes])
    await tx.record("recovery_codes.made", target=("user", user_id), after={"how_many": len(codes)})
    return codes


def _shown(secret: str, email: str) -> TotpEnrolment:
    return TotpEnrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))


def _open(tx: Tx, secret: TotpSecret) -> str | None:
    opened = _seal(tx, secret.user_id).open(secret.sealed)
    return opened.decode() if opened else None


def _seal(tx: Tx, user_id: UUID) -> Seal:
    # The person is part of the purpose, so a secret moved to another row does not open there.
    return tx.runtime.seal(f"totp {user_id}")
