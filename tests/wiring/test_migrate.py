"""Migrations and tables are the same thing said twice; both directions work."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect

from support import make_database
from tollkeeper.infra import metadata
from tollkeeper.wiring import alembic_config, current_revision, migrate, newest_revision


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def test_all_migrations_together_make_the_tables_as_declared(postgres_url: str, worker_id: str) -> None:
    url = make_database(postgres_url, f"migrate_{worker_id}")
    assert current_revision(url) is None
    assert migrate(url)
    assert not migrate(url)
    assert current_revision(url) == newest_revision()
    engine = engine_of(url)
    with engine.connect() as connection:
        command.check(alembic_config(connection))
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    assert {table.name for table in metadata.sorted_tables} <= names
    assert "procrastinate_jobs" in names


def test_the_check_sees_a_missing_column(postgres_url: str, worker_id: str) -> None:
    url = make_database(postgres_url, f"drift_{worker_id}")
    migrate(url)
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table meters drop column unit")
        assert compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()


def test_going_back_leaves_nothing_and_forth_again_works(postgres_url: str, worker_id: str) -> None:
    url = make_database(postgres_url, f"back_{worker_id}")
    migrate(url)
    engine = engine_of(url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "base")
        connection.commit()
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()
    assert migrate(url)
