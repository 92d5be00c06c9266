"""`python -m stripe_twin --port N --data DIR`: run the imitation until it is told to stop."""

import argparse
import logging
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn

from stripe_twin.app import build
from stripe_twin.core.twin import Twin

log = logging.getLogger("stripe_twin")


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    options = _options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if os.environ.get("TOLLKEEPER_ENV", "").lower() == "production":
        return _give_up("TOLLKEEPER_ENV is production: this test double of Stripe never runs there. Use Stripe itself.")
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        return _give_up(f"cannot listen on {options.host}:{options.port} ({error.strerror}). Choose another --port.")
    with listener:
        shown = "127.0.0.1" if options.host in ("0.0.0.0", "") else options.host  # noqa: S104 -- compared, not bound
        address = f"http://{shown}:{listener.getsockname()[1]}"
        try:
            twin = Twin(options.data, (options.public_url or address).rstrip("/"))
        except BlockingIOError:
            return _give_up(f"another test double uses {options.data}. Stop it, or choose another --data directory.")
        except (OSError, sqlite3.Error) as error:
            return _give_up(f"cannot use {options.data} ({error}). Choose another --data directory.")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        print(f"listening on {address}", flush=True)  # noqa: T201 -- callers wait for this line
        config = uvicorn.Config(build(twin), log_level="warning", access_log=False, timeout_graceful_shutdown=5)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _stop(number: int, _: object) -> None:
    """Leave with status 0: while serving, the server takes the signal first and hands it on when all is closed."""
    log.info("stopped by %s", signal.Signals(number).name)
    raise SystemExit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m stripe_twin", description="A stateful imitation of Stripe for tests and demos."
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps the state")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--public-url", help="address under which browsers reach the pages, if another")
    return parser.parse_args()


def _give_up(words: str) -> int:
    log.error("%s", words)
    return 2


if __name__ == "__main__":
    sys.exit(main())
