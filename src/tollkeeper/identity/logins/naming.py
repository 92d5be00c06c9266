"""What a login is called: the device by its program's own word, the place by its address."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb
import structlog
from ua_parser import parse

from tollkeeper.infra import Runtime

log = structlog.get_logger(__name__)

UNKNOWN_DEVICE = "Unknown device"
_LONGEST = 80


@lru_cache(maxsize=1024)
def device_name(user_agent: str) -> str:
    """Return what people call the device: `Firefox on Linux`. What it says of itself need not be true."""
    told = parse(user_agent)
    program = told.user_agent.family if told.user_agent else user_agent.partition(" ")[0].partition("/")[0]
    parts = [program[:_LONGEST], told.os.family if told.os else ""]
    return " on ".join(filter(None, parts)) or UNKNOWN_DEVICE


def place_of(runtime: Runtime, ip: str) -> str:
    """Return where an address is, as far as this deployment knows; empty when it does not."""
    places: Places | None = runtime.parts.get(Places)
    return places.place_of(ip) if places else ""


class Places:
    """Tells where an address is, from a city database in MaxMind's format; nowhere without one."""

    def __init__(self, path: Path | None) -> None:
        """Open the file; one that cannot be read is logged, and nothing has a place."""
        self._reader: maxminddb.Reader | None = None
        if path is not None:
            try:
                self._reader = maxminddb.open_database(path)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                log.error("TOLLKEEPER_PLACES cannot be read", error=str(error))  # noqa: TRY400 - the trace tells no more

    def place_of(self, ip: str) -> str:
        """Return the city and country in English, as much as is known; empty when nothing is."""
        try:
            found: Any = self._reader.get(ip) if self._reader else None
        except ValueError:  # no address, or one of a kind the file does not have
            return ""
        if not isinstance(found, dict):
            return ""
        names = [found.get(part, {}).get("names", {}).get("en", "") for part in ("city", "country")]
        return ", ".join(filter(None, names))

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
