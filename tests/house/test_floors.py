"""The floors hold, and the checks that hold them catch what they are there for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(tree: Path) -> tuple[int, str]:
    """Run the contracts on a tree, as `make check` does."""
    path = os.pathsep.join([str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(  # noqa: S603 - our own program
        [LINT, "--no-logo", "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources to plant faults in."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=lambda _, names: [n for n in names if n == "static"])
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(tree: Path, file: str, text: str) -> None:
    path = tree / "src" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as opened:
        opened.write(f"\n{text}\n")


def test_the_floors_hold() -> None:
    code, output = lint(ROOT)
    assert code == 0, output
    assert "0 broken" in output


def import_upward(tree: Path) -> str:
    plant(tree, "tollkeeper/kit/money.py", "from tollkeeper.infra import Settings")
    return "tollkeeper.kit is not allowed to import tollkeeper.infra"


def import_upward_for_types_only(tree: Path) -> str:
    plant(tree, "tollkeeper/kit/money.py", "if __import__('typing').TYPE_CHECKING:\n    import tollkeeper.infra")
    return "tollkeeper.kit is not allowed to import tollkeeper.infra"


def import_a_sibling(tree: Path) -> str:
    plant(tree, "tollkeeper/wallet/__init__.py", "from tollkeeper.flags import flag")
    plant(tree, "tollkeeper/flags/__init__.py", "flag = 1")
    return "tollkeeper.wallet is not allowed to import tollkeeper.flags"


def add_a_package_without_a_floor(tree: Path) -> str:
    plant(tree, "tollkeeper/shortcut/__init__.py", "answer = 42")
    return "tollkeeper.shortcut"


def import_past_a_door(tree: Path) -> str:
    plant(tree, "tollkeeper/infra/db.py", "from tollkeeper.kit.money import Money")
    return "tollkeeper.infra.db imports tollkeeper.kit.money"


def import_past_an_inner_door(tree: Path) -> str:
    plant(tree, "tollkeeper/cli/__init__.py", "from tollkeeper.infra.embedded.cluster import Cluster")
    return "tollkeeper.cli imports tollkeeper.infra.embedded.cluster"


def import_a_module_the_door_does_not_offer(tree: Path) -> str:
    plant(tree, "tollkeeper/cli/__init__.py", "from tollkeeper.infra import db")
    return "tollkeeper.cli imports tollkeeper.infra.db"


def import_a_room_that_became_a_folder(tree: Path) -> str:
    plant(tree, "tollkeeper/orgs/__init__.py", "")
    plant(tree, "tollkeeper/orgs/store/__init__.py", "")
    plant(tree, "tollkeeper/orgs/store/members.py", "")
    plant(tree, "tollkeeper/cli/__init__.py", "import tollkeeper.orgs.store")
    return "tollkeeper.cli imports tollkeeper.orgs.store"


def import_the_twin(tree: Path) -> str:
    plant(tree, "tollkeeper/infra/db.py", "import stripe_twin")
    return "tollkeeper is not allowed to import stripe_twin"


def import_the_kit_of_the_twins(tree: Path) -> str:
    plant(tree, "tollkeeper/infra/db.py", "import twin_kit.serving")
    return "tollkeeper is not allowed to import twin_kit"


def import_a_twin_from_their_kit(tree: Path) -> str:
    plant(tree, "twin_kit/serving.py", "import stripe_twin")
    return "twin_kit is not allowed to import stripe_twin"


@pytest.mark.parametrize(
    "fault",
    [
        import_upward,
        import_upward_for_types_only,
        import_a_sibling,
        add_a_package_without_a_floor,
        import_past_a_door,
        import_past_an_inner_door,
        import_a_module_the_door_does_not_offer,
        import_a_room_that_became_a_folder,
        import_the_twin,
        import_the_kit_of_the_twins,
        import_a_twin_from_their_kit,
    ],
)
def test_a_planted_fault_is_caught(tree: Path, fault: Callable[[Path], str]) -> None:
    expected = fault(tree)
    code, output = lint(tree)
    assert code == 1, output
    assert expected in output.replace("\n  ", " "), output


def test_a_name_the_door_offers_may_be_a_modules_name_too(tree: Path) -> None:
    plant(tree, "tollkeeper/wallet/__init__.py", 'from .jobs import jobs\n__all__ = ["jobs"]')
    plant(tree, "tollkeeper/wallet/jobs.py", "jobs: list[str] = []")
    plant(tree, "tollkeeper/cli/__init__.py", "from tollkeeper.wallet import jobs")
    code, output = lint(tree)
    assert code == 0, output


def test_an_inner_door_and_rooms_of_the_own_package_are_open(tree: Path) -> None:
    plant(tree, "tollkeeper/cli/__init__.py", "from tollkeeper.infra.embedded import EmbeddedPostgres")
    plant(tree, "tollkeeper/infra/events.py", "import tollkeeper.infra.embedded\nimport tollkeeper.infra.tables")
    code, output = lint(tree)
    assert code == 0, output
