"""What the proof came to: a table for people, JSON and Markdown for the record."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .checks import Finding
from .history import Call

EVIDENCE_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the proof. `missed` are planted faults that were not discovered; None: none were planted."""

    seconds: float
    calls: Sequence[Call]
    events: int
    trouble: Sequence[str]
    findings: Sequence[Finding]
    planted: int
    missed: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether every promise held, and the checks can tell."""
        return not self.missed and not any(finding.evidence for finding in self.findings)

    @property
    def verdict(self) -> str:
        """In a word."""
        return "PROVED: every promise held" if self.holds else "BROKEN: see the evidence"

    def show(self, console: Console) -> None:
        """Print the table, and the evidence of what is broken."""
        table = Table("promise", "checked", "broken", title="The gate under kill, restart and reset")
        for each in self.findings:
            style = "red" if each.evidence else "green"
            table.add_row(each.promise, f"{each.checked:,}", f"[{style}]{len(each.evidence)}[/]")
        if self.planted:
            style = "red" if self.missed else "green"
            table.add_row("planted faults are discovered", str(self.planted), f"[{style}]{len(self.missed)}[/]")
        console.print(table)
        console.print(self.summary)
        for line in self._evidence():
            console.print(line, style="red", markup=False, highlight=False)
        console.print(self.verdict, style="bold green" if self.holds else "bold red")

    @property
    def summary(self) -> str:
        """What was done."""
        fates = ", ".join(f"{number:,} {fate}" for fate, number in Counter(call.fate for call in self.calls).items())
        return f"{len(self.calls):,} calls in {self.seconds:.0f} s ({fates}); {self.events:,} events stored."

    def _evidence(self) -> list[str]:
        lines = []
        for each in self.findings:
            lines += [f"{each.promise}: {words}" for words in each.evidence[:EVIDENCE_SHOWN]]
            if len(each.evidence) > EVIDENCE_SHOWN:
                lines.append(f"{each.promise}: and {len(each.evidence) - EVIDENCE_SHOWN} more")
        return lines + [f"planted and not discovered: {name}" for name in self.missed]

    def write(self, folder: Path) -> None:
        """Write `proof.json` and `proof.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "holds": self.holds,
            "seconds": round(self.seconds, 1),
            "calls": len(self.calls),
            "events": self.events,
            "trouble": list(self.trouble),
            "promises": [
                {"promise": each.promise, "checked": each.checked, "evidence": each.evidence} for each in self.findings
            ],
            "planted": {"faults": self.planted, "undiscovered": list(self.missed)},
        }
        (folder / "proof.json").write_text(json.dumps(document, indent=2) + "\n")
        rows = "\n".join(f"| {each.promise} | {each.checked:,} | {len(each.evidence)} |" for each in self.findings)
        evidence = "".join(f"* `{line}`\n" for line in self._evidence())
        trouble = "".join(f"* {what}\n" for what in self.trouble)
        (folder / "proof.md").write_text(
            f"# {self.verdict}\n\n{self.summary}\n\n| promise | checked | broken |\n|---|---|---|\n{rows}\n"
            f"| planted faults are discovered | {self.planted} | {len(self.missed)} |\n\n"
            f"## What happened meanwhile\n\n{trouble}\n" + (f"## Evidence\n\n{evidence}" if evidence else "")
        )
