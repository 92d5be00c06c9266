"""Background work of notify: handing mails to the mail server."""

import json
from datetime import datetime
from uuid import UUID

import structlog

from tollkeeper.infra import Job, Runtime, Seal, Tx, job

from .model import Mail
from .postman import compose, hand_over
from .rendering import render

log = structlog.get_logger(__name__)


def seal_of(runtime: Runtime) -> Seal:
    """Return what mails that wait are sealed with: there are proofs in them, and addresses."""
    return runtime.seal("mail")


@job("notify.deliver")
async def deliver(tx: Tx, mail: str) -> None:
    """Hand one mail to the mail server; raises MailUnavailableError to be tried again."""
    settings = tx.runtime.settings
    wanted = _open(tx.runtime, mail)
    if wanted is None:
        log.error("a mail cannot be sent: it was sealed under a secret that is gone")
        return
    if settings.smtp_url is None:
        log.warning("a mail was dropped: SMTP_URL is not set", template=wanted.template)
        return
    message = compose(settings, wanted, render(settings, wanted.template, wanted.data))
    await hand_over(settings.smtp_url.get_secret_value(), message, mail_id=wanted.id)


def _open(runtime: Runtime, sealed: str) -> Mail | None:
    content = seal_of(runtime).open(sealed)
    if content is None:
        return None
    fields = json.loads(content)
    return Mail(
        id=UUID(fields["id"]),
        to=fields["to"],
        template=fields["template"],
        data=fields["data"],
        wanted_at=datetime.fromisoformat(fields["wanted_at"]),
    )


jobs: list[Job] = [deliver]
