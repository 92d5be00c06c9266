"""Brings the database's tables to what this version needs."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from tollkeeper.infra import libpq_url, metadata

from . import privileges

SCRIPTS = Path(__file__).parent / "migrations"
# Any number will do as long as it is ours alone: two processes that migrate at once take turns.
ADVISORY_LOCK = 7_463_251


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The revision this version of the program needs."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def current_revision(url: str) -> str | None:
    """The revision the database is at; None when it is empty."""
    with psycopg.connect(libpq_url(url), connect_timeout=5) as connection:
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
        return None if row is None else str(row[0])


def migrate(url: str) -> bool:
    """Bring the database to the newest revision, and its roles to what they may do; returns whether there was a need.

    `url` is the owner's. Anybody's will do where there is nothing to do.

    Raises:
        RolesMissingError: roles are missing that somebody else has to make.
        WallsDownError: the address is not the owner's.
    """
    with psycopg.connect(libpq_url(url), connect_timeout=5) as asking:
        if current_revision(url) == newest_revision() and not privileges.differences(asking):
            return False
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(libpq_url(url)), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"select pg_advisory_lock({ADVISORY_LOCK})")
        connection.commit()
        try:
            _migrate(connection)
        finally:
            connection.connection.rollback()  # the driver's own: not every statement went through SQLAlchemy
            connection.exec_driver_sql(f"select pg_advisory_unlock({ADVISORY_LOCK})")
            connection.commit()
    engine.dispose()
    return True


def _migrate(connection: Connection) -> None:
    driver: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    privileges.require_owner(driver, list(metadata.tables))
    privileges.ensure_roles(driver)
    driver.commit()
    command.upgrade(alembic_config(connection), "head")
    connection.commit()
    driver.execute("set lock_timeout = '5s'")
    privileges.arrange(driver)
    driver.commit()
