"""What somebody may do in their organization."""

from uuid import UUID

from sqlalchemy import text

from tollkeeper.gate import Gate
from tollkeeper.infra import Runtime
from tollkeeper.kit import Role
from tollkeeper.orgs import suspend_organization

from .conftest import Browser


async def now_is(runtime: Runtime, role: Role) -> None:
    """Give everybody this role, and have what was read of it before forgotten."""
    async with runtime.transaction() as tx:
        await tx.connection.execute(text("update members set role = :role"), {"role": role.value})
    runtime.part(Gate).projection.clear()


async def suspended(runtime: Runtime, browser: Browser) -> None:
    """Suspend the organization whose pages this browser shows, and have what was read of it before forgotten."""
    home = (await browser.client.get("/api/auth/me")).json()["organization"]["id"]
    async with runtime.transaction() as tx:
        await suspend_organization(tx, UUID(home), "Unpaid since May")
    runtime.part(Gate).projection.clear()
