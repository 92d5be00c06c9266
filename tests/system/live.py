"""A really running server: see `live_server`."""

from live_server import PROGRAM, LiveServer

__all__ = ["PROGRAM", "LiveServer"]
