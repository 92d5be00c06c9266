"""`python -m identity_twin --port N`: run the imitation until it is told to stop."""

import argparse
import sys
from functools import partial

from identity_twin.app import build
from identity_twin.state import State
from twin_kit.serving import address_of, listen, parser_of, run, serve


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    unfit = "this imitation believes everybody and never runs there."
    return run("identity_twin", partial(_work, _options()), unfit=unfit)


def _work(options: argparse.Namespace) -> None:
    with listen(options.host, options.port) as listener:
        address = address_of(listener)
        app = build(State((options.public_url or address).rstrip("/")))
        serve("identity_twin", app, listener, address)


def _options() -> argparse.Namespace:
    parser = parser_of("identity_twin", "A stateful imitation of an OpenID Connect issuer.")
    parser.add_argument("--data", help="taken like by the other imitations; nothing is kept")
    parser.add_argument("--public-url", help="address under which browsers reach the pages, if another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
