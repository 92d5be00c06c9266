"""`make lighthouse`: measure the pages that people see most, print one table, return 1 when a mark is missed.

Lighthouse's own defaults for mobile: a slow four-core phone and a slow 4G, simulated. A page below a mark is measured
twice more and its middle one counts, since other programs of this machine disturb. Reports stay in `build/lighthouse`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tools.build_assets import machine_node, run, wheel_node
from tools.shown import Shown, running

HOME = Path(__file__).parent
ROOT = HOME.parents[1]
REPORTS = ROOT / "build" / "lighthouse"
PROGRAM = HOME / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = {"performance": "speed", "accessibility": "access", "best-practices": "practice", "seo": "search"}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
MARK = 95
FIRST_PAINT_SECONDS = 1.2
PUBLIC_KB, CHART_KB = 60, 200
AGAIN = 2
_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Measured:
    """One page to measure: whose cookies it is opened with, and how much of script and style it may load, in kB."""

    name: str
    path: str
    cookies: str = ""
    budget: int = CHART_KB


@dataclass(frozen=True, slots=True)
class Marks:
    """What was measured. `scores` are of CATEGORIES in their order, of 100; `first_paint` is in seconds, `kb` in kB."""

    scores: tuple[int, ...]
    first_paint: float
    kb: float
    trouble: str = ""

    def missed(self, page: Measured) -> bool:
        """Whether this is below what is asked of the page."""
        slow = self.first_paint >= FIRST_PAINT_SECONDS
        return bool(self.trouble) or min(self.scores) < MARK or slow or self.kb >= page.budget


def pages(shown: Shown) -> list[Measured]:
    """Return what is measured: what everybody sees, a customer's two busiest pages, and the staff's."""
    ada, grace = shown.cookies["ada"], shown.cookies["grace"]
    whom = shown.known["organization_id"]
    return [
        Measured("home", "/", budget=PUBLIC_KB),
        Measured("pricing", "/pricing", budget=PUBLIC_KB),
        Measured("log-in", "/login", budget=PUBLIC_KB),
        Measured("portal overview", "/dashboard", ada),
        Measured("usage", "/usage?feature=prompts&span=7d", ada),
        Measured("admin home", "/admin", grace),
        Measured("admin organization", f"/admin/organizations/{whom}", grace),
    ]


def main() -> int:
    """Measure, print the table, and return 1 when a page misses a mark."""
    options = argparse.ArgumentParser(prog="make lighthouse")
    options.add_argument("only", nargs="*", help="names of pages; all when none is given")
    only = options.parse_args().only
    node = _installed()
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    missed = False
    with running() as shown:
        print(
            f"{'page':20}" + "".join(f"{name:>10}" for name in CATEGORIES.values()) + f"{'FCP s':>8}{'JS+CSS kB':>11}"
        )
        chosen = [page for page in pages(shown) if not only or page.name in only]
        if not chosen:
            options.error(f"no page is called that; there are: {', '.join(page.name for page in pages(shown))}")
        for page in chosen:
            marks = _measured(node, shown.url, page)
            missed |= marks.missed(page)
            print(_line(page, marks), flush=True)
        if missed:
            print("".join(shown.said[-40:]))
    print(f"Asked: {MARK} of 100, FCP under {FIRST_PAINT_SECONDS} s, under {PUBLIC_KB} kB ({CHART_KB} kB with charts).")
    print(f"Reports: {REPORTS.relative_to(ROOT)}.")
    return 1 if missed else 0


def _line(page: Measured, marks: Marks) -> str:
    if marks.trouble:
        return f"{page.name:20}  {marks.trouble}"
    numbers = "".join(f"{score:>10}" for score in marks.scores) + f"{marks.first_paint:>8.2f}{marks.kb:>11.1f}"
    return f"{page.name:20}{numbers}" + ("  below" if marks.missed(page) else "")


def _installed() -> list[str]:
    """Install exactly what the lock names, unless it is there; returns the command of node."""
    node, npm = machine_node() or wheel_node()
    lock = (HOME / "package-lock.json").read_text()
    mark = HOME / "node_modules" / ".tollkeeper-lock"
    if not (mark.is_file() and mark.read_text() == lock):
        print("Installing Lighthouse (locked)", flush=True)
        run([*npm, "ci", "--prefix", str(HOME), "--ignore-scripts", "--no-audit", "--no-fund"], node)
        mark.write_text(lock)
    return node


def _measured(node: list[str], base: str, page: Measured) -> Marks:
    """Measure a page; one that misses a mark is measured again, and the middle of all counts."""
    answer = httpx.get(base + page.path, headers={"Cookie": page.cookies}, trust_env=False, timeout=30)
    if answer.status_code != httpx.codes.OK:
        return Marks((), 0, 0, f"answered {answer.status_code}")
    tried = [_once(node, base, page)]
    if tried[0].missed(page):
        tried += [_once(node, base, page) for _ in range(AGAIN)]
    return sorted(tried, key=lambda marks: (marks.trouble == "", sum(marks.scores), -marks.first_paint))[
        len(tried) // 2
    ]


def _once(node: list[str], base: str, page: Measured) -> Marks:
    report = REPORTS / f"{page.name.replace(' ', '-')}.json"
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), "")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as headers:
        json.dump({"Cookie": page.cookies} if page.cookies else {}, headers)
        headers.flush()
        command = [
            *(*node, str(PROGRAM), base + page.path, "--quiet", f"--only-categories={','.join(CATEGORIES)}"),
            *("--output=json", "--output=html", f"--output-path={report.with_suffix('')}"),
            *(f"--extra-headers={headers.name}", "--chrome-flags=--headless=new --no-sandbox --disable-gpu"),
        ]
        done = subprocess.run(
            command,
            env={**os.environ, "CHROME_PATH": chromium},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    made = report.with_name(f"{report.stem}.report.json")
    if done.returncode or not made.is_file():
        return Marks((), 0, 0, (done.stderr.strip().splitlines() or ["Lighthouse made no report"])[-1])
    return _marks(json.loads(made.read_text()))


def _marks(report: dict[str, Any]) -> Marks:
    if report.get("runtimeError"):
        return Marks((), 0, 0, str(report["runtimeError"]["message"]))
    audits = report["audits"]
    loaded = audits["network-requests"]["details"]["items"]
    size = sum(each["transferSize"] for each in loaded if each.get("resourceType") in {"Script", "Stylesheet"})
    scores = tuple(round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES)
    return Marks(scores, audits["first-contentful-paint"]["numericValue"] / 1000, size / 1000)


if __name__ == "__main__":
    sys.exit(main())
