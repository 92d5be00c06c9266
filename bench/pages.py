"""How long each page takes with a hundred thousand organizations and ten million events: `python -m bench.pages`.

python -m bench.pages [--organizations 100000] [--events 10000000] [--looks 60] [--data DIR] [--only /admin]

One customer buys for real and is multiplied (`bench.mirror`), events come as in `bench.stored`, and people, keys, the
trail and webhooks beside them. One member of staff, who belongs to the largest customer, then looks at every page in
turn. Printed is what the server took to answer. Where it asks the payment provider meanwhile, what it waited for the
answer stands apart: that is the time of the provider (here of its imitation), and no fault of ours. It ends with 1 when
the slowest twentieth of any page took longer than 50 ms. `cpu` is what a look costs all our processes, the database's
too: it hardly differs on a busy machine, where the times mean nothing. Filling takes longest: with `--data` what was
filled is kept, and used by the next run.
"""

import argparse
import asyncio
import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table

from bench.mirror import buy_one, multiply_ours, multiply_theirs, organization_of
from bench.pages_fill import fill_beside, join, some_of
from bench.pages_looked_at import ADMIN, AT_THE_PROVIDER, PORTAL, PUBLIC, VARYING
from bench.pages_troubles import fill_troubles
from bench.server import Server, running
from bench.stored import fill_events, wait_for_rollups
from bench.webhooks import rank
from tollkeeper.identity import SESSION_COOKIE
from tollkeeper.infra.embedded import EmbeddedPostgres

LIMIT_MS = 50.0
WARM = 3
SLOWEST = 10
VARIED = 50
EMAIL, PASSWORD = "staff@bench.example", "a long bench password"
out = Console(width=140)


@dataclass(frozen=True, slots=True)
class Measured:
    """A page, what each look at it took in milliseconds, and the size of the last answer.

    `took` is without what was `waited` for the provider. `cpu` is the mean of a look, in
    milliseconds; None where it was not measured.
    """

    page: str
    took: Sequence[float]
    waited: Sequence[float]
    cpu: float | None
    size: int
    status: int

    def at(self, share: float) -> float:
        """Return what this share of looks did not exceed."""
        return rank(list(self.took), share)

    @property
    def is_slow(self) -> bool:
        """Whether more than one look of twenty took too long, or the page is not there."""
        return self.status != http.HTTPStatus.OK or self.at(0.95) > LIMIT_MS


