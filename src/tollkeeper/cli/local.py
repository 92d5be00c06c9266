"""What a newcomer has not set up: a database and a payment provider on this machine, found or started.

The provider is the Stripe twin, a program of its own. Whoever runs it for a data directory holds a lock there; others
with the same data directory use the one that runs.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from tollkeeper.infra import Settings
from tollkeeper.infra.embedded import EmbeddedPostgres

from .errors import ChildFailedError
from .sockets import answers, listen

TWIN_KEY = "sk_test_tollkeeper"
TWIN_SECONDS = 20.0


def needs_database(settings: Settings) -> bool:
    """Whether the database is ours to start."""
    return settings.database_url is None


def needs_twin(settings: Settings) -> bool:
    """Whether the twin is ours to start."""
    return settings.stripe_secret_key is None and settings.stripe_api_base is None


class Twin:
    """The twin of one data directory, as seen by the process that may run it."""

    def __init__(self, data_dir: Path) -> None:
        """Nothing is touched before `claim`."""
        self._folder = data_dir / "stripe_twin"
        self._lock: int | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def claim(self) -> bool:
        """Decide who runs the twin, and on which port: True when it is this process, False when one runs already.

        The port is that of the last time when it is free, so that old links to checkout pages stay good.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            self.port = self._remembered()
            return False
        self._lock = lock
        with listen("127.0.0.1", self._remembered(), fall_back=True) as listener:
            self.port = listener.getsockname()[1]
        (self._folder / "port").write_text(f"{self.port}\n")
        return True

    def release(self) -> None:
        """Let another process run it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        return [sys.executable, "-m", "stripe_twin", "--port", str(self.port), "--data", str(self._folder)]

    @property
    def log(self) -> Path:
        """Where it writes when it is started for the time of one command."""
        return self._folder / "log"

    def is_ready(self) -> bool:
        """Whether it answers."""
        return answers(self.port)

    def _remembered(self) -> int:
        try:
            port = int((self._folder / "port").read_text())
        except (OSError, ValueError):
            return 0
        return port if 0 < port < 2**16 else 0


def with_database(settings: Settings, url: str) -> Settings:
    """Return the settings with this database."""
    return settings.model_copy(update={"database_url": SecretStr(url)})


def with_twin(settings: Settings, twin: Twin) -> Settings:
    """Return the settings with the twin as provider."""
    return settings.model_copy(update={"stripe_secret_key": SecretStr(TWIN_KEY), "stripe_api_base": twin.url})


@contextmanager
def local_services(settings: Settings, *, provider: bool = False) -> Iterator[Settings]:
    """Fill in what the settings leave out, for the time of one command.

    Args:
        settings: as read.
        provider: whether the command talks to the payment provider.

    Raises:
        EmbeddedPostgresError: the database cannot be started.
        ChildFailedError: the twin cannot be started.
    """
    with ExitStack() as stack:
        if needs_database(settings):
            database = EmbeddedPostgres(settings.data_dir)
            stack.callback(database.stop)
            settings = with_database(settings, database.start())
        if provider and needs_twin(settings):
            settings = with_twin(settings, stack.enter_context(_running_twin(settings.data_dir)))
        yield settings


@contextmanager
def _running_twin(data_dir: Path) -> Iterator[Twin]:
    twin = Twin(data_dir)
    if not twin.claim():
        yield twin
        return
    with twin.log.open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            twin.command, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + TWIN_SECONDS
        while not twin.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ChildFailedError(f"The Stripe twin did not start; {twin.log} says why.")
            time.sleep(0.05)
        yield twin
    finally:
        process.terminate()
        process.wait()
        twin.release()
