"""Doing a call once: claim the key, do the work, keep the answer; or find the answer of before."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from tollkeeper.infra.http import ActorDep, runtime_of
from tollkeeper.infra.jobs import job
from tollkeeper.infra.runtime import Runtime, Tx
from tollkeeper.infra.sealing import Seal
from tollkeeper.kit import Actor, ConflictError, new_id

from . import store
from .store import Claim

log = structlog.get_logger(__name__)

KEPT = timedelta(hours=24)
ABANDONED = timedelta(seconds=60)
"""After so long without an answer the work of a claim is taken for dead: its process was killed."""
REPLAYED_HEADER = "Idempotent-Replayed"

Work = Callable[[], Awaitable[BaseModel]]


class IdempotencyKeyReusedError(ConflictError):
    """The same key came with another call before."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another call"
    hint = "Use a fresh key for each new call, and the same key and body only to repeat one."


class IdempotencyInProgressError(ConflictError):
    """The first call with this key is still being worked on."""

    code = "idempotency_in_progress"
    title = "The call with this Idempotency-Key is still running"
    hint = "Wait a moment and send it again: the answer is then replayed."


class IdempotencyAnswerLostError(ConflictError):
    """The call was done, but its answer can no longer be read: the server's secret has changed since."""

    code = "idempotency_answer_lost"
    title = "The answer to this call can no longer be read"
    hint = "The call was done. Read the present state, then use a fresh key."


@dataclass(frozen=True, slots=True)
class Idempotency:
    """One call that is done once per key; without a key it is done each time it is sent.

    Only answers of success are kept: after a failure the same key may try again. Whoever lacks the permission must be
    refused before, since a replayed answer may hold a secret.
    """

    runtime: Runtime
    scope: str
    key: str | None
    fingerprint: bytes

    async def run_in(self, tx: Tx, work: Work, *, status: int) -> Response:
        """Do work that needs nothing but this transaction; a repeated call that comes meanwhile waits for it.

        Raises:
            IdempotencyKeyReusedError: the key came with another call before.
        """
        if self.key is None:
            return _answer(await work(), status)
        claim = await self._claim(tx, self.key)
        if claim.status is not None:
            return self._replay(claim)
        made = await work()
        await self._keep(tx, claim, made, status)
        return _answer(made, status)

    async def run(self, work: Work, *, status: int) -> Response:
        """Do work that opens transactions of its own, or asks others over the network.

        Raises:
            IdempotencyKeyReusedError: the key came with another call before.
            IdempotencyInProgressError: the same call is running at this moment.
        """
        if self.key is None:
            return _answer(await work(), status)
        async with self.runtime.transaction() as tx:
            claim = await self._claim(tx, self.key)
        if claim.status is not None:
            return self._replay(claim)
        try:
            made = await work()
        except Exception:
            async with self.runtime.transaction() as tx:
                await store.remove(tx, claim.claim)
            raise
        async with self.runtime.transaction() as tx:
            await self._keep(tx, claim, made, status)
        return _answer(made, status)

    async def _claim(self, tx: Tx, key: str) -> Claim:
        """Return our own claim, without a status, or the finished one of before."""
        ours = Claim(self.scope, key, new_id(), self.fingerprint, None, None, tx.now, tx.now + KEPT)
        while not await store.insert(tx, ours):
            before = await store.lock(tx, self.scope, key)
            if before is None:
                continue  # removed between the two statements
            if before.expires_at > tx.now:
                if before.fingerprint != self.fingerprint:
                    raise IdempotencyKeyReusedError
                if before.status is not None:
                    return before
                if before.claimed_at + ABANDONED > tx.now:
                    raise IdempotencyInProgressError(headers={"Retry-After": "1"})
            await store.remove(tx, before.claim)
        return ours

    async def _keep(self, tx: Tx, claim: Claim, made: BaseModel, status: int) -> None:
        sealed = self._seal().close(made.model_dump_json().encode())
        await store.finish(tx, claim, status=status, answer=sealed)

    def _replay(self, claim: Claim) -> Response:
        body = self._seal().open(claim.answer or "")
        if body is None or claim.status is None:
            raise IdempotencyAnswerLostError
        return Response(body, claim.status, {REPLAYED_HEADER: "true"}, "application/json")

    def _seal(self) -> Seal:
        # The scope and key are part of the purpose, so an answer moved to another row does not open there.
        return self.runtime.seal(f"idempotency: {self.scope} {self.key}")


def _answer(made: BaseModel, status: int) -> Response:
    return Response(made.model_dump_json(), status, media_type="application/json")


async def idempotency(
    request: Request,
    actor: ActorDep,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern="^[\x21-\x7e]{1,255}$",
            description="Any text of your own, up to 255 characters. For 24 hours the same key and body are answered "
            "with the first answer instead of being done again; the same key with another body is 409.",
        ),
    ] = None,
) -> Idempotency:
    """Return how to do this request once; the dependency of creating routes."""
    body = await request.body() if key is not None else b""
    return Idempotency(runtime_of(request), _scope(actor), key, _fingerprint(request, body))


IdempotencyDep = Annotated[Idempotency, Depends(idempotency)]


def once_for_form(runtime: Runtime, actor: Actor, fields: Mapping[str, str]) -> Idempotency:
    """Return how to do what a form asks once: its page put an `once` into it; without, it counts each time it is sent.

    The page sent again as it was, by a second press or a reload, gets the first answer; with other words in it, it
    asks for something else.
    """
    said = hashlib.sha256(json.dumps(sorted(fields.items())).encode())
    key = f"form {said.hexdigest()}"  # no key of a program has white space in it
    return Idempotency(runtime, _scope(actor), key if fields.get("once") else None, said.digest())


def _scope(actor: Actor) -> str:
    """One person's or one program's keys are never answered to another, not even of the same organization."""
    return f"{actor.organization_id or '-'}:{actor.user_id or actor.credential_id or actor.kind}"


def _fingerprint(request: Request, body: bytes) -> bytes:
    with suppress(ValueError, RecursionError):  # the same JSON in another order or spacing is the same body
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    parts = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), body)
    return hashlib.sha256(b"\n".join(parts)).digest()


@job("infra.forget_idempotency_keys", cron="47 * * * *")
async def forget_idempotency_keys(tx: Tx) -> None:
    """Delete idempotency keys whose day is over."""
    log.info("idempotency keys forgotten", removed=await store.remove_expired(tx, tx.now))
