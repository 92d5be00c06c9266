"""New passwords and addresses, from what was typed to what is committed, for the API and the pages alike.

Passwords are hashed between transactions, never inside one, so that no connection waits for a hash.
"""

from tollkeeper.identity import (
    InvalidCredentialsError,
    PasswordHasher,
    Purpose,
    User,
    ask_for_move,
    ask_for_reset,
    ask_for_verification,
    check_link,
    check_password,
    find_credentials,
    follow_reset_link,
    get_user,
    judge,
    must_be_fresh,
    normalise_email,
    password_problems,
    set_password,
    watch,
)
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError
from tollkeeper.orgs.model import Client

from .person import person_of


async def want_reset(tx: Tx, email: str) -> None:
    """Have whoever has this address sent a link to choose a new password.

    Raises:
        InvalidInputError: it is no address.
    """
    await ask_for_reset(tx, normalise_email(email))


async def want_verification(tx: Tx, email: str) -> None:
    """Have whoever has this address sent a link to prove it.

    Raises:
        InvalidInputError: it is no address.
    """
    await ask_for_verification(tx, normalise_email(email))


async def want_address(tx: Tx, actor: Actor, email: str) -> None:
    """Have a link sent to another address, by which it becomes the caller's.

    Raises:
        PersonNeededError: a key calls.
        StepUpNeededError: the login proved itself too long ago.
        InvalidInputError: it is no address, or theirs already.
    """
    user = await get_user(tx, person_of(actor))
    await must_be_fresh(tx, actor)
    wanted = normalise_email(email)
    if wanted == user.email:
        raise InvalidInputError([FieldProblem("email", "is your address already", "unchanged")])
    await ask_for_move(tx, user.id, wanted)
    await tx.record("user.move_wanted", target=("user", user.id), before={"email": user.email}, after={"email": wanted})


async def reset_password(runtime: Runtime, token: str, password: str) -> User:
    """Give whoever follows a link for it a new password; every login of theirs ends.

    Raises:
        LinkEndedError: the link is no longer good; no password is hashed for it.
        InvalidInputError: the password is not good; the link stays good.
        LoginBusyError: too many passwords are being hashed.
    """
    async with runtime.transaction() as tx:
        proof = await check_link(tx, token, Purpose.RESET)
        user = await get_user(tx, proof.user_id)
    check_password(password, user.email, user.name)
    password_hash = await runtime.part(PasswordHasher).hash(password)
    async with runtime.transaction() as tx:
        return await follow_reset_link(tx, token, password_hash)


async def change_password(runtime: Runtime, actor: Actor, *, current: str | None, new: str, client: Client) -> None:
    """Give the caller a new password; every other login of theirs ends.

    Args:
        runtime: of this process.
        actor: who calls.
        current: their password until now; None for somebody who has none, whose login must be fresh instead.
        new: the password from now on.
        client: from where they call; wrong passwords are counted as at the door.

    Raises:
        PersonNeededError: a key calls.
        InvalidInputError: the new password is not good, or the present one is missing.
        InvalidCredentialsError: the present password is wrong.
        LoginThrottledError: so many were wrong that the next one has to wait.
        StepUpNeededError: there is no password, and the login proved itself too long ago.
        LoginBusyError: too many passwords are being hashed.
    """
    user_id = person_of(actor)
    async with runtime.transaction() as tx:
        user = await get_user(tx, user_id)
        known = await find_credentials(tx, user.email)
        has_password = known is not None and known.password_hash is not None
        if not has_password:
            await must_be_fresh(tx, actor)
    missing = [FieldProblem("current_password", "is missing", "missing")] if has_password and current is None else []
    if problems := [*missing, *_problems_of_new(new, user)]:
        raise InvalidInputError(problems)
    if current is not None:
        await _must_be_theirs(runtime, user, current, client)
    password_hash = await runtime.part(PasswordHasher).hash(new)
    async with runtime.transaction() as tx:
        await set_password(tx, await get_user(tx, user_id), password_hash, keep=actor)


def _problems_of_new(password: str, user: User) -> list[FieldProblem]:
    found = password_problems(password, user.email, user.name)
    return [FieldProblem("new_password", each.message, each.code) for each in found]


async def _must_be_theirs(runtime: Runtime, user: User, password: str, client: Client) -> None:
    async with runtime.transaction() as tx:
        watched = await watch(tx, user.email, client.as_device)
        known = await find_credentials(tx, user.email)
    fits = await runtime.part(PasswordHasher).verify(password, known.password_hash if known else None)
    async with runtime.transaction() as tx:
        throttled = await judge(tx, watched, fits=fits)
    if throttled is not None:  # raised after the commit: what was counted stays counted
        raise throttled
    if not fits:
        raise InvalidCredentialsError("The present password is wrong.")
