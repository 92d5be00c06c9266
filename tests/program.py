"""Our program as a process of its own, which does not import for seconds what the one before it imported.

Nearly all the work of a short command is importing. Here each is forked, as `serve` forks what it is made of, from a
process that has imported the program and runs nothing of it: a process with settings, memory and an end of its own.
The file that people start (`tollkeeper`) is started as they do in tests/cli/test_commands.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO

PROGRAM = Path(sys.executable).with_name("tollkeeper")
_FORKED = get_context("forkserver")
_FORKED.set_forkserver_preload(["tollkeeper.cli.parts", "alembic.command"])


class Program:
    """A program that runs, spoken to like one that `subprocess.Popen` has started."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        output: Path,
        errors: Path | None = None,
        folder: str | Path = "/",
    ) -> None:
        """Start it.

        Args:
            arguments: what stands behind its name.
            environment: all of its environment.
            output: the file, or named pipe, it writes to.
            errors: the same for what it complains about; None is among its output.
            folder: where it runs.
        """
        self._process = _FORKED.Process(
            target=_be, args=([str(each) for each in arguments], dict(environment), folder, output, errors)
        )
        self._process.start()
        assert self._process.pid
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The code it ended with, below zero for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same, asked as `subprocess.Popen` is."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, so many seconds at most, and return its code."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(PROGRAM.name, timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)


def start(arguments: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[Program, TextIO]:
    """Start it; returns it, and what it says and complains about as it does so."""
    with tempfile.TemporaryDirectory() as kept:
        said = Path(kept) / "said"
        os.mkfifo(said)
        program = Program(arguments, environment, output=said)
        return program, said.open(encoding="utf-8")


def run(
    arguments: Sequence[str | Path], environment: Mapping[str, str], *, folder: str | Path = "/", seconds: float = 120
) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    with tempfile.TemporaryDirectory() as kept:
        output, errors = Path(kept) / "output", Path(kept) / "errors"
        program = Program(arguments, environment, output=output, errors=errors, folder=folder)
        try:
            code = program.wait(seconds)
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(arguments, code, output.read_text("utf-8"), errors.read_text("utf-8"))


def _be(
    arguments: list[str], environment: dict[str, str], folder: str | Path, output: Path, errors: Path | None
) -> None:
    """Be the program, in the process that was forked for it."""
    _write_to(output, 1)
    if errors:
        _write_to(errors, 2)
    else:
        os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [str(PROGRAM), *arguments]
    from tollkeeper.cli import main  # noqa: PLC0415 - by whom it is forked has imported it, who asks for it need not

    main()


def _write_to(path: Path, descriptor: int) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)
