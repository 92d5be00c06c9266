"""The conversation with the mail server, over SMTP."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog

from tollkeeper.infra import Settings

from .model import Mail, MailUnavailableError
from .rendering import Rendered, site_of

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 20
_PERMANENT = 500


def compose(settings: Settings, mail: Mail, words: Rendered) -> EmailMessage:
    """Return the message as it goes over the line. Sent twice, it has the same id, so that mailboxes can tell."""
    host = urlsplit(site_of(settings)["site_url"]).hostname or "localhost"
    name, address = parseaddr(settings.mail_from)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name or site_of(settings)["site_name"], addr_spec=address or f"no-reply@{host}")
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = words.subject
    message["Date"] = format_datetime(mail.wanted_at)
    message["Message-ID"] = f"<{mail.id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    if settings.seller_email:
        message["Reply-To"] = settings.seller_email
    message.set_content(words.text)
    message.add_alternative(words.html, subtype="html")
    return message


async def hand_over(smtp_url: str, message: EmailMessage, *, mail_id: UUID) -> None:
    """Give the message to the server. A mailbox that does not exist is the end of it, and logged.

    Args:
        smtp_url: `smtp://` (encrypted where the server can, and always before a password is told) or `smtps://`.
        message: what to send.
        mail_id: what the log calls it.

    Raises:
        MailUnavailableError: the server does not answer, or not now.
    """
    server = urlsplit(smtp_url)
    try:
        await aiosmtplib.send(
            message,
            hostname=server.hostname,
            port=server.port,
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password) if server.password else None,
            use_tls=server.scheme == "smtps",
            start_tls=True if server.username and server.scheme == "smtp" else None,
            timeout=TIMEOUT_SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as refused:
        codes = [each.code for each in refused.recipients]
        if min(codes) < _PERMANENT:
            raise MailUnavailableError(log=f"the mailbox takes no mail now ({codes[0]})") from None
        log.warning("a mail was refused for good: there is no such mailbox", mail=str(mail_id), code=codes[0])
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailUnavailableError(log=type(error).__name__) from error
    else:
        log.info("mail sent", mail=str(mail_id))
