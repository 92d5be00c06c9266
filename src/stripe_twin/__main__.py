"""`python -m stripe_twin --port N --data DIR`: run the imitation until it is told to stop."""

import argparse
import logging
import sqlite3
import sys
from functools import partial
from pathlib import Path

from stripe_twin.app import build
from stripe_twin.core.twin import Twin
from twin_kit.serving import CannotStartError, address_of, listen, parser_of, run, serve


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    unfit = "this test double of Stripe never runs there. Use Stripe itself."
    return run("stripe_twin", partial(_work, _options()), unfit=unfit)


def _work(options: argparse.Namespace) -> None:
    with listen(options.host, options.port) as listener:
        address = address_of(listener)
        twin = _twin(options.data, (options.public_url or address).rstrip("/"))
        serve("stripe_twin", build(twin), listener, address)


def _twin(data: Path, address: str) -> Twin:
    try:
        return Twin(data, address)
    except BlockingIOError as error:
        words = f"another test double uses {data}. Stop it, or choose another --data directory."
        raise CannotStartError(words) from error
    except (OSError, sqlite3.Error) as error:
        raise CannotStartError(f"cannot use {data} ({error}). Choose another --data directory.") from error


def _options() -> argparse.Namespace:
    parser = parser_of("stripe_twin", "A stateful imitation of Stripe for tests and demos.")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps the state")
    parser.add_argument("--public-url", help="address under which browsers reach the pages, if another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
