"""What a newcomer finds: the demo catalogue, and a login to look around with."""

from dataclasses import dataclass

import structlog

from tollkeeper import catalog, identity, metering, orgs
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
    async with runtime.transaction() as tx:
        changes = await catalog.apply(tx, catalog.read_catalogue_file(catalog.demo_catalogue()))
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
        await orgs.sign_up(tx, email=settings.demo_email, password_hash=hashed, name="Demo")
    return True
