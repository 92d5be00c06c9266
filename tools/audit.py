"""Known weaknesses of every pinned package, Python's and Node's. What could not be checked is a failure, too.

Asks the OSV service (`OSV_URL` names another). An advisory that does not concern us is accepted by a line in
`tools/accepted-advisories.txt`: its id, a day until which that holds, and why.
"""

import json
import os
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "audit.json"
ACCEPTED = ROOT / "tools" / "accepted-advisories.txt"
SERVICE = "https://api.osv.dev"
AT_ONCE = 500
TIMEOUT_SECONDS = 30.0
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")


class Package(NamedTuple):
    """One package as it is pinned. `ecosystem` is OSV's word."""

    ecosystem: str
    name: str
    version: str


class UncheckedError(Exception):
    """Something could not be checked."""


def pinned(root: Path) -> set[Package]:
    """Return every package that is pinned anywhere.

    Raises:
        UncheckedError: a line pins nothing that could be asked about.
    """
    found: set[Package] = set()
    for path in sorted((root / "requirements").glob("*.txt")):
        for line in path.read_text().splitlines():
            if not line or line.startswith((" ", "#")):
                continue
            match = _PINNED.match(line)
            if match is None:
                raise UncheckedError(f"{path.name}: {line!r} pins no version")
            found.add(Package("PyPI", match[1], match[2]))
    for lock in (root / "package-lock.json", *sorted(root.glob("tools/*/package-lock.json"))):
        for place, package in json.loads(lock.read_text())["packages"].items():
            if place:  # the empty place is our own
                name = place.rpartition("node_modules/")[2]
                if "version" not in package or package.get("link"):
                    raise UncheckedError(f"{lock.relative_to(root)}: {name!r} pins no version")
                found.add(Package("npm", name, package["version"]))
    if not found:
        raise UncheckedError("nothing is pinned")
    return found


def advisories(packages: list[Package], client: httpx.Client) -> dict[Package, list[str]]:
    """Return the ids of what is known against each package; those of none are left out.

    Raises:
        UncheckedError: the service does not answer, or not about every package.
    """
    known: dict[Package, list[str]] = {}
    for start in range(0, len(packages), AT_ONCE):
        part = packages[start : start + AT_ONCE]
        queries = [{"package": {"ecosystem": e, "name": n}, "version": v} for e, n, v in part]
        for package, result in zip(part, _asked(client, queries), strict=True):
            ids = [each["id"] for each in result.get("vulns", [])]
            if result.get("next_page_token"):
                raise UncheckedError(f"{package.name}: more is known than was told")
            if ids:
                known[package] = ids
    return known


def _asked(client: httpx.Client, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        answer = client.post("/v1/querybatch", json={"queries": queries}).raise_for_status()
        results: list[dict[str, Any]] = answer.json()["results"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise UncheckedError(f"the service did not answer: {type(error).__name__} {error}") from None
    if len(results) != len(queries):
        raise UncheckedError(f"asked about {len(queries)} packages, told about {len(results)}")
    return results


def accepted(path: Path, today: date) -> set[str]:
    """Return the advisories that are accepted today.

    Raises:
        UncheckedError: a line is not `ID YYYY-MM-DD reason`.
    """
    found = set()
    lines = path.read_text().splitlines() if path.is_file() else []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            match = re.fullmatch(r"(\S+) (\d{4}-\d{2}-\d{2}) (\S.+)", line)
            if match is None:
                raise UncheckedError(f"{path.name}: {line!r} is not `ID YYYY-MM-DD reason`")
            if date.fromisoformat(match[2]) >= today:
                found.add(match[1])
    return found


def main() -> int:
    """Check, write build/audit.json, and return 1 when something is known or was not checked."""
    at = datetime.now(UTC)
    report: dict[str, Any] = {"at": at.isoformat(timespec="seconds"), "checked": 0, "known": [], "unchecked": ""}
    try:
        packages = sorted(pinned(ROOT))
        with httpx.Client(base_url=os.environ.get("OSV_URL", SERVICE), timeout=TIMEOUT_SECONDS) as client:
            known = advisories(packages, client)
        excused = accepted(ACCEPTED, at.date())
        report["checked"] = len(packages)
        report["known"] = [
            {**package._asdict(), "advisory": each, "accepted": each in excused}
            for package, ids in sorted(known.items())
            for each in ids
        ]
    except UncheckedError as error:
        report["unchecked"] = str(error)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    bad = [each for each in report["known"] if not each["accepted"]]
    for each in bad:
        print(f"{each['advisory']}: {each['name']} {each['version']} ({each['ecosystem']})", file=sys.stderr)
    if report["unchecked"]:
        print(f"Not checked, which is a failure: {report['unchecked']}", file=sys.stderr)
    else:
        print(f"{report['checked']} packages checked, {len(bad)} advisories that are not accepted.")
    return 1 if bad or report["unchecked"] else 0


if __name__ == "__main__":
    sys.exit(main())
