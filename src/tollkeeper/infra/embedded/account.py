"""Which operating-system account PostgreSQL runs as, and which paths that account can reach.

PostgreSQL refuses to run as root. So root lends the server an account without a login, `pgserver`, and never loosens
permissions for it: what the account cannot reach is placed where it can (see `places`).
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import AccountUnusableError

SERVER_ACCOUNT = "pgserver"
ROOT = 0
CREATION_ATTEMPTS = 5
PROGRAM_SECONDS = 120

# Nothing of the caller's environment (PGHOST, PGOPTIONS, LC_MESSAGES, ...) may change what the programs do.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> "Account":
        """Return the account this process acts as."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def for_server(cls, pgdata: Path) -> "Account":
        """Return the account that owns the cluster, or is to own it when there is none yet.

        Raises:
            AccountUnusableError: the cluster belongs to somebody else, or root finds no account to lend.
        """
        current = cls.current()
        owner = cls(pgdata.stat().st_uid, pgdata.stat().st_gid) if pgdata.exists() else None
        if current.uid == ROOT:
            return cls.named(SERVER_ACCOUNT) if owner is None or owner.uid == ROOT else owner
        if owner is not None and owner.uid != current.uid:
            name = _name(owner.uid)
            raise AccountUnusableError(f"{pgdata} belongs to the account {name}; run this as {name} or as root.")
        return current

    @classmethod
    def named(cls, name: str) -> "Account":
        """Return the system account of this name, made when missing. Root only."""
        for attempt in range(CREATION_ATTEMPTS):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                # Another process may be creating it right now and hold the lock of the password file: look again.
                time.sleep(0.1 * attempt)
                _create(name, last=attempt == CREATION_ATTEMPTS - 1)
            else:
                return cls(entry.pw_uid, entry.pw_gid)
        raise AccountUnusableError(f"The account {name} could not be created.")

    @property
    def is_other(self) -> bool:
        """Whether programs must change from this process's account to run as this one."""
        return self.uid != os.geteuid()

    def run(self, command: Sequence[str | Path], *, stdin: str = "", new_session: bool = False) -> tuple[int, str]:
        """Run a program as this account.

        Args:
            command: the program's path and its arguments; no shell reads them.
            stdin: what the program reads.
            new_session: keep the terminal's signals away from it.

        Returns:
            Its exit code and everything it printed.
        """
        # A file, not a pipe: a server left running behind must not keep the reader waiting.
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            done = subprocess.run(  # noqa: S603 - fixed programs, arguments without a shell
                [str(part) for part in command],
                input=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env=ENVIRONMENT,
                umask=0o077,
                timeout=PROGRAM_SECONDS,
                start_new_session=new_session,
                check=False,
                user=self.uid if self.is_other else None,
                group=self.gid if self.is_other else None,
                extra_groups=[] if self.is_other else None,
            )
            output.seek(0)
            return done.returncode, output.read().strip()

    def can_enter(self, directory: Path) -> bool:
        """Whether this account may pass through this directory and everything above it, judged by owner and mode."""
        return not self.is_other or all(self._may(folder, stat.S_IXUSR) for folder in (directory, *directory.parents))

    def can_run(self, program: Path) -> bool:
        """Whether this account may run this program."""
        readable = stat.S_IRUSR | stat.S_IXUSR
        return not self.is_other or (self.can_enter(program.parent) and self._may(program, readable))

    def _may(self, path: Path, owner_bits: int) -> bool:
        status = path.stat()
        shift = 0 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 6
        return (status.st_mode << shift) & owner_bits == owner_bits


def _create(name: str, *, last: bool) -> None:
    useradd = shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")
    if useradd is None:
        raise AccountUnusableError(f"PostgreSQL refuses to run as root, and there is no `useradd` to make {name} with.")
    command = [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    code, output = Account.current().run([*command, "--user-group", name])
    if code and last:
        raise AccountUnusableError(f"PostgreSQL refuses to run as root, and making the account {name} failed: {output}")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
