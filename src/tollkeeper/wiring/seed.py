"""What a newcomer finds: the demo catalogue, and a login to look around with."""

from dataclasses import dataclass

import structlog

from tollkeeper import catalog, identity, metering, orgs
from tollkeeper.identity import staff
from tollkeeper.infra import Runtime, load_clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What seeding did. Empty and False mean that it was there already."""

    changes: list[str]
    made_login: bool


async def prepare(runtime: Runtime) -> None:
    """Make ready what a migrated database needs before it serves: partitions for this and the coming months."""
    await load_clock(runtime)
    async with runtime.transaction() as tx:
        await metering.prepare_partitions(tx)


async def seed(runtime: Runtime) -> Seeded:
    """Apply the demo catalogue and make the demo login; run twice, it changes nothing."""
    await prepare(runtime)  # who is made takes a seat, which is an event
    async with runtime.transaction() as tx:
        source = catalog.demo_catalogue()
        changes = await catalog.apply(tx, catalog.read_catalogue_file(source), source=source)
    return Seeded([str(change) for change in changes], await _make_login(runtime))


async def is_empty(runtime: Runtime) -> bool:
    """Whether no catalogue has been applied yet."""
    async with runtime.transaction() as tx:
        return not (await catalog.load_catalogue(tx)).plans


async def _make_login(runtime: Runtime) -> bool:
    settings = runtime.settings
    async with runtime.transaction() as tx:
        if await identity.find_credentials(tx, settings.demo_email):
            return False
    hashed = await runtime.part(identity.PasswordHasher).hash(settings.demo_password)
    async with runtime.transaction() as tx:
        made = await orgs.sign_up(tx, email=settings.demo_email, password_hash=hashed, name="Demo", is_verified=True)
        if not settings.is_production:  # a newcomer looks around in the admin, too
            await staff.set_staff(tx, made.user, staff.StaffRole.ADMIN)
    return True
