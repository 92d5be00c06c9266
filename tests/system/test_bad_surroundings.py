"""The real program where something around it is wrong: a line that says what to do, exit code 1, no traceback."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import program
from live_server import LiveServer
from program import PROGRAM

SECRETS = {"JWT_SECRET": "a" * 64, "JWT_REFRESH_SECRET": "b" * 64, "TOLLKEEPER_ENCRYPTION_KEYS": "c" * 64}
RECOVERY_SECONDS = 60.0
SEEN_SECONDS = 10.0
NOBODY_ELSE: list[str] = []
# Root may write anywhere; without this capability it may do what a plain user may.
AS_PLAIN_USER = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def run(*arguments: str | Path, by: list[str] = NOBODY_ELSE, settings: dict[str, str] | None = None) -> tuple[int, str]:
    """Run the program with these settings and no others; returns its exit code and what it complained about."""
    foreign = ("STRIPE_", "TOLLKEEPER_", "DATABASE_", "JWT_", "REDIS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= settings or {}
    if by:
        command = [*by, str(PROGRAM), *map(str, arguments)]
        done = subprocess.run(  # noqa: S603 - our own program
            command, env=environment, cwd="/", capture_output=True, text=True, timeout=120, check=False
        )
    else:
        done = program.run(arguments, environment)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stderr


def test_every_wrong_setting_is_named_at_once(folder: Path) -> None:
    wrong = {
        "TOLLKEEPER_ENV": "staging",
        "TOLLKEEPER_LOG_LEVEL": "loud",
        "TOLLKEEPER_RATE_LIMITS": "perhaps",
        "DATABASE_POOL_SIZE": "1",
    }
    code, complaint = run("doctor", "--data-dir", folder / "data", settings=wrong)
    assert code == 1
    assert [name for name in wrong if name not in complaint] == []
    assert not (folder / "data").exists(), "nothing was begun"


def test_weak_and_equal_secrets_are_named(folder: Path) -> None:
    code, complaint = run("doctor", "--data-dir", folder, settings=dict.fromkeys(SECRETS, "short"))
    assert code == 1
    assert "JWT_SECRET: too weak" in complaint
    assert "JWT_REFRESH_SECRET: the same as JWT_SECRET" in complaint


def test_production_does_not_run_on_what_a_newcomer_has(folder: Path) -> None:
    newcomer = {
        "STRIPE_SECRET_KEY": "sk_test_1",
        "STRIPE_API_BASE": "http://127.0.0.1:1",
        "TOLLKEEPER_RATE_LIMITS": "off",
    }
    code, complaint = run("serve", "--data-dir", folder / "data", settings=newcomer | {"TOLLKEEPER_ENV": "production"})
    assert code == 1
    wanted = SECRETS.keys() | {"DATABASE_URL", "STRIPE_WEBHOOK_SECRET", "TOLLKEEPER_PUBLIC_URL", "SMTP_URL"}
    assert {name for name in wanted | newcomer.keys() if f"{name}:" not in complaint} == set()
    assert not (folder / "data").exists()


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["plans", "apply", "nothing.yaml"]])
@pytest.mark.parametrize("secrets", [{}, SECRETS], ids=["secrets to be made", "secrets given"])
def test_a_data_directory_of_somebody_else_is_named(folder: Path, command: list[str], secrets: dict[str, str]) -> None:
    folder.chmod(0o555)
    data = folder / "data"
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    code, complaint = run(*command, "--data-dir", data, by=AS_PLAIN_USER, settings=secrets)
    assert code == 1
    assert str(data) in complaint
    assert "cannot be written" in complaint or "cannot be created" in complaint
    assert "--data-dir" in complaint, "what to do"
    assert "database does not answer" not in complaint


def test_a_port_in_use_is_said_before_anything_is_started(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, complaint = run("serve", "--port", str(port), "--data-dir", folder / "data", settings=SECRETS)
    assert code == 1
    assert str(port) in complaint
    assert "--port" in complaint, "what to do"
    assert not (folder / "data" / "postgres").exists()


@pytest.mark.parametrize(
    "url", ["postgresql://nobody:hush@127.0.0.1:1/x", "postgresql:///x?host=/nowhere", "mysql://a:hush@b/c", "nonsense"]
)
@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"]])
def test_a_database_that_is_nowhere(folder: Path, command: list[str], url: str) -> None:
    code, complaint = run(*command, "--data-dir", folder, settings={"DATABASE_URL": url})
    assert code == 1
    assert "DATABASE_URL" in complaint or "doctor" in complaint
    assert "hush" not in complaint


@pytest.fixture
def server(folder: Path) -> Iterator[LiveServer]:
    live = LiveServer(folder / "data")
    live.start()
    yield live
    assert live.stop() == 0


def end_database(server: LiveServer, how: signal.Signals) -> None:
    os.kill(int((server.data_dir / "postgres/postmaster.pid").read_text().split()[0]), how)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_database_that_goes_away_while_serving_is_a_503_until_it_is_back(
    server: LiveServer, how: signal.Signals
) -> None:
    bearer = {"Authorization": f"Bearer {server.new_key('outage@example.com')}"}
    took = {"feature": "prompts"}
    statuses: set[int] = set()
    with httpx.Client(base_url=server.url, timeout=20) as client:

        def every_kind_of_call() -> list[httpx.Response]:
            return [
                client.get("/api/plans"),
                client.get("/api/keys", headers=bearer),
                client.post("/api/usage/track", json=took, headers=bearer),
                client.post("/api/usage/check", json=took, headers=bearer),
                client.post("/api/auth/login", json={"email": "outage@example.com", "password": "wrong wrong"}),
            ]

        admitted = sum(answer.is_success for answer in every_kind_of_call()[2:3])
        tried = 1
        end_database(server, how)
        again, deadline = time.monotonic() + SEEN_SECONDS, time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < deadline:
            if 503 not in statuses and time.monotonic() > again:  # it was back before a busy machine asked
                end_database(server, how)
                again += SEEN_SECONDS
            answers = every_kind_of_call()
            tried += 1
            admitted += answers[2].is_success
            for answer in answers:
                statuses.add(answer.status_code)
                assert answer.status_code in {200, 401, 503}, answer.text
                if answer.status_code == 503:
                    assert answer.headers["content-type"] == "application/problem+json", answer.text
                    assert answer.json()["code"] in {"database_unavailable", "outcome_unknown"}, answer.text
                    assert "retry-after" in answer.headers
            if 503 in statuses and all(answer.status_code != 503 for answer in answers):
                break
            time.sleep(0.05)
        assert 503 in statuses, "the outage was seen"
        assert [answer.status_code for answer in every_kind_of_call()] == [200, 200, 200, 200, 401], "it is over"
        used = client.post("/api/usage/check", json=took, headers=bearer).json()["used"]
        assert admitted + 1 <= used <= tried + 1, "what was admitted is there, what was refused is not"
        while (report := client.get("/health").json())["status"] != "ok" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert report["status"] == "ok", report
        assert client.get("/pricing").status_code == 200
    assert not [line for line in server.said if "Traceback" in line or "unhandled error" in line]
