"""Every statement of metering."""

from . import replaying, retention, rollups, tail
from .copying import copy_events, copy_keys, seen_bundle_keys
from .counters import Connection, create_counters, lock_counters, read_counters, write_counters
from .events import insert_events, insert_values, recorded_keys, seen_keys, seen_values
from .exporting import Wanted, read_events
from .foreseen import NotAsForeseenError, move_counters, move_foreseen
from .further import (
    draw,
    drop_members,
    drop_windows,
    held_by,
    make_members,
    mark_rolled,
    open_grants,
    previous,
    used_by_members,
    used_within,
    view_counters,
    write_further,
)
from .grants import add_grant, find_grant, find_granted_as, list_grants, top_up, void_grant
from .history import history, more_wait
from .meters import insert_meter, list_meters, regroup_meter
from .reading import (
    counters_of_periods,
    create_partition,
    replay,
    used_by_periods,
)
from .reservations import (
    close_reservations,
    expired,
    expired_of,
    find_reservations,
    held_under,
    insert_reservations,
)
from .sources import NewestUse, Use, newest_use
from .versions import counting

__all__ = [
    "Connection",
    "NewestUse",
    "NotAsForeseenError",
    "Use",
    "Wanted",
    "add_grant",
    "close_reservations",
    "copy_events",
    "copy_keys",
    "counters_of_periods",
    "counting",
    "create_counters",
    "create_partition",
    "draw",
    "drop_members",
    "drop_windows",
    "expired",
    "expired_of",
    "find_grant",
    "find_granted_as",
    "find_reservations",
    "held_by",
    "held_under",
    "history",
    "insert_events",
    "insert_meter",
    "insert_reservations",
    "insert_values",
    "list_grants",
    "list_meters",
    "lock_counters",
    "make_members",
    "mark_rolled",
    "more_wait",
    "move_counters",
    "move_foreseen",
    "newest_use",
    "open_grants",
    "previous",
    "read_counters",
    "read_events",
    "recorded_keys",
    "regroup_meter",
    "replay",
    "replaying",
    "retention",
    "rollups",
    "seen_bundle_keys",
    "seen_keys",
    "seen_values",
    "tail",
    "top_up",
    "used_by_members",
    "used_by_periods",
    "used_within",
    "view_counters",
    "void_grant",
    "write_counters",
    "write_further",
]
