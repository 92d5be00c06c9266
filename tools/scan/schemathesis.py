"""schemathesis: every call of the API as it describes itself, with good and bad input, for an operator and a member."""

import re
import subprocess
import sys
import time
from pathlib import Path

from .report import Finding, Scan
from .target import Target

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 5
SECONDS = 1200


def scan(target: Target, folder: Path) -> Scan:
    """Send what the description allows and what it forbids."""
    began = time.monotonic()
    findings: list[Finding] = []
    for caller, key in (("operator", target.server.operator_key()), ("member", target.key)):
        options = ["--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--seed", "2"]
        options += ["--header", f"Authorization: Bearer {key}", "--continue-on-failure", "--no-shrink"]
        options += ["--suppress-health-check", "all", "--no-color"]
        command = [str(Path(sys.executable).with_name("st")), "run", f"{target.url}/api/openapi.json", *options]
        log = folder / f"schemathesis-{caller}.log"
        with log.open("w") as out:
            done = subprocess.run(command, stdout=out, stderr=out, cwd=folder, check=False, timeout=SECONDS)
        if done.returncode:
            failed = re.findall(r"^_+ ([A-Z]+ /\S+) _+$", log.read_text(), re.MULTILINE) or ["see the log"]
            findings += [Finding("not as described", "medium", f"{call} as {caller}") for call in dict.fromkeys(failed)]
    calls = sum(len(each) for each in target.openapi()["paths"].values())
    return Scan("schemathesis", f"{calls} calls, operator and member", time.monotonic() - began, tuple(findings))
