"""A process that keeps usage in a spool and says so for each, to be killed at any moment.

    appender.py DIRECTORY NAME COUNT [URL KEY]

Prints the idempotency key of each use once it is acknowledged. With a server's address and a key it sends them, too.
"""

import sys
import time

from tollkeeper_sdk import Spool, Tollkeeper

PAUSE_SECONDS = 0.002


def main(directory: str, name: str, count: str, url: str = "http://127.0.0.1:9", key: str = "tk_live_nobody") -> None:
    spool = Spool(directory)
    toll = Tollkeeper(url, key, spool=spool, timeout=2.0)
    for number in range(int(count)):
        word = f"{name}-{number}"
        toll.record("ai_tokens", idempotency_key=word)
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_SECONDS)
    toll.close()


main(*sys.argv[1:])
