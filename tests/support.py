"""What several test folders share and no fixture is needed for."""

from datetime import UTC, datetime

import psycopg
from psycopg import sql

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""Where the clock of every test stands at first."""


def make_database(server_url: str, name: str) -> str:
    """Create an empty database (dropping an old one) and return its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return server_url.replace("/tollkeeper?", f"/{name}?")
