"""Reading the catalogue file: every mistake at once, each with its line."""

import pytest

from tollkeeper.catalog import CatalogueFileError, demo_catalogue, read_catalogue_file
from tollkeeper.metering import Aggregation
from tollkeeper.rating import Interval

SMALL = """
features:
  calls: {name: Calls, kind: metered, unit: call}
  sso: {name: SSO, kind: switch}
plans:
  free:
    name: Free
    default: true
    entitlements: {calls: {limit: 10}, sso: false}
  pro:
    name: Pro
    prices: {month: {usd: 2000}}
    entitlements: {calls: {limit: null, hard: false}, sso: true}
"""


def mistakes(text: str) -> dict[str, str]:
    with pytest.raises(CatalogueFileError) as caught:
        read_catalogue_file(text)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_the_demo_catalogue_has_the_published_numbers() -> None:
    spec = read_catalogue_file(demo_catalogue())
    assert list(spec.plans) == ["free", "pro", "premium", "enterprise"]
    assert spec.plans["pro"].amounts() == {(Interval.MONTH, "usd"): 2000, (Interval.YEAR, "usd"): 20000}
    assert spec.plans["premium"].amounts() == {(Interval.MONTH, "usd"): 5000, (Interval.YEAR, "usd"): 50000}
    assert spec.plans["free"].amounts() == spec.plans["enterprise"].amounts() == {}
    assert [plan.rates["api"] for plan in spec.plans.values()] == [300, 1200, 3000, 10000]
    assert [plan.rates["chat"] for plan in spec.plans.values()] == [20, 60, 120, None]


def test_every_mistake_is_named_with_its_line() -> None:
    wrong = """features:
  calls: {name: Calls, kind: metered}
  sso: {name: SSO, kind: swich}
plans:
  free:
    name: Free
    entitlements:
      calls: 10
      speed: {limit: 3}
  pro:
    prices:
      month:
        usd: 20.5
        USD: 2000
      week: {usd: 1}
    colour: red
"""
    found = mistakes(wrong)
    assert found["features.sso.kind"].startswith("line 3: ")
    assert found["plans.free.entitlements.calls"] == (
        "line 8: a metered feature takes `{limit: ..., hard: ..., period: ...}`"
    )
    assert found["plans.free.entitlements.speed"] == "line 9: no feature of this key is defined under `features`"
    assert found["plans.pro.name"] == "line 10: Field required"
    assert found["plans.pro.prices.month.usd"].startswith("line 13: ")
    assert found["plans.pro.prices.month.USD"].startswith("line 14: ")
    assert found["plans.pro.prices.week"].startswith("line 15: ")
    assert found["plans.pro.colour"].startswith("line 16: ")
    assert found["plans"].startswith("line 4: exactly one plan must be the default one; none")


@pytest.mark.parametrize(
    ("broken", "field", "says"),
    [
        (SMALL.replace("name: Pro", "name: Pro\n    default: true"), "plans", "free, pro is marked"),
        (SMALL.replace("    default: true", "    default: true\n    prices: {month: {usd: 1}}"), None, "nobody pays"),
        (SMALL.replace("limit: 10", "limit: -1"), "plans.free.entitlements.calls.limit", "greater than or equal to 0"),
        (SMALL.replace("limit: 10", "limit: '10'"), "plans.free.entitlements.calls.limit", "valid integer"),
        (SMALL.replace("usd: 2000", "usd: 0"), "plans.pro.prices.month.usd", "greater than or equal to 1"),
        (SMALL.replace("usd: 2000", "usd: 999999999999"), "plans.pro.prices.month.usd", "less than or equal"),
        (SMALL.replace("kind: switch", "kind: switch, event_type: x"), "features.sso.event_type", "only metered"),
        (SMALL.replace("sso: true", "sso: 'yes'"), "plans.pro.entitlements.sso", "a switch is"),
        (SMALL + "  pro: {name: Again}\n", "plans.pro", "written twice, first in line 10"),
    ],
)
def test_a_mistake_is_refused(broken: str, field: str | None, says: str) -> None:
    found = mistakes(broken)
    assert says in (found[field] if field else " ".join(found.values()))


METERED = """
features:
  calls: {name: Calls, kind: metered}
  tokens:
    name: Tokens
    kind: metered
    event_type: calls
    aggregation: sum
    value: $.usage.tokens
    group_by: [model, region]
    filter: {model: [gpt-5, gpt-5-mini], stream: true}
plans:
  free: {name: Free, default: true}
"""


def test_several_meters_may_take_the_same_events() -> None:
    spec = read_catalogue_file(METERED)
    calls, tokens = (spec.features[key].meter(key) for key in ("calls", "tokens"))
    assert calls.event_type == tokens.event_type == "calls"
    assert (calls.aggregation, calls.value, calls.filters) == (Aggregation.SUM, None, {})
    assert (tokens.value, tokens.group_by) == ("usage.tokens", ("model", "region"))
    assert tokens.filters == {"model": ("gpt-5", "gpt-5-mini"), "stream": (True,)}


@pytest.mark.parametrize(
    ("before", "after", "field", "says"),
    [
        ("sum", "unique", None, None),
        ("aggregation: sum\n    value: $.usage.tokens", "aggregation: unique", "value", "which property"),
        ("aggregation: sum", "aggregation: count", "value", "needs no number"),
        ("sum", "median", "aggregation", "sum"),
        ("$.usage.tokens", "$.usage[0]", "value", "match pattern"),
        ("[model, region]", "[a.b]", "group_by", "match pattern"),
        ("stream: true", "stream: []", "filter.stream", "at least 1"),
        ("kind: metered\n    event_type", "kind: switch\n    event_type", "aggregation", "only metered"),
    ],
)
def test_what_a_meter_counts_is_checked(before: str, after: str, field: str | None, says: str | None) -> None:
    assert before in METERED
    text = METERED.replace(before, after)
    if field is None or says is None:
        read_catalogue_file(text)
    else:
        assert says in mistakes(text)[f"features.tokens.{field}"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "just words",
        "{",
        "a: &x 1\nb: *x",
        "features: !!python/object:os.system {}",
        "a: " + "[" * 5000,
        "\0",
        "a: " + "9" * 5000,
    ],
)
def test_what_is_no_catalogue_is_refused_in_words(text: str) -> None:
    assert all(mistakes(text).values())


def test_a_file_that_is_too_long_is_refused() -> None:
    assert "characters" in mistakes("#" * 600_000)[""]
