"""`python -m mailbox_twin --port N --smtp-port N --data DIR`: take mails until told to stop."""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from mailbox_twin.app import build
from mailbox_twin.mailbox import Mailbox

log = logging.getLogger("mailbox_twin")


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    options = _options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every line of every conversation
    if os.environ.get("TOLLKEEPER_ENV", "").lower() == "production":
        return _give_up("TOLLKEEPER_ENV is production: this mailbox delivers nothing. Set SMTP_URL to a mail server.")
    try:
        pages = socket.create_server((options.host, options.port))
        smtp = socket.create_server((options.host, options.smtp_port))
    except OSError as error:
        return _give_up(f"cannot listen on {options.host} ({error.strerror}). Choose another --port or --smtp-port.")
    with pages, smtp:
        try:
            mailbox = Mailbox(options.data)
        except OSError as error:
            return _give_up(f"cannot use {options.data} ({error}). Choose another --data directory.")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        shown = "127.0.0.1" if options.host in ("0.0.0.0", "") else options.host  # noqa: S104 -- compared, not bound
        addresses = f"http://{shown}:{pages.getsockname()[1]} and smtp://{shown}:{smtp.getsockname()[1]}"
        print(f"listening on {addresses}", flush=True)  # noqa: T201 -- callers wait for this line
        config = uvicorn.Config(
            build(mailbox, smtp), log_level="warning", access_log=False, timeout_graceful_shutdown=5
        )
        uvicorn.Server(config).run(sockets=[pages])
    return 0


def _stop(_number: int, _frame: object) -> None:
    """Leave with status 0: while serving, the server takes the signal first and hands it on when all is closed."""
    raise SystemExit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m mailbox_twin", description="A mail server that delivers nothing, for tests and demos."
    )
    parser.add_argument("--port", type=int, required=True, help="port of the pages; 0 picks a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="port mails come in at; 0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps the mails")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    return parser.parse_args()


def _give_up(words: str) -> int:
    log.error("%s", words)
    return 2


if __name__ == "__main__":
    sys.exit(main())
