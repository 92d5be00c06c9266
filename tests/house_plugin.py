"""House rules of the test run: a test that should have run and did not is a failure where services are promised."""

import os
from collections.abc import Generator

import pytest

MUST_RUN = os.environ.get("TOLLKEEPER_REQUIRE_SERVICES") == "1"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the one excuse there is."""
    config.addinivalue_line(
        "markers", "skip_allowed(reason): may be skipped even where every service is promised, for the reason given"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `TOLLKEEPER_REQUIRE_SERVICES=1`, report a skipped test as failed unless it is marked `skip_allowed`."""
    report = yield
    if MUST_RUN and report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("skip_allowed"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or call.excinfo)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must run here (TOLLKEEPER_REQUIRE_SERVICES=1) but was skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module skipped while it is collected counts like its tests."""
    report = yield
    if MUST_RUN and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} must run here (TOLLKEEPER_REQUIRE_SERVICES=1) but was skipped as a whole"
    return report
