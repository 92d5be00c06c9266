"""`python -m identity_twin --port N`: run the imitation until it is told to stop."""

import argparse
import logging
import os
import signal
import socket
import sys

import uvicorn

from identity_twin.app import build
from identity_twin.state import State

log = logging.getLogger("identity_twin")


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    options = _options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if os.environ.get("TOLLKEEPER_ENV", "").lower() == "production":
        log.error("TOLLKEEPER_ENV is production: this imitation believes everybody and never runs there.")
        return 2
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        words = f"cannot listen on {options.host}:{options.port} ({error.strerror}). Choose another --port."
        print(words, file=sys.stderr)  # noqa: T201 - for the person who started it
        return 2
    with listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        print(f"listening on {address}", flush=True)  # noqa: T201 - callers wait for this line
        app = build(State((options.public_url or address).rstrip("/")))
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _stop(number: int, _: object) -> None:
    """Leave with status 0: while serving, the server takes the signal first and hands it on when all is closed."""
    log.info("stopped by %s", signal.Signals(number).name)
    raise SystemExit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m identity_twin", description="A stateful imitation of an OpenID Connect issuer."
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--data", help="taken like by the other imitations; nothing is kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--public-url", help="address under which browsers reach the pages, if another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
