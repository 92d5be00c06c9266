"""Programs that stand in for other people's services on this machine: payments, mail, signing in elsewhere.

Whoever runs one for a data directory holds a lock there; others with the same data directory use the one that runs.
"""

import fcntl
import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from tollkeeper.infra import Settings, SignInProvider

from .sockets import answers, listen

STRIPE_KEY = "sk_test_tollkeeper"
IDENTITY_CLIENT = "tollkeeper"


class StandIn(ABC):
    """The stand-in of one data directory, as seen by the process that may run it."""

    name: ClassVar[str]
    """As people read it."""
    title: ClassVar[str]
    """What it does, in a word."""
    remark: ClassVar[str]
    """What it is, and how to have the real thing."""
    program: ClassVar[str]
    """The package that is run, and the folder it keeps its state in."""
    doors: ClassVar[tuple[str, ...]] = ("--port",)
    """The options that take its ports. The first is that of its pages."""

    def __init__(self, data_dir: Path) -> None:
        """Nothing is touched before `claim`."""
        self._folder = data_dir / self.program
        self._lock: int | None = None
        self.ports = [0 for _ in self.doors]

    @staticmethod
    @abstractmethod
    def is_needed(settings: Settings) -> bool:
        """Whether the settings leave the service out."""

    @abstractmethod
    def fill_in(self, settings: Settings) -> Settings:
        """Return the settings with this in the service's place; it has been claimed."""

    @property
    def port(self) -> int:
        """Where its pages are."""
        return self.ports[0]

    @property
    def url(self) -> str:
        """The address of its pages."""
        return f"http://127.0.0.1:{self.port}"

    def claim(self) -> bool:
        """Decide who runs it, and on which ports: True when it is this process, False when one runs already.

        The ports are those of the last time when they are free, so that old links to its pages stay good.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            self.ports = self._remembered()
            return False
        self._lock = lock
        listeners = [listen("127.0.0.1", port, fall_back=True) for port in self._remembered()]
        self.ports = [listener.getsockname()[1] for listener in listeners]
        for listener in listeners:
            listener.close()
        (self._folder / "port").write_text(" ".join(map(str, self.ports)) + "\n")
        return True

    def release(self) -> None:
        """Let another process run it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        where = [word for door, port in zip(self.doors, self.ports, strict=True) for word in (door, str(port))]
        return [sys.executable, "-m", self.program, *where, "--data", str(self._folder)]

    @property
    def log(self) -> Path:
        """Where it writes when it is started for the time of one command."""
        return self._folder / "log"

    def is_ready(self) -> bool:
        """Whether it answers."""
        return answers(self.port)

    def _remembered(self) -> list[int]:
        try:
            ports = [int(word) for word in (self._folder / "port").read_text().split()]
        except (OSError, ValueError):
            ports = []
        good = len(ports) == len(self.doors) and all(0 < port < 2**16 for port in ports)
        return ports if good else [0 for _ in self.doors]


class StripeTwin(StandIn):
    """Payments."""

    name = "the Stripe twin"
    title = "Payments"
    remark = "Stripe twin; set STRIPE_SECRET_KEY for Stripe itself"
    program = "stripe_twin"

    @staticmethod
    def is_needed(settings: Settings) -> bool:
        """Whether neither Stripe nor a look-alike is set."""
        return settings.stripe_secret_key is None and settings.stripe_api_base is None

    def fill_in(self, settings: Settings) -> Settings:
        """Have the twin for a provider."""
        return settings.model_copy(update={"stripe_secret_key": SecretStr(STRIPE_KEY), "stripe_api_base": self.url})


class MailboxTwin(StandIn):
    """Mail."""

    name = "the mailbox"
    title = "Mails"
    remark = "mailbox; set SMTP_URL for a mail server"
    program = "mailbox_twin"
    doors = ("--port", "--smtp-port")

    @staticmethod
    def is_needed(settings: Settings) -> bool:
        """Whether no mail server is set."""
        return settings.smtp_url is None

    def fill_in(self, settings: Settings) -> Settings:
        """Have mails go into the mailbox."""
        smtp = SecretStr(f"smtp://127.0.0.1:{self.ports[1]}")
        return settings.model_copy(update={"smtp_url": smtp, "mailbox_url": settings.mailbox_url or self.url})


class IdentityTwin(StandIn):
    """Signing in elsewhere."""

    name = "the identity provider"
    title = "Sign-in"
    remark = "identity provider that believes everybody; set TOLLKEEPER_SIGN_IN for real ones"
    program = "identity_twin"

    @staticmethod
    def is_needed(settings: Settings) -> bool:
        """Whether nobody vouches for people."""
        return not settings.sign_in and not settings.is_production

    def fill_in(self, settings: Settings) -> Settings:
        """Have people sign in with it."""
        demo = SignInProvider(
            key="demo",
            title="the demo provider",
            issuer=self.url,
            client_id=IDENTITY_CLIENT,
            client_secret=SecretStr(f"secret-of-{IDENTITY_CLIENT}"),
        )
        return settings.model_copy(update={"sign_in": [demo]})


EVERY_STAND_IN: tuple[type[StandIn], ...] = (StripeTwin, MailboxTwin, IdentityTwin)


def needed_stand_ins(settings: Settings) -> list[StandIn]:
    """Return a stand-in for each service the settings leave out; production leaves none out."""
    return [kind(settings.data_dir) for kind in EVERY_STAND_IN if kind.is_needed(settings)]