def fill(data: Path, database: str, organizations: int, events: int) -> None:
    """Have one customer buy, multiply it, and write what stands beside."""
    begun = time.monotonic()
    with running(data) as server:
        asyncio.run(buy_one(server))
        asyncio.run(register(server))
    like = organization_of(database)
    multiply_ours(database, multiply_theirs(data, like, 0), organizations - 1)
    fill_events(database, organizations, events)
    fill_beside(database, like, organizations)
    fill_troubles(database)
    join(database, EMAIL, like)
    program = Path(sys.executable).with_name("tollkeeper")
    command = [str(program), "staff", "add", EMAIL, "--role", "admin", "--data-dir", str(data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    out.print(f"filled in {time.monotonic() - begun:.0f} s")


async def register(server: Server) -> None:
    """Make the login of the one who looks."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as client:
        answer = await client.post("/api/auth/register", json={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == httpx.codes.CREATED, answer.text


def log_in(server: Server) -> str:
    """Return the browser's cookie."""
    answer = httpx.post(
        f"{server.url}/api/auth/login", json={"email": EMAIL, "password": PASSWORD}, trust_env=False, timeout=30
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    return f"{SESSION_COOKIE}={answer.cookies[SESSION_COOKIE]}"


def look(server: Server, cookie: str, page: str, addresses: Callable[[], str], looks: int) -> Measured:
    """Look at a page again and again, one look after the other, over one connection."""
    line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    asks_the_provider = page in AT_THE_PROVIDER
    took, waited, size, status, spent = list[float](), list[float](), 0, 0, 0.0
    before = waited_for_provider(line) if asks_the_provider else 0.0
    for number in range(WARM + looks):
        if number == WARM:
            spent = cpu_of(server)
        address = addresses()
        begun = time.perf_counter()
        line.request("GET", address, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = line.getresponse()
        size, status = len(answer.read()), answer.status
        took.append((time.perf_counter() - begun) * 1000)
        after = waited_for_provider(line) if asks_the_provider else 0.0
        waited.append((after - before) * 1000)
        before = after
    spent = cpu_of(server) - spent
    line.close()
    own = [each - elsewhere for each, elsewhere in zip(took, waited, strict=True)]
    # Reading the metrics after each look costs more than a look does.
    cpu = None if asks_the_provider else spent * 1000 / looks
    return Measured(page, own[WARM:], waited[WARM:], cpu, size, status)


def waited_for_provider(line: http.client.HTTPConnection) -> float:
    """Return the seconds that the server has waited for the provider's answers since it began."""
    line.request("GET", "/metrics")
    found = re.search(r"^tollkeeper_provider_seconds_sum (\S+)", line.getresponse().read().decode(), re.MULTILINE)
    assert found, "the server does not tell how long it waits for the provider"
    return float(found[1])


def cpu_of(server: Server) -> float:
    """Return the seconds of work that our processes and the database's have done; 0 where the system does not tell.

    What has ended is left out, and so is the provider's imitation.
    """
    postmaster = (server.data_dir / "postgres" / "postmaster.pid").read_text().split()[0]
    family, grown = {str(server.pid), postmaster}, True
    seen: dict[str, tuple[str, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            twin = b"_twin" in (stat.parent / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if not twin:
            seen[stat.parent.name] = fields[1], int(fields[11]) + int(fields[12])
    while grown:
        more = {pid for pid, (parent, _) in seen.items() if parent in family} - family
        family, grown = family | more, bool(more)
    return sum(ticks for pid, (_, ticks) in seen.items() if pid in family) / os.sysconf("SC_CLK_TCK")


def every_page(database: str, only: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield each page with what says its next address."""
    chance = random.Random(0)
    for page in (*PUBLIC, *PORTAL, *AT_THE_PROVIDER, *ADMIN):
        if page.startswith(only):
            yield page, lambda page=page: page  # type: ignore[misc]
    for page, query in VARYING.items():
        if page.startswith(only):
            found = some_of(database, query, VARIED)
            address = page.partition(" ")[0]
            if found:
                yield page, lambda address=address, found=found: address.format(chance.choice(found))  # type: ignore[misc]


def show(measured: Sequence[Measured]) -> None:
    """Print the table, the slowest first, and what it says in a few lines."""
    columns = ("page", "p50", "p95", "largest", "provider", "cpu", "kB", "")
    table = Table(*columns, title=f"{datetime.now(UTC):%Y-%m-%d}, server time in ms")
    slowest = sorted(measured, key=lambda found: -found.at(0.95))
    for each in slowest:
        note = f"answers {each.status}" if each.status != http.HTTPStatus.OK else "too slow" if each.is_slow else ""
        figures = (f"{each.at(share):.1f}" for share in (0.5, 0.95, 1))
        waited = f"+{rank(list(each.waited), 0.5):.1f}" if any(each.waited) else ""
        cpu = "" if each.cpu is None else f"{each.cpu:.1f}"
        table.add_row(each.page, *figures, waited, cpu, f"{each.size / 1024:.1f}", note)
    out.print(table)
    out.print(
        "provider: the median of what was waited for the payment provider's imitation, not in the times beside it"
    )
    missing = sum(each.status != http.HTTPStatus.OK for each in measured)
    late = sum(each.at(0.95) > LIMIT_MS for each in measured)
    out.print(
        f"{len(measured)} pages: {late} with a p95 above {LIMIT_MS:.0f} ms, {missing} that did not answer 200; "
        f"p95 {rank([each.at(0.95) for each in measured], 0.5):.1f} ms in the middle; the machine's load: "
        f"{os.getloadavg()[0]:.1f}"
    )
    out.print("slowest: " + ", ".join(f"{each.page} {each.at(0.95):.0f}" for each in slowest[:SLOWEST]))


def main() -> None:
    """Fill, then look at every page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--looks", type=int, default=60)
    parser.add_argument("--data", type=Path, help="keep what was filled there")
    parser.add_argument("--only", default="/", help="pages whose address begins so")
    options = parser.parse_args()
    os.environ["TOLLKEEPER_RATE_LIMITS"] = "off"
    with ExitStack() as stack:
        folder = options.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tk-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        data = folder / "data"
        database = stack.enter_context(EmbeddedPostgres(data)).start()
        filled = folder / f"pages-{options.organizations}-{options.events}"
        if not filled.exists():
            fill(data, database, options.organizations, options.events)
            filled.touch()
        server = stack.enter_context(running(data))
        wait_for_rollups(database, options.events)
        cookie = log_in(server)
        pages = every_page(database, options.only)
        measured = [
            look(server, "" if page in PUBLIC else cookie, page, addresses, options.looks) for page, addresses in pages
        ]
    show(measured)
    sys.exit(any(each.is_slow for each in measured))


if __name__ == "__main__":
    main()
