"""Use cases of the gate, and its reactions to what lower floors report."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from tollkeeper.billing import EntitlementsChanged
from tollkeeper.identity import touch_keys
from tollkeeper.infra import Runtime, Throttle, Tx, throttle_of
from tollkeeper.kit import Actor, ActorKind, NotFoundError
from tollkeeper.metering import (
    ADDITIVE,
    Consumption,
    CounterKey,
    Hold,
    Look,
    Outcome,
    Release,
    Reservation,
    ReservationState,
    Settle,
    Verdict,
    find_reservations,
    members_of,
)
from tollkeeper.orgs import OrganizationCreated, OrganizationSuspendedError
from tollkeeper.rating import Period

from . import late as late_usage
from . import rules, store
from .batch import Counters
from .model import (
    NO_ADDONS,
    Access,
    Allowance,
    Balance,
    EarlierPeriodError,
    OutsidePeriodError,
    PeriodClosedError,
    ReservationClosedError,
    ReservationNotFoundError,
    Standing,
    UnknownFeatureError,
    UnnamedCustomerError,
)
from .projection import Projection
from .rates import RateBook
from .refusing import quota_exceeded
from .repeats import repeated

log = structlog.get_logger(__name__)

KEY_USE_SECONDS = 5.0
EXPIRY_SECONDS = 1.0
LONGEST_PERIOD = timedelta(days=366)
_BEFORE_ALL = "`at` lies before the organization was made."
KEYS = frozenset({ActorKind.API_KEY, ActorKind.OPERATOR_KEY})


async def on_organization_created(tx: Tx, event: OrganizationCreated) -> None:
    """A new organization starts on the default plan, its months counted from now."""
    await store.insert_standing(tx, Standing(event.organization_id, event.created_at))
    await tx.changed("organization", event.organization_id)


async def on_entitlements_changed(tx: Tx, event: EntitlementsChanged) -> None:
    """What an organization bought changed; every worker hears of it with the commit."""
    bought = None
    if event.plan is not None and event.period_start is not None and event.period_end is not None:
        bought = Period(event.period_start, event.period_end)
    plan, addons = (event.plan, event.addons) if bought else (None, NO_ADDONS)
    await store.set_bought(tx, event.organization_id, plan, bought, addons)
    await store.note_past(tx, event.organization_id)
    await tx.changed("organization", event.organization_id)


class Gate:
    """The hot path of one process: who calls, what may be used, what was used."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.projection = Projection(runtime)
        self.counters = Counters(runtime)
        self.rates = RateBook(runtime.settings)
        redis = runtime.settings.redis_url
        self.throttle: Throttle = throttle_of(redis.get_secret_value() if redis else None)
        self._key_uses: dict[UUID, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen for changes and to write down key uses."""
        self._tasks = [
            await self.projection.start(),
            asyncio.create_task(self._write_key_uses()),
            asyncio.create_task(self._give_up_expired()),
        ]

    async def close(self) -> None:
        """Answer everything that waits, write down what is left, let go of the database."""
        for task in self._tasks:  # before the connections, which these would open again
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.counters.close()
        await self._flush_key_uses()
        await asyncio.gather(self.throttle.close(), self.projection.close())

    async def organization_of(self, actor: Actor, customer: str | None) -> UUID:
        """Return the organization a call acts for.

        Raises:
            NotFoundError: the customer named does not exist, or is not the caller's own.
        """
        if actor.is_operator:
            if customer is None:
                raise UnnamedCustomerError
            return await self.projection.customer(customer)
        own = actor.own_organization()
        if customer is not None and customer != str(own) and await self._customer_or_none(customer) != own:
            raise NotFoundError(f"There is no customer {customer!r}.")
        return own

    async def _customer_or_none(self, customer: str) -> UUID | None:
        try:
            return await self.projection.customer(customer)
        except NotFoundError:
            return None

    async def access(self, organization_id: UUID) -> Access:
        """Return what an organization may use."""
        return self.projection.access_at_hand(organization_id) or await self.projection.access(organization_id)

    async def to_use(self, actor: Actor, customer: str | None) -> Access:
        """Return what the organization a call acts for may use, for a call that uses something.

        Raises:
            NotFoundError: the customer named does not exist, or is not the caller's own.
            OrganizationSuspendedError: it may use nothing.
        """
        access = await self.access(await self.organization_of(actor, customer))
        if access.standing.suspended:
            raise OrganizationSuspendedError
        return access

    async def take(
        self,
        actor: Actor,
        access: Access,
        feature: str,
        count: int,
        *,
        key: str | None,
        at: datetime | None,
        member: UUID | None = None,
    ) -> Balance:
        """Take `count` from a feature: decided exactly, on disk when this returns.

        Args:
            actor: who reports it.
            access: what its organization may use.
            feature: key of a metered feature.
            count: at least 1.
            key: recognises a repeat; a repeated one takes nothing and answers the present balance.
            at: when it happened; None is now. In an earlier period it counts there, by what might be used then.
            member: whose usage it is; None is the caller's own, if that is known.

        Raises:
            QuotaExceededError: a hard limit would be passed, and credits do not suffice; nothing was recorded.
            PeriodClosedError: it happened in a period that is closed, and was not recorded before.
            NeedsEventsError: the feature counts values, not numbers.
        """
        access, late = await self.measured_by(access, feature, at)
        try:
            allowance, period, wanted = self.consumption(
                actor, access, feature, count, key=key, at=at, late=late, member=member
            )
        except PeriodClosedError:
            if at is None or not await repeated(self._runtime, [(access, feature, key)]):
                raise
            return await self._look(access, *self.counter(access, feature, at), rules.member_of(actor, member))
        rules.must_be_counted_by_number(allowance)
        outcome = await self.counters.consuming.submit(wanted)
        balance = rules.balance_after(allowance, period, outcome, wanted.member_id)
        if outcome.verdict is Verdict.REFUSED:
            raise quota_exceeded(access, balance, count, of_member=outcome.of_member)
        return balance

    async def measured_by(self, access: Access, feature: str, at: datetime | None) -> tuple[Access, bool]:
        """Return by what usage of this moment is measured: what may be used now, or might in its earlier period (late).

        Raises:
            OutsidePeriodError: it lies in no period of the organization's; nobody has to reckon with the year 1.
        """
        if at is None or at >= self.counter(access, feature, self._runtime.clock.now())[1].start:
            return access, False
        if at < access.standing.anchor - LONGEST_PERIOD:
            raise OutsidePeriodError(_BEFORE_ALL)
        return late_usage.access_at(await self.projection.past(access.standing.organization_id), at), True

    def consumption(
        self,
        actor: Actor,
        access: Access,
        feature: str,
        count: int,
        *,
        key: str | None,
        at: datetime | None,
        late: bool = False,
        member: UUID | None = None,
    ) -> tuple[Allowance, Period, Consumption]:
        """Return what `take` would submit, with the allowance and the period it counts in; arguments as there.

        `access` and `late` as `measured_by` says.

        Raises:
            EarlierPeriodError: it is late, which was not said.
            PeriodClosedError: it is late, and its period takes nothing more.
        """
        now = self._runtime.clock.now()
        allowance, period, counter = self.counter(access, feature, at if late and at else now)
        # The provider's clock starts periods and may be ahead of ours; what happens now belongs to the new one.
        happened = at or max(now, period.start)
        if at is not None and happened > now + rules.CLOCK_SKEW:
            raise OutsidePeriodError(f"`at` lies after now, which is {now.isoformat()}.")
        if late and period.end <= access.standing.anchor:
            raise OutsidePeriodError(_BEFORE_ALL)
        if late:
            late_usage.must_be_open(period, now, self._runtime.settings.late_for)
        elif happened < period.start:
            raise EarlierPeriodError(f"`at` lies before {period.start.isoformat()}.")
        by, who = allowance.aggregation, rules.member_of(actor, member)
        terms = rules.terms_of(access, allowance, period, undated=at is None)
        like = (counter, count, allowance.bound, happened, key, actor.credential_id, by, None, None, who, terms)
        return allowance, period, Consumption(*like)

    async def ask(
        self, actor: Actor, access: Access, feature: str, count: int, *, member: UUID | None = None
    ) -> tuple[bool, Balance]:
        """Whether `count` more may be taken right now, and the balance; records nothing."""
        who = rules.member_of(actor, member)
        allowance, period, counter = self.counter(access, feature, self._runtime.clock.now())
        if allowance.is_plain:
            balance = rules.balance_of(allowance, period, await self.counters.checking.submit(counter))
            if rules.admits(balance, count):
                return True, balance
        balance = await self._look(access, allowance, period, counter, who)
        return rules.admits(balance, count), balance

    async def _look(
        self, access: Access, allowance: Allowance, period: Period, counter: CounterKey, who: UUID | None
    ) -> Balance:
        """Where a feature stands with all that bears on it beside the limit."""
        look = Look(counter, rules.terms_of(access, allowance, period, undated=True), rules.counted_for(allowance, who))
        return rules.balance_seen(allowance, period, await self.counters.looking.submit(look), who)

    async def reserve(
        self,
        actor: Actor,
        access: Access,
        feature: str,
        count: int,
        *,
        ttl: timedelta,
        key: str | None,
        member: UUID | None = None,
    ) -> tuple[Reservation, Balance]:
        """Set `count` aside for `ttl`, decided as exactly as if it were taken.

        The same idempotency key answers the same reservation, whatever became of it.

        Raises:
            QuotaExceededError: a hard limit would be passed; nothing was set aside.
            UnknownFeatureError: there is no such metered feature, or its meter does not add up.
        """
        now = self._runtime.clock.now()
        allowance, period, counter = self.counter(access, feature, now)
        if allowance.aggregation not in ADDITIVE:
            raise UnknownFeatureError(f"{feature!r} is not counted by adding up; it cannot be reserved.")
        who, terms = rules.member_of(actor, member), rules.terms_of(access, allowance, period, undated=True)
        wanted = Hold(counter, count, allowance.bound, now + ttl, key, actor.credential_id, who, terms)
        outcome = await self.counters.consuming.submit(wanted)
        balance = rules.balance_after(allowance, period, outcome, who)
        if outcome.reservation is None:
            raise quota_exceeded(access, balance, count, of_member=outcome.of_member)
        return outcome.reservation, balance

    async def settle(self, actor: Actor, access: Access, found: Reservation, count: int) -> tuple[Reservation, Balance]:
        """Count what was really used in place of what was held; a second time with the same count changes nothing.

        Raises:
            QuotaExceededError: more was used than held, and the rest does not fit; the reservation stays as it is.
            ReservationClosedError: it was released, or settled with another count.
            PeriodClosedError: it expired, and its period takes no usage any more.
        """
        allowance, period = self._of_meter(access, found)
        now = max(self._runtime.clock.now(), found.counter.period_start)
        if count and found.state is ReservationState.EXPIRED:
            late_usage.must_be_open(period, now, self._runtime.settings.late_for)
        by, terms = allowance.aggregation, rules.terms_of(access, allowance, period, undated=True)
        like = (found.counter, count, allowance.bound, now, None, actor.credential_id, by, None, None, found.member_id)
        outcome = await self.counters.consuming.submit(Settle(found.id, Consumption(*like, terms)))
        balance = rules.balance_after(allowance, period, outcome, found.member_id)
        if outcome.verdict is Verdict.REFUSED:
            raise quota_exceeded(access, balance, count, of_member=outcome.of_member)
        return self._closed(outcome), balance

    async def release(self, access: Access, found: Reservation) -> tuple[Reservation, Balance]:
        """Give back what was held; a second time changes nothing.

        Raises:
            ReservationClosedError: it was settled.
        """
        allowance, period = self._of_meter(access, found)
        outcome = await self.counters.consuming.submit(Release(found.id, found.counter))
        return self._closed(outcome), rules.balance_after(allowance, period, outcome, found.member_id)

    def _of_meter(self, access: Access, found: Reservation) -> tuple[Allowance, Period]:
        """Return the allowance that holds a reservation, and the period it counts in, which may be over."""
        meter_id, start = found.counter.meter_id, found.counter.period_start
        allowance = next(each for each in access.allowances.values() if each.meter_id == meter_id)
        if allowance.window is not None:
            return allowance, rules.window_at(allowance.window, self._runtime.clock.now())
        return allowance, rules.period_of(access.standing, allowance.period, start)

    @staticmethod
    def _closed(outcome: Outcome) -> Reservation:
        if outcome.reservation is None:
            raise ReservationNotFoundError
        if outcome.verdict is Verdict.GONE:
            raise ReservationClosedError(state=outcome.reservation.state.value)
        return outcome.reservation

    async def find_reservation(self, organization_id: UUID, reservation_id: UUID) -> Reservation:
        """Return one of the organization's reservations.

        Raises:
            ReservationNotFoundError: there is none of this id, or it is another organization's.
        """
        async with self._runtime.transaction() as tx:
            found = (await find_reservations(await tx.raw(), [reservation_id])).get(reservation_id)
        if found is None or found.counter.organization_id != organization_id:
            raise ReservationNotFoundError
        return found

    async def members(
        self, access: Access, feature: str, *, most: int, only: UUID | None = None
    ) -> tuple[Allowance, Period, list[tuple[UUID, int, datetime]]]:
        """Who used how much of a feature in its present period, the most first, and when last; `most` at most.

        `only`: of one member; None: of all.
        """
        now = self._runtime.clock.now()
        allowance, period, counter = self.counter(access, feature, now)
        async with self._runtime.transaction() as tx:
            return allowance, period, await members_of(await tx.raw(), counter, now, most=most, only=only)

    async def balances(self, access: Access, member: UUID | None = None) -> list[Balance]:
        """Where every metered feature stands in its current period, and what credits have left; and that member."""
        now = self._runtime.clock.now()
        counters = [self.counter(access, feature, now) for feature in access.allowances]
        return await asyncio.gather(*(self._look(access, *each, member) for each in counters))

    def counter(self, access: Access, feature: str, now: datetime) -> tuple[Allowance, Period, CounterKey]:
        """Return what is allowed of a feature, its present period, and the counter of that."""
        allowance = access.allowances.get(feature)
        if allowance is None:
            raise UnknownFeatureError(f"There is no metered feature {feature!r}.", feature=feature)
        period, counter = rules.counter_of(access, allowance, now)
        return allowance, period, counter

    def note_key_use(self, actor: Actor) -> None:
        """Remember that a key was used; written down every few seconds with the time of then, for display only."""
        if actor.credential_id is not None and actor.kind in KEYS:
            self._key_uses[actor.credential_id] = self._key_uses.get(actor.credential_id, 0) + 1

    async def _give_up_expired(self) -> None:
        """Tidy up: calls do not wait for it, since admission gives up what has expired by itself."""
        while True:
            await asyncio.sleep(EXPIRY_SECONDS)
            try:
                await self.counters.give_up_expired()
            except Exception as error:  # noqa: BLE001 - tried again in a moment
                log.warning("expired reservations were not closed", error=str(error).strip())

    async def _write_key_uses(self) -> None:
        while True:
            await asyncio.sleep(KEY_USE_SECONDS)
            await self._flush_key_uses()

    async def _flush_key_uses(self) -> None:
        uses, self._key_uses = self._key_uses, {}
        if not uses:
            return
        try:
            async with self._runtime.transaction(of_all=True) as tx:
                await touch_keys(tx, {key: (count, tx.now) for key, count in uses.items()})
        except Exception as error:  # noqa: BLE001 - a missed "last used" must not end the loop
            log.warning("key uses were not written down", error=str(error).strip())
