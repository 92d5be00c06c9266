"""The mailbox as a process of its own, and mails on their way into it."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from tollkeeper.infra import Runtime, run_job
from tollkeeper.wiring import every_job

STOP_SECONDS = 60
ABOUT_MAILS = (
    *("notify.", "identity.send_", "orgs.sign_up", "orgs.tell_", "billing.tell_", "gate.tell_"),
    "metering.announce_",
)


class MailboxProcess:
    """The mailbox on ports of its own."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "mailbox_twin", "--port", "0", "--smtp-port", "0", "--data", str(data)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - ours
        assert self._process.stdout is not None
        found = re.search(r"(http://\S+) and (smtp://\S+)", self._process.stdout.readline())
        assert found, "the mailbox did not start"
        self.url, self.smtp_url = found[1], found[2]

    def mails(self, to: str = "") -> list[dict[str, Any]]:
        """The mails for this address, newest first; all without one."""
        answer = httpx.get(f"{self.url}/api/mails", params={"to": to}, trust_env=False)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return found

    def wipe(self) -> None:
        httpx.delete(f"{self.url}/api/mails", trust_env=False).raise_for_status()

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


@dataclass
class Post:
    """What a runtime's mails become."""

    runtime: Runtime
    box: MailboxProcess

    async def mails(self, to: str) -> list[dict[str, Any]]:
        """Have everything sent that waits, and return the mails for this address, newest first."""
        await run_waiting(self.runtime)
        return self.box.mails(to)

    async def subjects(self, to: str) -> list[str]:
        return [each["subject"] for each in await self.mails(to)]

    async def token(self, to: str) -> str:
        """The token of the newest mail's link."""
        text = (await self.mails(to))[0]["text"]
        found = re.search(r"token=([\w-]+)", text)
        assert found, text
        return found[1]


def with_post(runtime: Runtime, box: MailboxProcess) -> Post:
    """Have the runtime's mails go into this mailbox, which is emptied."""
    box.wipe()
    runtime.settings = runtime.settings.model_copy(update={"smtp_url": SecretStr(box.smtp_url)})
    return Post(runtime, box)


_NEXT = """
delete from procrastinate_jobs where id = (
    select min(id) from procrastinate_jobs where status = 'todo' and task_name = any(%s))
returning task_name, args
"""


async def run_waiting(runtime: Runtime) -> None:
    """Run the jobs about mails that wait, and those they make, in order."""
    jobs = {each.name: each for each in every_job() if each.name.startswith(ABOUT_MAILS)}
    while True:
        async with runtime.transaction() as tx:
            row = await (await (await tx.raw()).execute(_NEXT, [list(jobs)])).fetchone()
        if row is None:
            return
        name, arguments = row
        await run_job(runtime, jobs[name], **arguments)
