"""What must hold in the catalogue at any time."""

from tollkeeper.infra import Tx

from . import store


async def one_default_plan(tx: Tx) -> str | None:
    """Return what is wrong with the default plan, in words; None when exactly one plan is it."""
    count = len(await store.default_plan_keys(tx))
    return None if count == 1 else f"{count} plans are marked as the default one; there must be exactly one"
