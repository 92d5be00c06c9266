"""The step of a login after the password, and the one that needs no password."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tollkeeper.identity import (
    Method,
    Refused,
    RelyingParty,
    SecondFactorNeededError,
    check_code,
    factors_of,
    needs_second_factor,
    use_passkey,
)
from tollkeeper.infra import Runtime, Tx
from tollkeeper.kit import TollkeeperError
from tollkeeper.orgs.model import Client, LoginExpiredError, SignedIn
from tollkeeper.orgs.service import sign_in
from tollkeeper.orgs.sign_on import Entered

_PENDING = "a login that waits for its second factor"
_PENDING_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What the page that asks for the second factor keeps: that the password was right, and the ways to go on.

    `pending` is sealed, names the person, and is good for ten minutes. It lets nobody in by itself.
    """

    pending: str
    methods: tuple[Method, ...]


async def check_second_factor(runtime: Runtime, user_id: UUID, code: str | None) -> None:
    """Let pass who has no second factor, or whose code is right; None: none was sent.

    Raises:
        SecondFactorNeededError: a code is needed.
        InvalidCodeError: it is not right.
        TooManyCodesError: so many were wrong that the next one has to wait.
    """
    async with runtime.transaction() as tx:
        refusal = await refused_by_second_factor(tx, user_id, code)
    if refusal is not None:  # raised after the commit: what was counted stays counted
        raise refusal


async def refused_by_second_factor(tx: Tx, user_id: UUID, code: str | None) -> TollkeeperError | None:
    """Return why somebody is not let in by their second factor, as `check_second_factor` tells; None: they are.

    A refusal is a value, so that what was counted is committed.
    """
    if not await needs_second_factor(tx, user_id):
        return None
    if code is None:
        return SecondFactorNeededError(user_id, (await factors_of(tx, user_id)).methods)
    outcome = await check_code(tx, user_id, code)
    return outcome.error(tx.now) if isinstance(outcome, Refused) else None


def begin_second_step(
    runtime: Runtime, needed: SecondFactorNeededError, organization_id: UUID | None = None
) -> SecondStep:
    """Return what a page keeps while it asks for the second factor. `organization_id` is for which they come in."""
    until = (runtime.clock.now() + _PENDING_LIFE).timestamp()
    place = str(organization_id) if organization_id else None
    content = json.dumps({"user": str(needed.user_id), "until": until, "organization": place}).encode()
    return SecondStep(runtime.seal(_PENDING).close(content), needed.methods)


async def waiting_step(runtime: Runtime, pending: str) -> SecondStep:
    """Return the step anew, for a page that asks again; raises LoginExpiredError."""
    async with runtime.transaction() as tx:
        return SecondStep(pending, (await factors_of(tx, who_waits(runtime, pending).user_id)).methods)


async def finish_second_step(runtime: Runtime, pending: str, code: str, client: Client) -> SignedIn:
    """Log in who proved the password before and sends a right code now.

    Raises:
        LoginExpiredError: `pending` is none of ours, or older than ten minutes.
        InvalidCodeError: the code is not right.
        TooManyCodesError: so many were wrong that the next one has to wait.
        NoOrganizationError: they belong to no organization any more.
    """
    waiting = who_waits(runtime, pending)
    await check_second_factor(runtime, waiting.user_id, code)
    async with runtime.transaction() as tx:
        return await sign_in(tx, waiting.user_id, client, organization_id=waiting.organization_id)


def who_waits(runtime: Runtime, pending: str) -> Entered:
    """Return who has done the first step, and for which organization; raises LoginExpiredError."""
    opened = runtime.seal(_PENDING).open(pending)
    if opened is None:
        raise LoginExpiredError
    told = json.loads(opened)
    if datetime.fromtimestamp(told["until"], UTC) <= runtime.clock.now():
        raise LoginExpiredError
    place = told.get("organization")
    return Entered(UUID(told["user"]), UUID(place) if place else None)


async def log_in_by_passkey(
    runtime: Runtime, party: RelyingParty, credential: Mapping[str, Any], client: Client
) -> SignedIn:
    """Log in whose passkey this is; it is two factors at once, so nothing else is asked for.

    Raises:
        InvalidPasskeyError: it is not accepted.
        NoOrganizationError: they belong to no organization any more.
    """
    async with runtime.transaction() as tx:
        user_id = await use_passkey(tx, party, credential)
        return await sign_in(tx, user_id, client)
