"""Security events are counted, and what anybody can cause does not fill the trail."""

from datetime import timedelta

from prometheus_client import REGISTRY

from support import START
from tollkeeper.infra import Runtime, Sparingly, problem_response
from tollkeeper.kit import ForbiddenError, NotFoundError


def counted(event: str) -> float:
    return REGISTRY.get_sample_value("tollkeeper_security_events_total", {"event": event}) or 0.0


async def test_acts_about_rights_are_counted_and_others_not(runtime: Runtime) -> None:
    before = counted("role.created"), counted("checkout.opened")
    async with runtime.transaction() as tx:
        await tx.record("role.created", target=("role", 1))
        await tx.record("checkout.opened", target=("checkout", 1))
    assert (counted("role.created"), counted("checkout.opened")) == (before[0] + 1, before[1])


def test_refusals_are_counted_by_their_code() -> None:
    before = counted("forbidden"), counted("not_found")
    problem_response(ForbiddenError(), "")
    problem_response(NotFoundError(), "")
    assert (counted("forbidden"), counted("not_found")) == (before[0] + 1, before[1])


def test_one_of_a_kind_a_minute() -> None:
    sparingly = Sparingly()
    assert sparingly.allows("a", START)
    assert sparingly.allows("b", START)
    assert not sparingly.allows("a", START + timedelta(seconds=59))
    assert sparingly.allows("a", START + timedelta(seconds=60))
    assert sparingly.allows("a", START), "the clock was set back"
