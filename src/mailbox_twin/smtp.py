"""The side mails come in at."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from mailbox_twin.mailbox import Mailbox

LARGEST = 10 * 1024 * 1024
"""Bytes a mail may have."""
_MANNERS = {"busy": "450 4.2.1 This mailbox takes no mail now", "nobody": "550 5.1.1 There is no such mailbox"}


class Intake:
    """Takes every mail; see the package for the two addresses that are refused."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer for one recipient."""
        refusal = _MANNERS.get(address.partition("@")[0].lower())
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Any, envelope: Envelope
    ) -> str:
        """Keep the mail."""
        content = envelope.content
        if not isinstance(content, bytes):
            return "500 No content"
        number = self._mailbox.keep(envelope.rcpt_tos, content)
        return f"250 Kept as {number}"


@asynccontextmanager
async def receiving(mailbox: Mailbox, listener: socket.socket) -> AsyncIterator[None]:
    """Take mails from the socket while inside."""
    loop = asyncio.get_running_loop()

    def converse() -> SMTP:
        return SMTP(Intake(mailbox), data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="mailbox.test", loop=loop)

    server = await loop.create_server(converse, sock=listener)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
