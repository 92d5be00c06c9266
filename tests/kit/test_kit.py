"""Money is exact and says itself; actors may what their permissions say; errors name everything."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.kit import (
    ROLE_PERMISSIONS,
    Actor,
    ActorKind,
    FieldProblem,
    ForbiddenError,
    InvalidInputError,
    Money,
    NotFoundError,
    Permission,
    Role,
    UnauthenticatedError,
    id_or,
    new_id,
    parse_id,
)


@pytest.mark.parametrize(
    ("money", "words"),
    [
        (Money(2000, "usd"), "20.00 USD"),
        (Money(-5, "eur"), "-0.05 EUR"),
        (Money(1234567, "jpy"), "1,234,567 JPY"),
        (Money(1234, "kwd"), "1.234 KWD"),
    ],
)
def test_money_is_written_by_its_currency(money: Money, words: str) -> None:
    assert str(money) == words


@given(st.integers(), st.integers())
def test_money_adds_exactly(left: int, right: int) -> None:
    total = Money(left, "usd") + Money(right, "usd")
    assert total - Money(right, "usd") == Money(left, "usd")
    assert total + (-total) == Money(0, "usd")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix usd and eur"):
        Money(1, "usd") + Money(1, "eur")


def test_an_actor_may_what_it_holds() -> None:
    viewer = Actor(ActorKind.SESSION, ROLE_PERMISSIONS[Role.VIEWER], organization_id=UUID(int=1))
    viewer.must(Permission.USAGE_READ)
    with pytest.raises(ForbiddenError, match="keys:manage"):
        viewer.must(Permission.KEYS_MANAGE)


def test_only_operators_have_no_organization_of_their_own() -> None:
    operator = Actor(ActorKind.OPERATOR_KEY, frozenset(Permission))
    assert operator.is_operator
    with pytest.raises(UnauthenticatedError):
        operator.own_organization()


def test_no_role_may_verify_the_keys_of_others() -> None:
    assert all(Permission.KEYS_VERIFY not in held for held in ROLE_PERMISSIONS.values())


def test_every_field_problem_is_named() -> None:
    error = InvalidInputError([FieldProblem("a", "too long"), FieldProblem("b.0", "missing", "missing")])
    assert error.detail == "a: too long; b.0: missing"
    assert error.extra["errors"][1] == {"field": "b.0", "message": "missing", "code": "missing"}


def test_ids_sort_by_time_and_parse() -> None:
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert parse_id(str(ids[0])) == ids[0]
    assert parse_id("nonsense") is None


def test_what_is_no_id_names_nothing_there_is() -> None:
    class ThingNotFoundError(NotFoundError):
        pass

    ident = new_id()
    assert id_or(str(ident), ThingNotFoundError) == ident
    with pytest.raises(ThingNotFoundError):
        id_or("nonsense", ThingNotFoundError)
