"""What the scanners found, in one form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a scanner does not like. `level` is the scanner's own word for how bad it is."""

    name: str
    level: str
    where: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scanner did.

    `failure` says why it could not do its work, empty: it did. `expected` are findings of a kind that has a reason
    here, with that reason; they are listed, and count for nothing.
    """

    scanner: str
    looked_at: str
    seconds: float
    findings: tuple[Finding, ...] = ()
    expected: tuple[tuple[Finding, str], ...] = ()
    failure: str = ""
    left_out: str = field(default="")

    @property
    def is_clean(self) -> bool:
        """Whether it did its work and found nothing without a reason."""
        return not self.findings and not self.failure


def sorted_out(findings: Sequence[Finding], reasons: Mapping[str, str]) -> dict[str, tuple[object, ...]]:
    """Tell findings that have a reason (by name) from those that have none."""
    return {
        "findings": tuple(each for each in findings if each.name not in reasons),
        "expected": tuple((each, reasons[each.name]) for each in findings if each.name in reasons),
    }


def write(scans: Sequence[Scan], folder: Path, *, short: bool) -> Path:
    """Write the report for people and for machines; return the former's path."""
    documents = [
        {
            "scanner": scan.scanner,
            "looked_at": scan.looked_at,
            "seconds": round(scan.seconds, 1),
            "clean": scan.is_clean,
            "failure": scan.failure,
            "left_out": scan.left_out,
            "findings": [vars_of(each) for each in scan.findings],
            "expected": [{**vars_of(each), "reason": reason} for each, reason in scan.expected],
        }
        for scan in scans
    ]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    (folder / "report.json").write_text(json.dumps({"at": at, "short": short, "scans": documents}, indent=2) + "\n")
    lines = [f"# Scan of {at}{' (short form)' if short else ''}", ""]
    lines += ["| scanner | looked at | seconds | findings | with a reason |", "|---|---|---|---|---|"]
    lines += [
        f"| {scan.scanner} | {scan.looked_at} | {scan.seconds:.0f} | "
        f"{scan.failure or len(scan.findings)} | {len(scan.expected)} |"
        for scan in scans
    ]
    for scan in scans:
        lines += ["", f"## {scan.scanner}", ""]
        lines += [f"Left out: {scan.left_out}", ""] if scan.left_out else []
        lines += [f"* **{each.level}: {each.name}** {each.where} {each.detail}".rstrip() for each in scan.findings]
        reasons = dict.fromkeys((each.name, reason) for each, reason in scan.expected)
        lines += [f"* {name}: {reason}" for name, reason in reasons]
        lines += ["Nothing."] if not scan.findings and not scan.expected else []
    path = folder / "report.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def vars_of(finding: Finding) -> dict[str, str]:
    """Return a finding as a document."""
    return {"name": finding.name, "level": finding.level, "where": finding.where, "detail": finding.detail}
