"""Measuring: load by wrk, transactions by pgbench, and medians of several rounds."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))

_SCRIPT = """
wrk.method = "{method}"
wrk.headers["Content-Type"] = "application/json"
{authorization}
{pause}
wrk.body = '{body}'
done = function(summary, latency, requests)
  io.stderr:write(string.format('{{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
"""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for as long as a benchmark runs.

    Others may pass through it: PostgreSQL started by root runs as an account that could not enter a private one, and
    the cluster, gigabytes of it, would lie elsewhere and outlive the benchmark.
    """
    with tempfile.TemporaryDirectory(prefix="tollkeeper-bench-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to. Latencies are in milliseconds."""

    per_second: float
    p50: float
    p99: float
    failed: int


def wrk(
    url: str, *, connections: int, body: str = "", key: str | None = None, seconds: int = SECONDS, pause_ms: int = 0
) -> Load:
    """Load one address from this machine; POST when there is a body.

    With `pause_ms` every connection waits that long between an answer and its next request, give or take a half.
    """
    pause = f"function delay() return math.random({pause_ms // 2}, {pause_ms * 3 // 2}) end" if pause_ms else ""
    authorization = f'wrk.headers["Authorization"] = "Bearer {key}"' if key else ""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            _SCRIPT.format(method="POST" if body else "GET", authorization=authorization, pause=pause, body=body)
        )
        script.flush()
        ran = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script.name, url],
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(ran.stderr.strip().splitlines()[-1])
    return Load(
        found["requests"] / found["microseconds"] * 1e6, found["p50"] / 1000, found["p99"] / 1000, found["failed"]
    )


def pgbench(binaries: Path, url: str, *, clients: int, seconds: int = SECONDS) -> float:
    """Transactions a second of pgbench's simple update script, the database being initialised already."""
    command = [str(binaries / "pgbench"), "-N", "-n", f"-c{clients}", "-j2", f"-T{seconds}", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+)", out)
    assert found, out
    return float(found.group(1))


def medians(measures: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Run every measure in turn, `rounds` times over, and return each one's median: noise hits all alike."""
    results: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
            print(f"  round {number + 1}/{rounds}  {name:<32}{results[name][-1]:>12,.0f}", flush=True)
    return {name: statistics.median(values) for name, values in results.items()}


def need(program: str) -> None:
    """Stop with what to do when a program is missing."""
    if shutil.which(program) is None:
        sys.exit(f"The benchmarks need {program}: apt-get install {program}")
