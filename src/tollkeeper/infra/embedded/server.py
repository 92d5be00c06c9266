"""The embedded server as its users see it: start, use, stop; shared by any number of processes."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from . import places
from .cluster import Cluster
from .errors import DataDirectoryUnusableError


class EmbeddedPostgres:
    """One process's use of the PostgreSQL server of a data directory."""

    def __init__(
        self, data_dir: Path, *, options: Mapping[str, str] | None = None, system_dir: Path = places.SYSTEM_DIR
    ) -> None:
        """Nothing is touched before `start`.

        Args:
            data_dir: the data directory; the cluster lies in its `postgres` folder.
            options: server settings that win over the cluster's own when this use is the one that starts the server.
            system_dir: where root keeps cluster and programs that the server's account could not reach otherwise.
        """
        self._data_dir = data_dir.expanduser().resolve()
        self._options = dict(options or {})
        self._system_dir = system_dir
        self._cluster: Cluster | None = None
        self._use: int | None = None

    def start(self) -> str:
        """Make the server run, whoever starts it, and hold it running until `stop` or the end of this process.

        May be called again at any time, and then restarts a server that has died.

        Returns:
            The address of the database `tollkeeper`, for libpq.

        Raises:
            EmbeddedPostgresError: what is in the way, and what to do about it.
        """
        places.make_data_dir(self._data_dir)
        with self._starting():
            use = self._open_lock("users") if self._use is None else self._use
            fcntl.flock(use, fcntl.LOCK_SH)
            try:
                self._cluster = Cluster.at(self._data_dir, self._system_dir)
                url = self._cluster.ensure_running(self._options)
            except BaseException as error:
                if self._use is None:
                    # An interrupted start must not leave a server behind that nobody uses; a failed one has left none.
                    self._leave(use, stop=not isinstance(error, Exception))
                raise
            self._use = use
        return url

    def is_running(self) -> bool:
        """Whether the server this process uses still runs; cheap enough to ask every second."""
        return self._cluster is not None and self._cluster.is_running()

    def stop(self) -> None:
        """End this use; the server is stopped when nobody else uses it."""
        if self._use is None:
            return
        with self._starting():
            use, self._use = self._use, None
            self._leave(use, stop=True)

    def _leave(self, use: int, *, stop: bool) -> None:
        try:
            fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # others use the server
        else:
            if stop and self._cluster:
                self._cluster.stop()
        finally:
            os.close(use)

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Be the only one who starts or stops this server."""
        lock = self._open_lock("start")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _open_lock(self, name: str) -> int:
        path = self._data_dir / f"postgres.{name}.lock"
        try:
            lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
            if os.geteuid() == 0:  # root may help out in another account's data directory, and must not lock it out
                owner = self._data_dir.stat()
                os.fchown(lock, owner.st_uid, owner.st_gid)
        except OSError as error:
            raise DataDirectoryUnusableError(f"{path} cannot be opened: {error.strerror}.") from None
        return lock

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
