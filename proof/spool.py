"""The proof of the spool: a long outage, the client killed twice, and every use is there exactly once."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console

from . import stored
from .servers import Servers

CUSTOMER = "steady-one"
BEFORE_SECONDS = 3.0
SENDING_SECONDS = 300.0
SAY_SECONDS = 30.0
KILLS = 2


class Client:
    """One life of the client program."""

    def __init__(self, servers: Servers, spool: Path, name: str, acknowledged: list[str]) -> None:
        """Start it; what it acknowledges is added to the list."""
        command = [sys.executable, "-m", "proof.client", str(spool), servers.url, servers.operator, CUSTOMER, name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._acknowledged = acknowledged
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self._acknowledged += (line.strip() for line in lines if line.endswith("\n"))

    def kill(self) -> None:
        """End it the hard way."""
        self.process.kill()
        self._end()

    def finish(self) -> bool:
        """Have it stop and send what is left; returns whether all of it was sent."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(SENDING_SECONDS)
        self._end()
        return self.process.returncode == 0

    def _end(self) -> None:
        self.process.wait()
        self._reading.join()
        if self.process.stdin is not None:
            self.process.stdin.close()


def prove(outage: float, build: Path, console: Console) -> int:
    """Take the server away for so many seconds; returns the exit code, 0 when every use is there exactly once."""
    began = time.monotonic()

    def say(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {what}", highlight=False)

    acknowledged: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tollkeeper-proof-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        servers = Servers(folder / "data", 1)
        client: Client | None = None
        try:
            servers.begin()
            _make_customer(servers)
            client = Client(servers, folder / "spool", "life-0", acknowledged)
            say("the client reports 20 uses a second")
            time.sleep(BEFORE_SECONDS)
            servers.kill()
            say(f"kill -9 of the server; it stays away for {outage:.0f} s")
            for life in range(1, KILLS + 2):
                _wait(outage / (KILLS + 1), lambda: say(f"{len(acknowledged):,} acknowledged"))
                if life <= KILLS:
                    client.kill()
                    say(f"kill -9 of the client, {len(acknowledged):,} acknowledged; started again")
                    client = Client(servers, folder / "spool", f"life-{life}", acknowledged)
            servers.start()
            say("the server is back")
            time.sleep(BEFORE_SECONDS)
            sent = client.finish()
            say("the client has sent what it kept" if sent else "the client could not send everything")
            found = stored.read(servers.database)
        finally:
            if client is not None and client.process.poll() is None:
                client.kill()
            servers.stop()
    problems = [] if sent else ["the spool was not emptied, or something was refused"]
    problems += compare(acknowledged, [event.key or "" for event in found.events])
    for problem in problems:
        console.print(problem, style="red", markup=False)
    verdict = "BROKEN" if problems else "PROVED: every use is there exactly once"
    console.print(f"{verdict}; {len(acknowledged):,} acknowledged, {len(found.events):,} stored", highlight=False)
    build.mkdir(parents=True, exist_ok=True)
    counts = {"outage_seconds": outage, "acknowledged": len(acknowledged), "stored": len(found.events)}
    document = {"holds": not problems, **counts, "problems": problems}
    (build / "proof-spool.json").write_text(json.dumps(document, indent=2) + "\n")
    return 1 if problems else 0


def compare(acknowledged: list[str], found: list[str]) -> list[str]:
    """Return what is wrong: uses lost, uses twice, and more of them than killed clients can have been about to tell."""
    times = Counter(found)
    lost = [key for key in acknowledged if not times[key]]
    twice = [key for key, number in times.items() if number > 1]
    more = times.keys() - set(acknowledged)
    problems = [f"{len(lost)} acknowledged and not stored: {lost[:5]}"] if lost else []
    problems += [f"{len(twice)} stored more than once: {twice[:5]}"] if twice else []
    if len(more) > KILLS:
        problems.append(f"{len(more)} stored that no client acknowledged: {sorted(more)[:5]}")
    return problems


def _make_customer(servers: Servers) -> None:
    headers = {"Authorization": f"Bearer {servers.operator}"}
    body = {"name": CUSTOMER, "external_id": CUSTOMER}
    httpx.post(f"{servers.url}/api/customers", json=body, headers=headers, trust_env=False).raise_for_status()


def _wait(seconds: float, say: Callable[[], None]) -> None:
    """Wait, and tell now and then that it goes on."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, SAY_SECONDS))
        if left > SAY_SECONDS:
            say()
