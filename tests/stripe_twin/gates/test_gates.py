"""The twin is honest: recordings, proration cases, recipes, the SDK's probe and its shapes, all against one twin."""

import os
from pathlib import Path

import pytest

from .run import Result, run

CASES = {"scenarios": 33, "prorations": 21, "triggers": 86, "probe": 73}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """All gates, run once; the folder of recordings is compulsory in CI."""
    named = os.environ.get("STRIPE_RECORDINGS")
    if not named or not (Path(named) / "stripe_probe.py").is_file():
        if os.environ.get("CI"):
            pytest.fail("STRIPE_RECORDINGS must name the folder with stripe_probe.py in CI")
        pytest.skip("STRIPE_RECORDINGS is not set")
    return {result.gate: result for result in run(Path(named))}


@pytest.mark.parametrize("gate", [*CASES, "schema"])
def test_every_case_passes_but_those_left_out(results: dict[str, Result], gate: str) -> None:
    failed = results[gate].failed
    assert not failed, "\n".join(f"{outcome.case}: {outcome.problem}" for outcome in failed)


@pytest.mark.parametrize("gate", [*CASES, "schema"])
def test_nothing_is_left_out_that_passes(results: dict[str, Result], gate: str) -> None:
    assert results[gate].untrue == []


@pytest.mark.parametrize("gate", CASES)
def test_all_cases_were_played(results: dict[str, Result], gate: str) -> None:
    assert len(results[gate].outcomes) == CASES[gate]
