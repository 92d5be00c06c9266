"""House rules of the test run.

A test that should have run and did not is a failure where services are promised. And all test processes of a run share
one folder that other accounts may pass through: pytest's own folders are closed to the account PostgreSQL runs as when
the tests are run by root.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

MUST_RUN = os.environ.get("TOLLKEEPER_REQUIRE_SERVICES") == "1"
RUN_FOLDER = "TOLLKEEPER_TEST_RUN_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the one excuse there is, and make the run's folder, which the other test processes inherit."""
    config.addinivalue_line(
        "markers", "skip_allowed(reason): may be skipped even where every service is promised, for the reason given"
    )
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="tollkeeper-tests-"))
        folder.chmod(0o711)
        os.environ[RUN_FOLDER] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's folder when every test process has ended."""
    if not hasattr(config, "workerinput") and RUN_FOLDER in os.environ:
        shutil.rmtree(os.environ.pop(RUN_FOLDER), ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """The folder all test processes of this run share; fit for data directories, whoever runs the tests."""
    return Path(os.environ[RUN_FOLDER])


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
