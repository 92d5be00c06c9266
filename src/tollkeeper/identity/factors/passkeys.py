"""Use cases of passkeys: adding one, and proving oneself with one.

A passkey is two proofs at once, since it answers only after the device has checked its owner, so it lets in alone.
Challenges are sealed, not kept: asking for one writes nothing, and only an answered one is noted, so that no answer is
taken twice.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tollkeeper.identity.model import User
from tollkeeper.infra import Runtime, Tx, digest, make_secret
from tollkeeper.kit import new_id

from . import store
from .codes import codes_follow, first_codes
from .model import (
    CHALLENGE_LIFE,
    MAX_PASSKEYS,
    InvalidPasskeyError,
    Passkey,
    PasskeyNotFoundError,
    RelyingParty,
    TooManyPasskeysError,
)
from .telling import tell

_ADDING = "adding a passkey"
_PROVING = "proving with a passkey"


async def passkey_creation_options(tx: Tx, user: User, party: RelyingParty) -> dict[str, Any]:
    """Return what a browser's `navigator.credentials.create` is given, as JSON, to add a passkey to this person."""
    known = await store.passkeys_of(tx, user.id)
    from . import ceremonies  # noqa: PLC0415 - slow to load, used by few

    challenge = _make_challenge(tx.runtime, f"{_ADDING} {user.id}")
    return ceremonies.creation_options(user, party, challenge, [each.credential_id for each in known])


async def add_passkey(
    tx: Tx, user_id: UUID, party: RelyingParty, name: str, credential: Mapping[str, Any]
) -> tuple[Passkey, tuple[str, ...] | None]:
    """Add the passkey a browser made; from now on logging in needs a second factor, or the passkey.

    Returns it with the recovery codes made for it, to be shown this once; None when the person has some already.

    Raises:
        InvalidPasskeyError: it does not answer a challenge made for this person, or is known already.
        TooManyPasskeysError: the person has as many as one may have.
    """
    await store.lock_person(tx, user_id)
    if len(await store.passkeys_of(tx, user_id)) >= MAX_PASSKEYS:
        raise TooManyPasskeysError
    challenge = await _spent_challenge(tx, credential, f"{_ADDING} {user_id}")
    from . import ceremonies  # noqa: PLC0415 - slow to load, used by few

    made = ceremonies.made_with(credential, party, challenge)
    passkey = Passkey(
        id=new_id(),
        user_id=user_id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=ceremonies.transports_in(credential),
        backed_up=made.credential_backed_up,
        name=name,
        created_at=tx.now,
        last_used_at=None,
    )
    if not await store.add_passkey(tx, passkey):
        raise InvalidPasskeyError(log="the passkey is known already")
    await tx.record("passkey.added", target=("passkey", passkey.id), after={"name": name})
    await tell(tx, user_id, f"The passkey “{name}” was added.")
    return passkey, await first_codes(tx, user_id)


def passkey_request_options(runtime: Runtime, party: RelyingParty) -> dict[str, Any]:
    """Return what a browser's `navigator.credentials.get` is given, as JSON. It names nobody: the device knows whom."""
    from . import ceremonies  # noqa: PLC0415 - slow to load, used by few

    return ceremonies.request_options(party, _make_challenge(runtime, _PROVING))


async def use_passkey(tx: Tx, party: RelyingParty, credential: Mapping[str, Any]) -> UUID:
    """Return whose passkey answered the challenge, which is spent by it.

    Raises:
        InvalidPasskeyError: unknown, not an answer to a challenge of ours, answered before, too late, or forged.
    """
    challenge = await _spent_challenge(tx, credential, _PROVING)
    from . import ceremonies  # noqa: PLC0415 - slow to load, used by few

    answer = ceremonies.answer_in(credential)
    passkey = await store.lock_passkey(tx, answer.raw_id)
    if passkey is None or answer.response.user_handle not in {None, passkey.user_id.bytes}:
        raise InvalidPasskeyError(log="no such passkey, or of another person")
    used = ceremonies.answered_with(answer, party, challenge, passkey)
    await store.note_passkey_use(tx, passkey.id, sign_count=used.new_sign_count, backed_up=used.credential_backed_up)
    await store.forget_failures(tx, passkey.user_id)
    return passkey.user_id


async def rename_passkey(tx: Tx, user_id: UUID, passkey_id: UUID, name: str) -> Passkey:
    """Give the person's passkey another name.

    Raises:
        PasskeyNotFoundError: they have none such.
    """
    passkey = await store.rename_passkey(tx, user_id, passkey_id, name)
    if passkey is None:
        raise PasskeyNotFoundError
    await tx.record("passkey.renamed", target=("passkey", passkey_id), after={"name": name})
    return passkey


async def remove_passkey(tx: Tx, user_id: UUID, passkey_id: UUID) -> None:
    """Accept the person's passkey no more; with the last factor go the recovery codes.

    Raises:
        PasskeyNotFoundError: they have none such.
    """
    await store.lock_person(tx, user_id)
    name = await store.remove_passkey(tx, user_id, passkey_id)
    if name is None:
        raise PasskeyNotFoundError
    await tx.record("passkey.removed", target=("passkey", passkey_id), before={"name": name})
    await tell(tx, user_id, f"The passkey “{name}” was removed.")
    await codes_follow(tx, user_id)


def _make_challenge(runtime: Runtime, purpose: str) -> bytes:
    until = (runtime.clock.now() + CHALLENGE_LIFE).timestamp()
    content = json.dumps({"until": until, "nonce": make_secret(16)}).encode()
    return runtime.seal(purpose).close(content).encode()


async def _spent_challenge(tx: Tx, credential: Mapping[str, Any], purpose: str) -> bytes:
    """Return the challenge a browser answered, which is of ours for this purpose, not over, and now spent."""
    from . import ceremonies  # noqa: PLC0415 - slow to load, used by few

    challenge = ceremonies.challenge_in(credential)
    opened = tx.runtime.seal(purpose).open(challenge)
    if opened is None:
        raise InvalidPasskeyError(log="the challenge is none of ours")
    until = datetime.fromtimestamp(json.loads(opened)["until"], UTC)
    if until <= tx.now or not await store.spend_challenge(tx, digest(challenge), until):
        raise InvalidPasskeyError(log="the challenge is over or spent")
    return challenge.encode()
