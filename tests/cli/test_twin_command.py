"""`tollkeeper twin stripe` is the twin itself: it says where it listens, answers, and stops when told to."""

import os
import re
import signal
import smtplib
import subprocess
from pathlib import Path

import httpx

from program import PROGRAM

from .test_commands import environment, tollkeeper


def test_the_twin_runs_by_itself(tmp_path: Path) -> None:
    command: list[str | Path] = [PROGRAM, "twin", "stripe", "--port", "0", "--data", tmp_path / "twin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path) as running:  # noqa: S603 - our own program
        assert running.stdout
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", running.stdout.readline())
        assert found
        assert httpx.get(f"{found[1]}/_twin/health").json()["service"] == "stripe_twin"
        assert "Stripe test double" in httpx.get(found[1]).text
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(15) == 0
    assert (tmp_path / "twin" / "stripe_twin.sqlite3").is_file()


def test_it_refuses_production_and_explains_itself(tmp_path: Path) -> None:
    code, _, said = tollkeeper(
        "twin", "stripe", "--port", "0", "--data", tmp_path / "twin", TOLLKEEPER_ENV="production"
    )
    assert (code, "never runs there" in said) == (2, True)
    code, said, _ = tollkeeper("twin", "--help")
    assert (code, "stripe" in said) == (0, True)


def test_the_mailbox_runs_by_itself_and_keeps_what_it_took(tmp_path: Path) -> None:
    command: list[str | Path] = [PROGRAM, "twin", "mailbox", "--port", "0", "--smtp-port", "0", "--data", tmp_path]
    for taken in (0, 1):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as running:  # noqa: S603 - our own program
            assert running.stdout
            found = re.fullmatch(
                r"listening on (http://\S+) and smtp://127\.0\.0\.1:(\d+)\n", running.stdout.readline()
            )
            assert found
            with smtplib.SMTP("127.0.0.1", int(found[2])) as server:
                server.sendmail("us@example.com", ["ada@example.com"], f"Subject: number {taken}\r\n\r\nHello\r\n")
            mails = httpx.get(f"{found[1]}/api/mails", params={"to": "ADA@example.com"}).json()["data"]
            assert [each["subject"] for each in mails] == [f"number {number}" for number in reversed(range(taken + 1))]
            os.kill(running.pid, signal.SIGTERM)
            assert running.wait(15) == 0
    assert tollkeeper("twin", "mailbox", "--port", "0", "--data", tmp_path, TOLLKEEPER_ENV="production")[0] == 2
