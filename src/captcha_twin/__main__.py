"""`python -m captcha_twin --port N`: hand out and judge tokens until told to stop."""

import argparse
import logging
import os
import signal
import socket
import sys

import uvicorn

from captcha_twin.app import build
from captcha_twin.state import State

log = logging.getLogger("captcha_twin")


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    options = _options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if os.environ.get("TOLLKEEPER_ENV", "").lower() == "production":
        return _give_up("TOLLKEEPER_ENV is production: this takes everybody for a person. Set a real site key.")
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        return _give_up(f"cannot listen on {options.host} ({error.strerror}). Choose another --port.")
    with listener:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 -- callers wait for this line
        config = uvicorn.Config(
            build(State(options.site_key, options.secret)),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _stop(_number: int, _frame: object) -> None:
    """Leave with status 0: while serving, the server takes the signal first and hands it on when all is closed."""
    raise SystemExit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m captcha_twin", description="An imitation of reCAPTCHA v3, for tests and demos."
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--site-key", default="site-key", help="the key pages name")
    parser.add_argument("--secret", default="secret-key", help="the key servers verify with")
    return parser.parse_args()


def _give_up(words: str) -> int:
    log.error("%s", words)
    return 2


if __name__ == "__main__":
    sys.exit(main())
