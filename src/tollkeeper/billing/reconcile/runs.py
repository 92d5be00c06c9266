"""Going through a whole account, a transaction per page, and going on where it was stopped."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from tollkeeper.billing.provider import account_of, lists_of, provider_transaction
from tollkeeper.infra import Runtime

from . import service, store
from .comparing import compare_ours, compare_theirs
from .model import Difference, Progress, Stage

ORDER = tuple(Stage)
BATCH = 100


@dataclass(frozen=True, slots=True)
class Compared:
    """One page: how far the run has come with it, and what differed."""

    progress: Progress
    differences: Sequence[Difference]


async def reconcile(runtime: Runtime, *, fix: bool) -> AsyncIterator[Compared]:
    """Compare everything at the provider with the mirror, and with `fix` mend what differs.

    Stopped at any moment it goes on from the last page the next time it is asked for the same.

    Raises:
        ProviderUnavailableError: the provider does not answer; the run can be gone on with.
    """
    account, run = account_of(runtime), "fix" if fix else "compare"
    async with runtime.transaction() as tx:
        progress: Progress | None = await store.load_progress(tx, account, run) or Progress()
    seen: set[str] = set()
    while progress is not None:
        done, differences, after = await _page(runtime, progress, seen)
        if fix:
            for each in differences:
                async with provider_transaction(runtime) as tx:
                    await service.mend(tx, each)
        compared = replace(progress, compared=progress.compared + done, differing=progress.differing + len(differences))
        progress = _next(compared, after)
        async with runtime.transaction() as tx:
            if progress is None:
                await store.forget_progress(tx, account, run)
            else:
                await store.save_progress(tx, account, run, progress)
        yield Compared(compared, differences)


async def _page(runtime: Runtime, progress: Progress, seen: set[str]) -> tuple[int, list[Difference], str | None]:
    """Return how many were compared, what differs, and where the next page of this stage begins."""
    stage = progress.stage
    lists = lists_of(runtime)
    theirs: Mapping[Stage, Any] = {
        Stage.CUSTOMERS: lists.customers,
        Stage.SUBSCRIPTIONS: lists.subscriptions,
        Stage.INVOICES: lists.invoices,
        Stage.CREDIT_NOTES: lists.credit_notes,
        Stage.PAYMENTS: lists.payments,
        Stage.REFUNDS: lists.refunds,
        Stage.DISPUTES: lists.disputes,
    }
    if stage in theirs:
        page = await theirs[stage](progress.after or None)
        seen.update(getattr(each, "state", each).id for each in page.items)
        async with runtime.transaction() as tx:
            return len(page.items), await compare_theirs(tx, stage, page), page.last
    async with provider_transaction(runtime) as tx:
        ids = await store.mirrored(tx, account_of(runtime), stage, progress.after, limit=BATCH)
        unseen = [each for each in ids if each not in seen]
        found = await compare_ours(tx, stage, unseen)
        return len(unseen), found, ids[-1] if ids else None


def _next(progress: Progress, after: str | None) -> Progress | None:
    if after is not None:
        return replace(progress, after=after)
    follow = dict(pairwise(ORDER)).get(progress.stage)
    return None if follow is None else replace(progress, stage=follow, after="")
