"""Addresses of databases as people write them, as libpq reads them."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from tollkeeper.infra import Settings, SettingsError, libpq_url, load_settings

SEVERAL = "postgresql://app:p%40ss@one.example:5432,two.example:5433/main?target_session_attrs=read-write"


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (
            "postgresql+psycopg://app:p%40ss@db.example:6432/main?sslmode=require",
            {"user": "app", "password": "p@ss", "host": "db.example", "port": "6432", "sslmode": "require"},
        ),
        (
            SEVERAL.replace("postgresql:", "postgresql+psycopg:"),
            {
                "user": "app",
                "password": "p@ss",
                "host": "one.example,two.example",
                "port": "5432,5433",
                "target_session_attrs": "read-write",
            },
        ),
        (
            "postgresql://app@/main?host=/run/one,/run/two&target_session_attrs=read-write",
            {"user": "app", "host": "/run/one,/run/two", "target_session_attrs": "read-write"},
        ),
        ("postgresql://app@/main?host=/run/with%20space", {"user": "app", "host": "/run/with space"}),
    ],
)
def test_it_means_the_same_to_libpq(url: str, meant: dict[str, str]) -> None:
    assert conninfo_to_dict(libpq_url(url)) == meant | {"dbname": "main"}


def test_several_hosts_are_an_address() -> None:
    assert Settings(DATABASE_URL=SEVERAL).database_url is not None


def test_a_wrong_port_of_any_host_is_named() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        load_settings(database_url=SEVERAL.replace("5433", "x"))
