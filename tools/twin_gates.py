"""Run the Stripe twin's gates and print them as one table; status 1 when a case fails that is not left out."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run, print, judge."""
    named = os.environ.get("STRIPE_RECORDINGS")
    if not named or not (Path(named) / "stripe_probe.py").is_file():
        print("STRIPE_RECORDINGS must name the folder with the recordings and stripe_probe.py.", file=sys.stderr)
        return 2
    sys.path.insert(0, str(ROOT / "tests" / "stripe_twin"))
    results = importlib.import_module("gates.run").run(Path(named))
    Console().print(_table(results))
    return int(any(result.failed or result.untrue for result in results))


def _table(results: list[Any]) -> Table:
    table = Table("Gate", title="The Stripe twin's gates", title_style="bold", show_lines=True)
    for name in ("Passed", "Of"):
        table.add_column(name, justify="right")
    table.add_column("Left out, with the reason of each; failures", overflow="fold")
    for result in results:
        notes = [f"{case}: {reason}" for case, reason in result.left_out.items()]
        notes += [f"[bold red]FAILED[/] {outcome.case}: {outcome.problem}" for outcome in result.failed]
        notes += [f"[bold red]LEFT OUT THOUGH IT PASSES[/] {case}" for case in result.untrue]
        if result.gate == "schema":
            violations = len(result.failed)
            table.add_row("schema violations", str(violations), "0", "\n".join(notes))
        else:
            table.add_row(result.gate, str(result.passed), str(len(result.outcomes)), "\n".join(notes))
    return table


if __name__ == "__main__":
    sys.exit(main())
