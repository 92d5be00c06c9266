"""Registering and logging in, from what was typed to what is committed, for the API and the pages alike.

Passwords are hashed between transactions, never inside one, so that no connection waits for a hash.
"""

from uuid import UUID

from tollkeeper.identity import (
    CaptchaAct,
    InvalidCredentialsError,
    PasswordHasher,
    check_captcha,
    check_registration,
    find_credentials,
    judge,
    must_be_verified,
    normalise_email,
    send_verification_to,
    watch,
)
from tollkeeper.identity.guessing import Watch
from tollkeeper.infra import Runtime, Switch, Tx
from tollkeeper.kit import InvalidInputError, TollkeeperError
from tollkeeper.orgs.jobs import sign_up_later
from tollkeeper.orgs.model import Client, LoginAttempt, SignedIn
from tollkeeper.orgs.service import sign_in, sign_up
from tollkeeper.orgs.sign_on import must_allow_password

from .second_step import refused_by_second_factor


async def register(
    runtime: Runtime, *, email: str, password: str, name: str | None, client: Client, captcha: str | None = None
) -> SignedIn | None:
    """Register a person and log them in, and have a mail sent by which they prove their address.

    None where that must come first: then the answer is the same, and takes as long, whether somebody has the address.

    Raises:
        InvalidInputError: naming every field that is wrong.
        CaptchaNeededError, CaptchaFailedError, CaptchaUnavailableError: see `check_captcha`, which reads `captcha`.
        SsoRequiredError: people of this domain log in over their organization, whoever they are.
        EmailTakenError: somebody has the address, and it need not be proved first.
        LoginBusyError: too many passwords are being hashed.
    """
    wanted = check_registration(email, password, name)
    await check_captcha(runtime, captcha, CaptchaAct.REGISTER, client.ip)
    password_hash = await runtime.part(PasswordHasher).hash(wanted.password)
    async with runtime.transaction() as tx:
        await must_allow_password(tx, wanted.email)
        if runtime.settings.verified_email is Switch.ON:
            await sign_up_later(tx, email=wanted.email, password_hash=password_hash, name=wanted.name)
            return None
        member = await sign_up(tx, email=wanted.email, password_hash=password_hash, name=wanted.name)
        await send_verification_to(tx, member.user.email)
        return await sign_in(tx, member.user.id, client)


async def log_in(
    runtime: Runtime,
    *,
    email: str,
    password: str,
    client: Client,
    otp: str | None = None,
    captcha: str | None = None,
) -> SignedIn:
    """Log a person in by password, and by `otp`, a code of the app or a recovery code, when they have such.

    Raises:
        CaptchaNeededError, CaptchaFailedError, CaptchaUnavailableError: see `check_captcha`, which reads `captcha`.
        SsoRequiredError: people of this domain log in over their organization, whoever they are.
        LoginThrottledError: so many passwords were wrong that the next one has to wait.
        InvalidCredentialsError: no such address or a wrong password, in the same words after the same work.
        EmailUnverifiedError: the password is right, and the address has to be proved first.
        SecondFactorNeededError: the password is right, and a code is needed and was not sent.
        InvalidCodeError: the code is not right.
        TooManyCodesError: so many were wrong that the next one has to wait.
        NoOrganizationError: they belong to no organization any more.
        LoginBusyError: too many passwords are being checked.
    """
    await check_captcha(runtime, captcha, CaptchaAct.LOGIN, client.ip)
    attempt = LoginAttempt(_normal(email), client, otp)
    async with runtime.looking() as tx:
        await must_allow_password(tx, attempt.email)
        watched = await watch(tx, attempt.email, client.as_device)
        known = await find_credentials(tx, attempt.email)
    fits = await runtime.part(PasswordHasher).verify(password, known.password_hash if known else None)
    async with runtime.transaction() as tx:
        whose = await _judged(tx, watched, known.user_id if known else None, fits=fits)
        outcome = whose if isinstance(whose, TollkeeperError) else await _let_in(tx, whose, attempt)
    if isinstance(outcome, TollkeeperError):  # raised after the commit: what was counted stays counted
        raise outcome
    return outcome


async def _judged(tx: Tx, watched: Watch, user_id: UUID | None, *, fits: bool) -> UUID | TollkeeperError:
    """Count the password that was looked at; return whose it is, or why it does not count.

    It is as much work whether or not somebody has the address.
    """
    throttled = await judge(tx, watched, fits=fits)
    if throttled or not fits:
        await tx.record("login.failed", target=("user", user_id or ""))
    return throttled or (user_id if user_id and fits else InvalidCredentialsError())


async def _let_in(tx: Tx, user_id: UUID, attempt: LoginAttempt) -> SignedIn | TollkeeperError:
    """Log in who proved the password, or return why not: what was counted and spent on the way is to be committed."""
    try:
        if tx.runtime.settings.verified_email is Switch.ON:
            await must_be_verified(tx, user_id)
        refusal = await refused_by_second_factor(tx, user_id, attempt.otp)
        return refusal or await sign_in(tx, user_id, attempt.client)
    except TollkeeperError as error:
        return error


def _normal(email: str) -> str:
    """Return the address as it would be kept; one that is none belongs to nobody, which is told like any other."""
    try:
        return normalise_email(email)
    except InvalidInputError:
        return ""
