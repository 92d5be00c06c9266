"""The commands as a person meets them: as programs, with what they print and the code they end with."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest

import program
from program import PROGRAM
from tollkeeper.catalog import demo_catalogue

NOWHERE = "postgresql://nobody:a-password@127.0.0.1:1/nothing"
CATALOGUE = """
features:
  prompts: {name: Prompts, kind: metered, unit: prompt}
plans:
  free:
    name: Free
    default: true
    entitlements: {prompts: {limit: 10, hard: true}}
"""


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data directory for the tests of this file, each of which leaves it usable for the next."""
    with a_folder() as folder:
        yield folder / "data"


@contextmanager
def a_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def environment(**extra: str) -> dict[str, str]:
    # As a user has it: what was compiled once is read the next time.
    foreign = ("STRIPE_", "TOLLKEEPER_", "DATABASE_", "JWT_", "REDIS_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | extra


def tollkeeper(*arguments: str | Path, **extra: str) -> tuple[int, str, str]:
    return _ended(program.run(arguments, environment(**extra), folder=tempfile.gettempdir()))


def as_people_do(*arguments: str | Path) -> tuple[int, str, str]:
    """The same, by the file that people start."""
    done = subprocess.run(  # noqa: S603 - our own program
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(),
        cwd=tempfile.gettempdir(),
        timeout=120,
        check=False,
    )
    return _ended(done)


def _ended(done: "subprocess.CompletedProcess[str]") -> tuple[int, str, str]:
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def cpu_seconds(pid: int) -> float:
    """What a process and those it started have worked so far, those that have ended included."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in family)


class Serving:
    """`tollkeeper serve` on a free port."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [PROGRAM, "serve", "--port", "0", "--data-dir", data], stdout=subprocess.PIPE, text=True, env=environment()
        )
        self.output = ""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if "Ctrl-C" in line:
                break
        self.cpu_seconds = cpu_seconds(self.process.pid)
        found = re.search(r"http://127\.0\.0\.1:\d+", self.output)
        assert found, self.output
        self.url = found.group()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


def test_serving_needs_no_settings_and_the_second_start_is_quick(data: Path) -> None:
    with Serving(data) as first:
        assert httpx.get(first.url + "/health").json()["status"] == "ok"
        plans = httpx.get(first.url + "/api/plans").json()
        assert "Free" in {plan["name"] for plan in plans["data"]}
        assert "demo@tollkeeper.example / demo-password" in first.output
        code, output, _ = tollkeeper("doctor", "--data-dir", data)
        assert code == 0, output
        assert "All is well." in output
    with Serving(data) as second:
        assert httpx.get(second.url + "/health/live").status_code == 200
    # Work done rather than time passed: other tests share this machine's processors. On an idle one it takes less.
    assert second.cpu_seconds < 5, f"the second start took {second.cpu_seconds:.1f} s of processor time"


def test_commands_beside_a_live_server_share_its_database(data: Path) -> None:
    with Serving(data) as server:
        code, key, warning = tollkeeper("keys", "create-operator", "--data-dir", data)
        assert code == 0
        assert re.fullmatch(r"tk_op_\w+\n", key)
        assert "not shown again" in warning
        operator = {"Authorization": f"Bearer {key.strip()}"}
        question = {"feature": "prompts", "customer": "nobody"}
        assert httpx.post(server.url + "/api/usage/check", json=question).status_code == 401
        assert httpx.post(server.url + "/api/usage/check", json=question, headers=operator).status_code == 404


def test_an_empty_folder_is_all_that_seeding_needs() -> None:
    with a_folder() as empty:
        code, said, complaint = as_people_do("seed", "--data-dir", empty)
        assert code == 0, complaint
        assert "made the login demo@tollkeeper.example / demo-password" in said
        demo = empty / "demo.yaml"
        demo.write_text(demo_catalogue(), encoding="utf-8")
        told = as_people_do("plans", "apply", demo, "--dry-run", "--data-dir", empty)
        assert told[:2] == (0, "Nothing to change.\n"), "the demo catalogue is there"


