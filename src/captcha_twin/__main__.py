"""`python -m captcha_twin --port N`: hand out and judge tokens until told to stop."""

import argparse
import sys
from functools import partial

from captcha_twin.app import build
from captcha_twin.state import State
from twin_kit.serving import address_of, listen, parser_of, run, serve


def main() -> int:
    """Parse the arguments, refuse production, serve. The exit status: 0 after a stop, 2 when it could not start."""
    unfit = "this takes everybody for a person. Set a real site key."
    return run("captcha_twin", partial(_work, _options()), unfit=unfit)


def _work(options: argparse.Namespace) -> None:
    with listen(options.host, options.port) as listener:
        serve("captcha_twin", build(State(options.site_key, options.secret)), listener, address_of(listener))


def _options() -> argparse.Namespace:
    parser = parser_of("captcha_twin", "An imitation of reCAPTCHA v3, for tests and demos.")
    parser.add_argument("--site-key", default="site-key", help="the key pages name")
    parser.add_argument("--secret", default="secret-key", help="the key servers verify with")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
