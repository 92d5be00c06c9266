"""Whatever is sent, by whomever: no 500, and no answer the OpenAPI document does not describe."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_server import LiveServer

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 2
# The operator may call nearly everything. Others are mostly told what they may not do: a few calls of each will do.
PHASES = {"operator": "examples,coverage,fuzzing", "member": "fuzzing", "nobody": "fuzzing"}


@pytest.fixture(scope="module")
def server(run_folder: Path) -> Iterator[LiveServer]:
    live = LiveServer(run_folder / f"openapi-{os.getpid()}")
    live.start()
    yield live
    assert live.stop() == 0


@pytest.fixture
def credential(server: LiveServer, caller: str) -> str:
    if caller == "operator":
        return server.operator_key()
    return server.new_key("member@example.com") if caller == "member" else ""


@pytest.mark.parametrize("caller", PHASES)
def test_every_answer_is_described(server: LiveServer, credential: str, caller: str, tmp_path: Path) -> None:
    options = ["--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES), "--phases", PHASES[caller]]
    options += ["--header", f"Authorization: Bearer {credential}"] if credential else []
    options += ["--continue-on-failure", "--no-shrink", "--seed", "1", "--suppress-health-check", "all"]
    command = [str(Path(sys.executable).with_name("st")), "run", f"{server.url}/api/openapi.json", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - a tool of ours
    assert done.returncode == 0, done.stdout[-20_000:]
    assert not [line for line in server.said if "Traceback" in line or "unhandled error" in line]
