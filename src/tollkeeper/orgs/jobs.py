"""Background work of organizations: signing up where addresses are to be proved first.

Whether somebody has the address is looked up here, after the answer has left, so that neither its words nor its time
tell. What waits is sealed: there are an address and the hash of a password in it.
"""

import json

from tollkeeper.identity import EmailTakenError, register_again, send_verification_to
from tollkeeper.infra import Job, Tx, job

from .service import sign_up

_PURPOSE = "signing up"


@job("orgs.sign_up")
async def finish_sign_up(tx: Tx, wish: str) -> None:
    """Register a person and send them the link that proves their address; tell its owner when it is registered."""
    content = tx.runtime.seal(_PURPOSE).open(wish)
    if content is None:
        raise ValueError("what was asked for was sealed under a key that is gone")
    wanted = json.loads(content)
    try:
        await sign_up(tx, **wanted)
    except EmailTakenError:
        await register_again(tx, wanted["email"])
    else:
        await send_verification_to(tx, wanted["email"])


async def sign_up_later(tx: Tx, *, email: str, password_hash: str, name: str) -> None:
    """Have a person registered after the answer has left. Takes what `sign_up` takes."""
    wish = json.dumps({"email": email, "password_hash": password_hash, "name": name}).encode()
    await tx.defer(finish_sign_up, wish=tx.runtime.seal(_PURPOSE).close(wish))


jobs: list[Job] = [finish_sign_up]
