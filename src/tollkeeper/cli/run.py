"""Running a command: expected failures become words on stderr, never a traceback."""

import sys
from collections.abc import Callable

from tollkeeper.infra import SettingsError, as_tollkeeper_error
from tollkeeper.kit import TollkeeperError

FAILED = 1
PLACE_HINT = "Give this account the right to it, or choose another folder with --data-dir."


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command and return its exit code: 1, with one line and a hint, for every failure that has words."""
    try:
        return command() or 0
    except SettingsError as error:
        _complain(str(error), "Every setting is described in `.env.example`.")
    except TollkeeperError as error:
        _complain(error.detail, error.hint)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        return FAILED
    except PermissionError as error:
        _complain(f"{error.filename or 'A file'} cannot be written or read by this account.", PLACE_HINT)
    except Exception as error:
        known = as_tollkeeper_error(error)
        if known.code == TollkeeperError.code:  # nothing we know of: a fault of ours, whose trace is wanted
            raise
        _complain(known.detail, known.hint)
    return FAILED


def _complain(what: str, hint: str) -> None:
    print(f"tollkeeper: {what}\n  {hint}", file=sys.stderr, flush=True)
