"""Whether a login has proved itself lately, as dangerous acts demand, and doing so."""

from uuid import UUID

from tollkeeper.identity.model import OpenedSession
from tollkeeper.identity.rules import csrf_token
from tollkeeper.infra import Tx, digest, make_secret
from tollkeeper.kit import Actor, ActorKind, UnauthenticatedError

from . import store
from .codes import check_code, factors_of, waits_until
from .model import FRESH_FOR, Method, Proved, Refused, StepUpNeededError


async def must_be_fresh(tx: Tx, actor: Actor) -> None:
    """Demand that a person proved who they are within the last ten minutes; a login just made counts.

    Keys and operators pass: what they hold is the proof.

    Raises:
        StepUpNeededError: the session or token family proved itself too long ago.
    """
    if not await is_fresh(tx, actor):
        raise StepUpNeededError


async def is_fresh(tx: Tx, actor: Actor) -> bool:
    """Whether `must_be_fresh` lets the caller pass."""
    if actor.kind not in {ActorKind.SESSION, ActorKind.TOKEN}:
        return True
    if actor.credential_id is None:
        return False
    proved_at = await store.proved_at(tx, actor.kind, actor.credential_id)
    return proved_at is not None and tx.now < proved_at + FRESH_FOR


async def step_up_methods(tx: Tx, user_id: UUID, *, has_password: bool) -> tuple[Method, ...]:
    """Return by what this person can prove themselves again: a second factor where there is one, else the password.

    Empty when there is neither: then only logging in anew is left.
    """
    factors = await factors_of(tx, user_id)
    if factors.enrolled:
        return factors.methods
    return (Method.PASSWORD,) if has_password else ()


async def prove_by_code(tx: Tx, actor: Actor, user_id: UUID, typed: str) -> Refused | Proved:
    """Let the caller's login be fresh when the code is right; a refusal is a value, so that its count is committed."""
    outcome = await check_code(tx, user_id, typed)
    return outcome if isinstance(outcome, Refused) else await prove_anew(tx, actor, outcome)


async def prove_by_password(tx: Tx, actor: Actor, user_id: UUID, *, fits: bool) -> Refused | Proved:
    """Let the caller's login be fresh when the password was right; wrong ones are counted like wrong codes."""
    await store.lock_person(tx, user_id)
    until = await waits_until(tx, user_id)
    if until is not None:
        return Refused("wait", until)
    if not fits:
        await store.count_failure(tx, user_id)
        return Refused("wrong")
    await store.forget_failures(tx, user_id)
    return await prove_anew(tx, actor, Method.PASSWORD)


async def prove_anew(tx: Tx, actor: Actor, method: Method) -> Proved:
    """Note that the caller's login proved itself now. A browser's session goes on under another token.

    Raises:
        UnauthenticatedError: the login has ended meanwhile.
    """
    if actor.credential_id is None or actor.kind not in {ActorKind.SESSION, ActorKind.TOKEN}:
        raise UnauthenticatedError
    opened = None
    if actor.kind is ActorKind.SESSION:
        token = make_secret()
        session = await store.renew_session(tx, actor.credential_id, digest(token))
        if session is None:
            raise UnauthenticatedError
        opened = OpenedSession(token, csrf_token(token), session.expires_at, session)
        await tx.changed("session", session.id)
    else:
        await store.prove_family(tx, actor.credential_id)
    await tx.record("login.proved", target=(actor.kind.value, actor.credential_id), after={"by": method.value})
    return Proved(tx.now + FRESH_FOR, opened)
