"""An import-linter contract: a package is entered through its door only.

A package's door is its ``__init__``. Code of another package may import the package itself, or the door of a package
inside it (``tollkeeper.infra.embedded``), but neither a module behind a door nor a room that has grown into a folder.
"""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class DoorsContract(Contract):
    """Nobody imports past a door.

    Options:
        containers: packages whose children are the packages with doors.
        rooms: names of modules that stay private even when they become folders.
    """

    type_name = "doors"

    containers = fields.ListField(subfield=fields.StringField())
    rooms = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find every import that reaches past a door."""
        del verbose
        found = [
            (importer, imported)
            for importer in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self._is_past_a_door(graph, importer, imported)
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import and the line it stands on."""
        for importer, imported in cast("list[tuple[str, str]]", check.metadata["found"]):
            output.print_error(f"{importer} imports {imported}: import from the package's door instead", bold=False)
        output.new_line()

    def _is_past_a_door(self, graph: ImportGraph, importer: str, imported: str) -> bool:
        if not any(imported.startswith(f"{container}.") for container in cast("list[str]", self.containers)):
            return False
        # What the importer does not live in itself, outermost first: the first is a sibling or a package's door and may
        # be imported anyway; everything deeper must be the door of a package that is open to others.
        _, *deeper = [name for name in _ancestors(imported) if not _is_within(importer, name)] or [""]
        if deeper and imported.rpartition(".")[2] in _exports(imported.rpartition(".")[0]):
            deeper.pop()  # `from door import jobs`: a name the door offers, that happens to be a module's, too
        return any(self._is_private(name) or not graph.find_children(name) for name in deeper)

    def _is_private(self, module: str) -> bool:
        return module.rpartition(".")[2] in cast("set[str]", self.rooms)


@cache
def _exports(package: str) -> set[str]:
    """Return what a package's door offers, by its `__all__`."""
    root, *inner = package.split(".")
    spec = find_spec(root)
    door = Path(*(spec.submodule_search_locations or [] if spec else [])[:1], *inner, "__init__.py")
    if not door.is_file():
        return set()
    for node in ast.parse(door.read_text()).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            return set(ast.literal_eval(node.value))
    return set()


def _ancestors(module: str) -> list[str]:
    """Return the module and the packages it lies in, outermost first, without the root package."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(2, len(parts) + 1)]


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
