"""A person to log in."""

import pytest

from tollkeeper.identity import User, register_user
from tollkeeper.infra import Runtime
from tollkeeper.kit import new_id

ORGANIZATION = new_id()


@pytest.fixture
async def ada(runtime: Runtime) -> User:
    async with runtime.transaction() as tx:
        return await register_user(tx, email="ada@example.com", password_hash=None, name="Ada")
