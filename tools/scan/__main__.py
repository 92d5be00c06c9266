"""`make scan`: every scanner, or with `--short` what fits beside the tests (schemathesis runs among those)."""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import schemathesis, sqlmap, testssl, wapiti
from .report import Finding, Scan, write
from .target import Target, running

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "scan"


def main() -> int:
    """Scan, write the report, and return 1 when anything was found or could not be looked at."""
    options = argparse.ArgumentParser(prog="make scan")
    options.add_argument("--short", action="store_true", help="within three minutes")
    options.add_argument("--programs", type=Path, required=True, help="where wapiti and sqlmap are installed")
    chosen = options.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with running() as target:
        scans = _scan(target, chosen.programs.absolute(), short=chosen.short)
        faults = tuple(Finding("a fault of ours", "high", "the server", each) for each in target.faults())
    scans.append(Scan("the server itself", "answers of 500 and traces meanwhile", time.monotonic() - began, faults))
    report = write(scans, FOLDER, short=chosen.short)
    print(report.read_text())
    print(f"Kept in {report.relative_to(ROOT)}.")
    return 0 if all(scan.is_clean for scan in scans) else 1


def _scan(target: Target, programs: Path, *, short: bool) -> list[Scan]:
    wanted: dict[str, Callable[[], Scan]] = {
        "testssl": lambda: testssl.scan(target, FOLDER, short=short),
        "wapiti": lambda: wapiti.scan(target, FOLDER, programs / "wapiti", short=short),
        "sqlmap": lambda: sqlmap.scan(target, FOLDER, programs / "sqlmap", short=short),
    }
    if not short:
        wanted["schemathesis"] = lambda: schemathesis.scan(target, FOLDER)
    with ThreadPoolExecutor(2 if short else 1) as pool:
        return list(pool.map(_guarded, wanted, wanted.values()))


def _guarded(name: str, scan: Callable[[], Scan]) -> Scan:
    """Return what a scanner did; one that breaks has found out nothing, which is a failure and not a clean scan."""
    try:
        return scan()
    except Exception as error:  # noqa: BLE001 - whatever it is, the report says it and the others go on
        return Scan(name, "", 0.0, failure=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
