"""A person to log in, and the one hasher of the run."""

from collections.abc import Iterator

import pytest

from tollkeeper.identity import PasswordHasher, User, register_user
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id

ORGANIZATION = new_id()


@pytest.fixture(scope="session")
def hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher()
    yield hasher
    hasher.close()


@pytest.fixture
async def ada(runtime: Runtime) -> User:
    async with runtime.transaction() as tx:
        return await register_user(tx, email="ada@example.com", password_hash=None, name="Ada")
