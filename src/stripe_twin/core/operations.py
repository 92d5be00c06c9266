"""The table of API operations. A resource module declares each with its method, path and parameters."""

from collections.abc import Callable
from dataclasses import dataclass

from stripe_twin.core.json import Json
from stripe_twin.core.params import Params
from stripe_twin.core.unit import Unit

Run = Callable[..., Json]


@dataclass(frozen=True)
class Operation:
    """One API call. `run(unit, args, **path)` gets checked parameters and parts of the path, returns what is shown."""

    method: str
    path: str
    params: Params
    run: Run


OPERATIONS: list[Operation] = []


def operation(method: str, path: str, params: Params) -> Callable[[Run], Run]:
    """Declare the decorated function as an API call."""

    def declare(run: Run) -> Run:
        OPERATIONS.append(Operation(method, path, params, run))
        return run

    return declare


def retrieval(kind: str, path: str, params: Params) -> None:
    """Declare the plain GET of one object; the path ends in `{ident}`."""

    @operation("GET", path, params)
    def retrieve(unit: Unit, _: Json, ident: str) -> Json:
        return unit.render(unit.load(kind, ident))
