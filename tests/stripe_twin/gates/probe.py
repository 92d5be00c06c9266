"""Gate: the official SDK's probe, a program of its own that drives the twin and receives its webhooks."""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from .stage import KEY, Outcome, Stage, relayed

GATE = "probe"
_PORT = "8899"  # where the probe listens unless told otherwise in its own text
# Two steps call what Stripe itself has retired; they do not count.
_LEGACY = {"legacy plan.create", "legacy usage_record"}
# These are right when the twin refuses.
REFUSED = {
    "refund over amount rejected": "400",
    "missing object -> resource_missing 404": "resource_missing",
    "unknown parameter -> parameter_unknown 400": "parameter_unknown",
}


def run(stage: Stage, recordings: Path) -> list[Outcome]:
    """Run the probe on a free port and take over its results."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = (
        "import sys; text = open(sys.argv[1]).read().replace(sys.argv[2], sys.argv[3]); del sys.argv[1:4]; exec(text)"
    )
    with relayed(stage) as base, tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(  # noqa: S603 -- a fixed program
            [
                *(sys.executable, "-B", "-W", "ignore", "-c", program),
                *(str(recordings / "stripe_probe.py"), _PORT, str(port)),
                *(base, "--hook-config", "localstripe", "--key", KEY, "--out", out.name),
            ],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode:
            return [Outcome(GATE, "the probe itself", done.stderr[-500:])]
        report = json.loads(Path(out.name).read_text())
    counted = [step for step in report["results"] if step["name"] not in _LEGACY]
    return [_outcome(step["name"], ok=step["ok"], note=step["note"]) for step in counted]


def _outcome(name: str, *, ok: bool, note: str) -> Outcome:
    if name in REFUSED:
        return Outcome(GATE, name, None if REFUSED[name] in note else f"not refused in that way: {note}")
    if name == "received" and ok and "sig_ok=True" not in note:
        return Outcome(GATE, name, "no signature that holds")
    return Outcome(GATE, name, None if ok else note)
