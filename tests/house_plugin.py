"""House rules of the test run.

A test that should have run and did not is a failure where services are promised. And all test processes of a run share
one folder that other accounts may pass through: pytest's own folders are closed to the account PostgreSQL runs as when
the tests are run by root.
"""

import gc
import os
import shutil
import ssl
import tempfile
from collections.abc import Generator
from functools import cache
from pathlib import Path

import certifi
import pytest

MUST_RUN = os.environ.get("TOLLKEEPER_REQUIRE_SERVICES") == "1"
RUN_FOLDER = "TOLLKEEPER_TEST_RUN_FOLDER"
AUTHORITY = "authority.pem"
LONGEST = (
    "browser/test_every_page.py",
    "cli/test_commands.py",
    "billing/test_orders.py",
    "cli/test_billing_commands.py",
    "proving/test_short.py",
    "system/test_openapi.py",
    "system/test_kill.py",
    "promises/test_pages.py",
    "promises/test_hostile.py",
    "stripe_twin/live/test_twin_shapes.py",
    "wiring/test_privileges.py",
)
"""Files that take more than a minute, or have more tests than others.

They go first, so that no process is left with one while the others are done.
"""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the one excuse there is, and make the run's folder, which the other test processes inherit."""
    config.addinivalue_line(
        "markers", "skip_allowed(reason): may be skipped even where every service is promised, for the reason given"
    )
    gc.set_threshold(50_000, 50, 100)  # most of what there is is modules, in which nothing is ever garbage
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="tollkeeper-tests-"))
        folder.chmod(0o711)
        os.environ[RUN_FOLDER] = str(folder)
        _keep_one_authority(folder / AUTHORITY)
        os.environ.setdefault("SSL_CERT_FILE", str(folder / AUTHORITY))
    authority = str(Path(os.environ[RUN_FOLDER]) / AUTHORITY)
    certifi.where = lambda: authority  # for clients that take nothing from the environment
    # Nobody changes one afterwards, and each made anew reads every authority of the machine or of Stripe's library.
    vars(ssl)["create_default_context"] = cache(ssl.create_default_context)


def _keep_one_authority(path: Path) -> None:
    """Have one authority instead of all: thousands of clients load them, and nobody outside is ever spoken to."""
    first, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    path.write_text(f"{first}{end}\n")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's folder when every test process has ended."""
    if not hasattr(config, "workerinput") and RUN_FOLDER in os.environ:
        shutil.rmtree(os.environ.pop(RUN_FOLDER), ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, and leave the others in their order."""
    here = Path(__file__).parent
    turns = {here / name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over all that was imported and collected from now on."""
    gc.collect()
    gc.freeze()


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
