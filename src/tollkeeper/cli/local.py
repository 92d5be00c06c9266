"""What a newcomer has not set up: a database, payments and mail on this machine, found or started."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pydantic import SecretStr
from sqlalchemy.engine import make_url

from tollkeeper.infra import APP_ROLE, Settings
from tollkeeper.infra.embedded import EmbeddedPostgres

from .errors import ChildFailedError
from .standins import StandIn, needed_stand_ins

START_SECONDS = 20.0


def needs_database(settings: Settings) -> bool:
    """Whether the database is ours to start."""
    return settings.database_url is None


def with_database(settings: Settings, url: str) -> Settings:
    """Return the settings with this embedded database: its owner migrates it, and the application logs in as itself."""
    application = make_url(url).set(username=APP_ROLE).render_as_string(hide_password=False)
    return settings.model_copy(
        update={"database_url": SecretStr(application), "database_owner_url": SecretStr(url)},
    )


@contextmanager
def local_services(settings: Settings, *, provider: bool = False) -> Iterator[Settings]:
    """Fill in what the settings leave out, for the time of one command.

    Args:
        settings: as read.
        provider: whether the command talks to the payment provider, or runs jobs that send mails.

    Raises:
        EmbeddedPostgresError: the database cannot be started.
        ChildFailedError: a stand-in cannot be started.
    """
    with ExitStack() as stack:
        if needs_database(settings):
            database = EmbeddedPostgres(settings.data_dir)
            stack.callback(database.stop)
            settings = with_database(settings, database.start())
        for stand_in in _running(stack, settings) if provider else ():
            settings = stand_in.fill_in(settings)
        yield settings


def _running(stack: ExitStack, settings: Settings) -> list[StandIn]:
    """Have every stand-in run that is needed, until the stack is left; they start side by side."""
    found = needed_stand_ins(settings)
    started = [(each, stack.enter_context(_started(each))) for each in found if each.claim()]
    deadline = time.monotonic() + START_SECONDS
    for stand_in, process in started:
        while not stand_in.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ChildFailedError(f"{stand_in.name.capitalize()} did not start; {stand_in.log} says why.")
            time.sleep(0.05)
    return found


@contextmanager
def _started(stand_in: StandIn) -> Iterator["subprocess.Popen[bytes]"]:
    with stand_in.log.open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            stand_in.command, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        stand_in.release()