def test_migrating_and_seeding_twice_changes_nothing(data: Path) -> None:
    assert tollkeeper("migrate", "--data-dir", data)[0] == 0
    assert tollkeeper("seed", "--data-dir", data)[0] == 0
    assert "Nothing to do" in tollkeeper("migrate", "--data-dir", data)[1]
    assert tollkeeper("seed", "--data-dir", data)[1] == "Nothing to do: it is all there.\n"


def test_a_catalogue_is_told_then_applied_and_then_stands(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text(CATALOGUE)
    told = tollkeeper("plans", "apply", file, "--dry-run", "--data-dir", data)
    assert told[0] == 0
    assert "Applied" not in told[1]
    code, output, _ = tollkeeper("plans", "apply", file, "--data-dir", data)
    assert code == 0
    *done, last = output.splitlines()
    assert sorted(done) == sorted(told[1].splitlines()), "what was told is what was done"
    assert last.startswith("Applied")
    assert tollkeeper("plans", "apply", file, "--data-dir", data)[1] == "Nothing to change.\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.yaml", None, "cannot be read: no such file"),
        ("binary.yaml", b"\xff\xfe\x00", "is not a text file"),
        ("torn.yaml", b"plans: [", "not YAML"),
        ("wrong.yaml", b"plans: {pro: {prize: 1}}", "pro"),
    ],
)
def test_a_bad_catalogue_file_is_refused_in_words(
    data: Path, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, complaint = tollkeeper("plans", "apply", tmp_path / name, "--data-dir", data)
    assert code == 1
    assert words in complaint


@pytest.mark.parametrize(
    "command", [["serve", "--port", "0"], ["worker"], ["migrate"], ["seed"], ["keys", "create-operator"]]
)
def test_a_database_that_is_down_is_said_in_words(data: Path, command: list[str]) -> None:
    code, _, complaint = tollkeeper(*command, "--data-dir", data, DATABASE_URL=NOWHERE)
    assert code == 1
    assert "database does not answer" in complaint
    assert "a-password" not in complaint


def test_the_doctor_tells_of_a_wrong_address_of_clickhouse(data: Path) -> None:
    wrong = "http://tollkeeper:a-password@127.0.0.1:1/events"
    code, output, _ = tollkeeper("doctor", "--data-dir", data, DATABASE_URL=NOWHERE, TOLLKEEPER_CLICKHOUSE_URL=wrong)
    assert code == 1
    assert "clickhouse ClickHouse at 127.0.0.1:1:" in output
    assert "Check TOLLKEEPER_CLICKHOUSE_URL" in output
    assert "a-password" not in output
    code, _, complaint = tollkeeper("doctor", "--data-dir", data, TOLLKEEPER_CLICKHOUSE_URL="clickhouse.example")
    assert code != 0
    assert "TOLLKEEPER_CLICKHOUSE_URL: not an address of the form" in complaint


def test_the_doctor_says_what_is_wrong_and_what_to_do(data: Path) -> None:
    code, output, _ = tollkeeper("doctor", "--data-dir", data, DATABASE_URL=NOWHERE)
    assert code == 1
    assert "Connection refused" in output
    assert "Check DATABASE_URL" in output


def test_production_names_every_wrong_setting_at_once(data: Path) -> None:
    code, _, complaint = tollkeeper("serve", "--data-dir", data, TOLLKEEPER_ENV="production")
    assert code == 1
    for name in ("DATABASE_URL", "JWT_SECRET", "STRIPE_SECRET_KEY", "TOLLKEEPER_PUBLIC_URL"):
        assert name in complaint


def test_a_data_directory_that_cannot_be_made_is_named() -> None:
    code, _, complaint = tollkeeper("serve", "--port", "0", "--data-dir", "/proc/nothing/data")
    assert code == 1
    assert "/proc/nothing/data cannot be written" in complaint
    assert "--data-dir" in complaint


@pytest.mark.parametrize(
    "arguments", [["serve", "--port", "x"], ["serve", "--workers", "0"], ["plans", "apply"], ["no-such-command"]]
)
def test_wrong_usage_ends_with_two(arguments: list[str]) -> None:
    code, _, complaint = as_people_do(*arguments)
    assert code == 2
    assert "Usage" in complaint
