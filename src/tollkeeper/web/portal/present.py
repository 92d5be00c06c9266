"""Where an organization stands at this moment, as the overview and the usage page show it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from fastapi import Request

from tollkeeper.billing import SoFar, Status, so_far
from tollkeeper.catalog import Catalogue
from tollkeeper.gate import Access, Balance, Split, gate_of, usage_history
from tollkeeper.infra import Tx
from tollkeeper.metering import ADDITIVE, more_wait

from .views import FeatureUsage, Series, Span, before, series_of, usage_lines, window

MOST_WAITING = 50_000
"""So many events, of everybody, are summed for a page beside what is rolled up: what comes in within seconds."""


@dataclass(frozen=True, slots=True)
class Present:
    """Where every metered feature stands, and what usage beyond limits costs so far."""

    access: Access
    balances: tuple[Balance, ...]
    beyond: tuple[SoFar, ...] = ()

    def lines(self, catalogue: Catalogue, now: datetime) -> list[FeatureUsage]:
        """Return it as the pages show it."""
        begun = self.access.standing.anchor
        return usage_lines(self.balances, catalogue.features, self.beyond, begun=begun, now=now)

    def of(self, feature: str) -> Balance:
        """Return where one feature stands."""
        return next(each for each in self.balances if each.allowance.feature == feature)

    @property
    def is_used(self) -> bool:
        """Whether a call was counted; seats and the like stand somewhere from the beginning."""
        return any(each.used for each in self.balances if each.allowance.aggregation in ADDITIVE)

    @property
    def may_cost(self) -> bool:
        """Whether something is beyond a soft limit, so that it may have to be paid for."""
        return any(each.limit is not None and each.used > each.limit for each in self.balances)


async def present_of(request: Request, organization_id: UUID) -> Present:
    """Ask the gate where an organization stands.

    Pages do so before their own transaction opens: one that held a connection while it waits for another one could
    starve itself.
    """
    gate = gate_of(request)
    access = await gate.access(organization_id)
    return Present(access, tuple(await gate.balances(access)))


async def with_costs(tx: Tx, present: Present, standing: Status) -> Present:
    """Add what usage beyond limits costs; asked for only where there may be some."""
    if standing.subscription is None or not present.may_cost:
        return present
    return replace(present, beyond=tuple(await so_far(tx, standing.subscription)))


async def series_for(tx: Tx, access: Access, catalogue: Catalogue, feature: str, span: Span) -> Series | None:
    """Return the history of a feature; None when the plan meters nothing.

    What the span before came to goes with it, for who was a customer all that time. While very much is recorded that
    is not summed up yet, the newest usage is left out and the series says so: a page is never slow for it.
    """
    if not feature:
        return None
    is_behind = await more_wait(tx, MOST_WAITING)
    period = window(span, tx.now)
    both = before(period)
    asked = both if access.standing.anchor <= both.start else period
    points = await usage_history(tx, access, feature, asked, Split(span.bucket.value), only_rolled_up=is_behind)
    return replace(series_of(catalogue.features[feature], span, period, points), is_behind=is_behind)
