"""`python -m mailbox_twin --port N --smtp-port N --data DIR`: take mails until told to stop."""

import argparse
import logging
import sys
from functools import partial
from pathlib import Path

from mailbox_twin.app import build
from mailbox_twin.mailbox import Mailbox
from twin_kit.serving import CannotStartError, address_of, listen, parser_of, run, serve


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every line of every conversation
    unfit = "this mailbox delivers nothing. Set SMTP_URL to a mail server."
    return run("mailbox_twin", partial(_work, _options()), unfit=unfit)


def _work(options: argparse.Namespace) -> None:
    with (
        listen(options.host, options.port) as pages,
        listen(options.host, options.smtp_port, option="--smtp-port") as smtp,
    ):
        try:
            mailbox = Mailbox(options.data)
        except OSError as error:
            words = f"cannot use {options.data} ({error}). Choose another --data directory."
            raise CannotStartError(words) from error
        addresses = f"{address_of(pages)} and {address_of(smtp, 'smtp')}"
        serve("mailbox_twin", build(mailbox, smtp), pages, addresses)


def _options() -> argparse.Namespace:
    parser = parser_of("mailbox_twin", "A mail server that delivers nothing, for tests and demos.")
    parser.add_argument("--smtp-port", type=int, default=0, help="port mails come in at; 0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps the mails")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
