"""Background work of proofs by mail.

Whether somebody has an address is looked up here, after the answer has left: so asking for a mail takes the same time
whoever asks. What waits is sealed, since addresses are personal.
"""

from uuid import UUID

from tollkeeper.infra import Job, Runtime, Tx, job

from .service import send_move_to, send_reset_to, send_verification_to

_PURPOSE = "asking for a mail"


@job("identity.send_verification")
async def send_verification(tx: Tx, email: str) -> None:
    """Send the link that proves an address, when somebody has it and has not proved it."""
    await send_verification_to(tx, _opened(tx.runtime, email))


@job("identity.send_reset")
async def send_reset(tx: Tx, email: str) -> None:
    """Send the link by which a new password is chosen, when somebody has this address."""
    await send_reset_to(tx, _opened(tx.runtime, email))


@job("identity.send_move")
async def send_move(tx: Tx, user_id: str, email: str) -> None:
    """Send the link that gives somebody another address."""
    await send_move_to(tx, UUID(user_id), _opened(tx.runtime, email))


async def ask_for_verification(tx: Tx, email: str) -> None:
    """Have the link sent that proves this normalised address, whoever has it."""
    await tx.defer(send_verification, email=_sealed(tx.runtime, email))


async def ask_for_reset(tx: Tx, email: str) -> None:
    """Have the link sent by which whoever has this normalised address chooses a new password."""
    await tx.defer(send_reset, email=_sealed(tx.runtime, email))


async def ask_for_move(tx: Tx, user_id: UUID, email: str) -> None:
    """Have the link sent that gives somebody this normalised address."""
    await tx.defer(send_move, user_id=str(user_id), email=_sealed(tx.runtime, email))


def _sealed(runtime: Runtime, email: str) -> str:
    return runtime.seal(_PURPOSE).close(email.encode())


def _opened(runtime: Runtime, sealed: str) -> str:
    content = runtime.seal(_PURPOSE).open(sealed)
    if content is None:
        raise ValueError("what was asked for was sealed under a key that is gone")
    return content.decode()


jobs: list[Job] = [send_verification, send_reset, send_move]
