"""What somebody may do in their organization."""

from sqlalchemy import text

from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import Role


async def now_is(runtime: Runtime, role: Role) -> None:
    """Give everybody this role, and have what was read of it before forgotten."""
    async with runtime.transaction() as tx:
        await tx.connection.execute(text("update members set role = :role"), {"role": role.value})
    runtime.part(Gate).projection.clear()
