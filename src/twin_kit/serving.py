"""One process of an imitation, from its arguments to its end."""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial

import uvicorn
from starlette.types import ASGIApp


class CannotStartError(Exception):
    """The imitation cannot start; the words say why and what helps."""


def parser_of(package: str, description: str) -> argparse.ArgumentParser:
    """Return a parser of what every imitation is started with."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    return parser


def run(package: str, work: Callable[[], None], *, unfit: str) -> int:
    """Refuse production, saying why it is `unfit`; else work. The exit status: 0, or 2 when it could not start."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if os.environ.get("TOLLKEEPER_ENV", "").lower() == "production":
        return _give_up(package, f"TOLLKEEPER_ENV is production: {unfit}")
    try:
        work()
    except CannotStartError as error:
        return _give_up(package, str(error))
    return 0


def _give_up(package: str, words: str) -> int:
    logging.getLogger(package).error("%s", words)
    return 2


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """Return a socket that listens.

    Raises:
        CannotStartError: it cannot; the words name the `option` to change.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        words = f"cannot listen on {host}:{port} ({error.strerror}). Choose another {option}."
        raise CannotStartError(words) from error


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return where this machine reaches what listens."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 -- compared, not bound


def serve(package: str, app: ASGIApp, listener: socket.socket, addresses: str) -> None:
    """Say where it listens, and answer until told to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, package))
    print(f"listening on {addresses}", flush=True)  # noqa: T201 -- callers wait for this line
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


def _stop(package: str, number: int, _: object) -> None:
    """Leave with status 0: while serving, the server takes the signal first and hands it on when all is closed."""
    logging.getLogger(package).info("stopped by %s", signal.Signals(number).name)
    raise SystemExit(0)
