"""A program that reports usage through the client's spool at a steady rate, to be killed at any moment.

    python -m proof.client DIRECTORY URL KEY CUSTOMER NAME

Prints the idempotency key of each use once it is kept. When its input ends, it stops, sends what is left, and says
with its exit code whether all of it was sent.
"""

import sys
import threading
import time

from tollkeeper_sdk import Spool, Tollkeeper

PAUSE_SECONDS = 0.05
SENDING_SECONDS = 240.0


def main(directory: str, url: str, key: str, customer: str, name: str) -> int:
    """Report until the input ends."""
    over = threading.Event()

    def await_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=await_the_end, daemon=True).start()
    with Spool(directory) as spool, Tollkeeper(url, key, spool=spool, timeout=5.0) as toll:
        number = 0
        began = time.monotonic()
        while not over.is_set():
            word = f"{name}-{number}"
            toll.record("steady", idempotency_key=word, customer=customer)
            sys.stdout.write(f"{word}\n")
            sys.stdout.flush()
            number += 1
            time.sleep(max(0.0, began + number * PAUSE_SECONDS - time.monotonic()))
        return 0 if toll.flush(SENDING_SECONDS) and not spool.dead_letters() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
