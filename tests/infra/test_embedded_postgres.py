"""The embedded server: shared, crash-proof, reachable by nobody else, as root and as a plain user."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tollkeeper.infra import embedded
from tollkeeper.infra.embedded import EmbeddedPostgres, places
from tollkeeper.infra.embedded.account import Account
from tollkeeper.infra.embedded.cluster import Postmaster, _serves

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root meets this")

# The package around it is left out: the server must not need what else infra is made of, and a plain user's Python may
# not have it.
USER = f"""
import sys, types
from pathlib import Path
import tollkeeper
sys.modules["tollkeeper.infra"] = bare = types.ModuleType("tollkeeper.infra")
bare.__path__ = [{str(Path(embedded.__file__).parents[1])!r}]
from tollkeeper.infra.embedded import EmbeddedPostgres, EmbeddedPostgresError
use = EmbeddedPostgres(Path(sys.argv[1]))
try:
    print(use.start(), flush=True)
    sys.stdin.readline()
    use.stop()
except EmbeddedPostgresError as error:
    print(type(error).__name__, error.detail, error.hint, sep=": ", flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder other accounts may pass through (pytest's own is closed to them)."""
    made = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        for pidfile in made.glob("**/postmaster.pid"):
            found = Postmaster.read(pidfile.parent)
            if found and found.is_alive(pidfile.parent):
                os.kill(found.pid, signal.SIGQUIT)
                gone(found.pid)
        shutil.rmtree(made)


@pytest.fixture
def data(folder: Path) -> Path:
    return folder / "data"


class User:
    """Another process that uses the server."""

    def __init__(self, data: Path, *prefix: str, python: str = sys.executable) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*prefix, python, "-c", USER, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def said(self) -> str:
        """The address it got, or the error in words."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@contextmanager
def users(data: Path, count: int) -> Iterator[list[User]]:
    made = [User(data) for _ in range(count)]
    try:
        yield made
    finally:
        for user in made:
            with suppress(OSError):
                user.process.kill()
            user.process.wait()
            for pipe in (user.process.stdin, user.process.stdout):
                if pipe:
                    pipe.close()


def server_of(data: Path) -> int | None:
    pgdata = (data / "postgres").resolve()
    found = Postmaster.read(pgdata)
    return found.pid if found and found.is_alive(pgdata) else None


def gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} still lives")


def socket_folder(url: str) -> Path:
    return Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"]))


def query(url: str, statement: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


def test_a_start_makes_the_database_and_a_second_one_finds_what_was_written(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        url = server.start()
        query(url, "create table kept as select 42 as answer")
    assert server_of(data) is None
    took = []
    for _ in range(3):
        began = time.monotonic()
        with EmbeddedPostgres(data) as server:
            url = server.start()
            took.append(time.monotonic() - began)
            assert query(url, "select answer from kept") == "42"
    # The shortest, since a busy machine makes any of them longer, and none shorter.
    assert min(took) < 1, f"a clean second start took {took} s"


def test_commits_are_durable_and_nothing_listens_on_the_network(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        url = server.start()
        shown = {
            name: query(url, f"show {name}") for name in ("fsync", "synchronous_commit", "jit", "listen_addresses")
        }
        assert shown == {"fsync": "on", "synchronous_commit": "on", "jit": "off", "listen_addresses": ""}
        assert (
            query(url, "select pg_encoding_to_char(encoding) from pg_database where datname = 'tollkeeper'") == "UTF8"
        )
        sockets = socket_folder(url)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700, "only its owner enters the socket's folder"


def test_a_dropped_database_is_made_again(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        url = server.start()
        query(url.replace("/tollkeeper?", "/postgres?"), "drop database tollkeeper")
        assert query(server.start(), "select current_database()") == "tollkeeper"


def test_four_processes_starting_at_once_share_one_server_and_the_last_one_out_stops_it(data: Path) -> None:
    with users(data, 4) as all_users:
        addresses = {user.said() for user in all_users}
        assert len(addresses) == 1
        assert addresses.pop().startswith("postgresql://postgres@/tollkeeper?host=")
        server = server_of(data)
        for user in all_users[:3]:
            user.leave()
            assert server_of(data) == server
        all_users[3].leave()
        assert server_of(data) is None


def test_users_killed_at_once_leave_a_server_that_the_next_start_adopts(data: Path) -> None:
    with users(data, 2) as (first, second):
        url = first.said()
        second.said()
        server = server_of(data)
        first.kill()
        second.kill()
        assert server_of(data) == server
        with EmbeddedPostgres(data) as here:
            assert here.start() == url
            assert server_of(data) == server
    assert server_of(data) is None, "the killed users no longer count"


def test_a_process_killed_while_it_makes_the_database_leaves_nothing_half_done(data: Path) -> None:
    for moment in range(3):
        with users(data, 1) as (user,):
            deadline = time.monotonic() + 20
            while not list(data.glob(".postgres-init-*/PG_VERSION")) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.05 * moment)
            user.kill()
    with EmbeddedPostgres(data) as server:
        assert query(server.start(), "select 1") == "1"


def test_a_killed_server_is_started_again_with_everything_committed(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        url = server.start()
        query(url, "create table kept as select generate_series(1, 1000) as n")
        held = psycopg.connect(url)  # a backend that outlives the server for a moment
        killed = server_of(data)
        assert killed is not None
        assert server.is_running()
        os.kill(killed, signal.SIGKILL)
        gone(killed)
        assert not server.is_running()
        assert query(server.start(), "select count(*) from kept") == "1000"
        assert server_of(data) not in {None, killed}
        held.close()


def test_a_stale_pid_file_naming_another_live_process_is_seen_through(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        server.start()
    pgdata = data / "postgres"
    owner = Account.for_server(pgdata)
    bystander = subprocess.Popen(["/bin/sleep", "60"], user=owner.uid if IS_ROOT else None)
    try:
        lines = [bystander.pid, pgdata, int(time.time()), 5432, pgdata, "", "  1234567    5", "ready   "]
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (pgdata / name).write_text("".join(f"{line}\n" for line in lines))
            os.chown(pgdata / name, owner.uid, owner.gid)
        with EmbeddedPostgres(data) as server:
            assert query(server.start(), "select 1") == "1"
            assert server_of(data) not in {None, bystander.pid}
        assert bystander.poll() is None, "the bystander was left alone"
    finally:
        bystander.kill()
        bystander.wait()


def test_a_path_too_long_for_a_socket_uses_a_private_folder_instead(folder: Path) -> None:
    data = folder / ("long" * 20) / ("path" * 20)
    with EmbeddedPostgres(data) as server:
        url = server.start()
        sockets = socket_folder(url)
        assert not sockets.is_relative_to(data)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert query(url, "select 1") == "1"
    assert not sockets.exists()


def test_a_socket_folder_prepared_by_somebody_else_is_refused(folder: Path) -> None:
    pgdata = folder / ("long" * 20) / ("path" * 20)
    account = Account.for_server(pgdata)
    trap = Path(tempfile.gettempdir()) / f"tollkeeper-{places._digest(pgdata)}"
    trap.mkdir()
    trap.chmod(0o777)
    try:
        with pytest.raises(embedded.DataDirectoryUnusableError, match="not a private folder"):
            places.socket_dir(pgdata, account)
    finally:
        trap.rmdir()


def test_a_data_directory_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").write_text("not a folder")
    with pytest.raises(embedded.DataDirectoryUnusableError, match="file/data cannot be created") as caught:
        EmbeddedPostgres(folder / "file" / "data").start()
    assert "--data-dir" in caught.value.hint


def test_another_major_version_is_not_touched(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        server.start()
    (data / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.DataDirectoryVersionError, match="version 15") as caught:
        EmbeddedPostgres(data).start()
    assert "pg_dump" in caught.value.hint


def test_a_server_that_does_not_start_says_why(data: Path) -> None:
    with pytest.raises(embedded.StartFailedError, match="shared_buffers"):
        EmbeddedPostgres(data, options={"shared_buffers": "plenty"}).start()
    with EmbeddedPostgres(data) as server:
        assert query(server.start(), "select 1") == "1"


def test_a_database_that_cannot_be_made_says_why_and_leaves_nothing(data: Path) -> None:
    user = User(data, "/bin/sh", "-c", 'ulimit -f 64; exec "$@"', "sh")  # no file may grow past 64 blocks
    said = user.said()
    user.leave()
    assert said.startswith("InitialisationFailedError: Making a database in")
    assert sorted(path.name for path in data.iterdir()) == ["postgres.start.lock", "postgres.users.lock"]


def test_a_link_to_a_cluster_that_is_gone_is_not_replaced_by_an_empty_one(data: Path) -> None:
    data.mkdir()
    (data / "postgres").symlink_to(data / "elsewhere")
    with pytest.raises(embedded.DataDirectoryUnusableError, match="which is gone"):
        EmbeddedPostgres(data).start()


@as_root
@pytest.mark.skip_allowed("a plain user cannot play root")
def test_root_keeps_the_cluster_elsewhere_when_a_folder_above_is_private(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    with EmbeddedPostgres(home / "data", system_dir=folder / "system") as server:
        assert query(server.start(), "select 1") == "1"
        assert stat.S_IMODE(home.stat().st_mode) == 0o700, "nobody's home was opened"
        pgdata = (home / "data" / "postgres").resolve()
        assert pgdata.is_relative_to(folder / "system")
        assert pwd.getpwuid(pgdata.stat().st_uid).pw_name == "pgserver"
    with EmbeddedPostgres(home / "data", system_dir=folder / "system") as server:
        server.start()
        assert (home / "data" / "postgres").resolve() == pgdata, "the second start finds the same cluster"


@as_root
@pytest.mark.skip_allowed("a plain user cannot play root")
def test_root_copies_the_programs_where_the_server_can_run_them(folder: Path) -> None:
    account = Account.named("pgserver")
    installed = places.programs(Account.current(), folder).parents[1]
    copied = places._reachable_copy(installed, account, folder / "system") / places.PROGRAMS
    assert account.can_run(copied / "postgres")
    for program in ("postgres", "initdb", "psql"):
        code, output = account.run([copied / program, "--version"])
        assert (code, output.split()[-1].split(".")[0]) == (0, "18"), output
    assert places._reachable_copy(installed, account, folder / "system") / places.PROGRAMS == copied


@pytest.fixture
def as_nobody() -> Callable[[Path], User]:
    """Starts a user of the server as an account without any rights."""
    nobody = Account(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    prefix = ["setpriv", f"--reuid={nobody.uid}", f"--regid={nobody.gid}", "--clear-groups"]
    pythons = [sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path=os.defpath) or sys.executable]
    for python in pythons:
        if nobody.can_run(Path(python).resolve()) and nobody.can_enter(Path(embedded.__file__).parent):
            return lambda data: User(data, *prefix, python=python)
    pytest.skip("nobody may enter this checkout or run this Python")


@as_root
@pytest.mark.skip_allowed("a plain user is nobody else; a checkout in a private home is closed to nobody")
def test_a_plain_user_has_a_server_too_and_root_may_join_in(folder: Path, as_nobody: Callable[[Path], User]) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    user = as_nobody(folder / "data")
    url = user.said()
    assert url.startswith("postgresql://"), url
    server = server_of(folder / "data")
    assert server is not None
    assert psutil.Process(server).uids().effective == nobody.pw_uid
    with EmbeddedPostgres(folder / "data") as here:
        assert here.start() == url
        user.leave()
        assert query(url, "select 1") == "1"
    assert server_of(folder / "data") is None
    again = as_nobody(folder / "data")
    assert again.said() == url, "root left nothing behind that locks the owner out"
    again.leave()


@as_root
@pytest.mark.skip_allowed("a plain user is nobody else; a checkout in a private home is closed to nobody")
def test_a_plain_user_is_told_what_is_closed_to_it(folder: Path, as_nobody: Callable[[Path], User]) -> None:
    refused = as_nobody(folder / "data")
    assert refused.said().startswith(f"DataDirectoryUnusableError: {folder}/data cannot be created")
    refused.leave()
    with EmbeddedPostgres(folder / "data") as server:
        server.start()
    (folder / "data").chmod(0o777)
    stranger = as_nobody(folder / "data")
    assert "belongs to the account pgserver" in stranger.said()
    stranger.leave()


def test_a_process_is_told_from_one_that_got_its_number_later(folder: Path) -> None:
    assert not _serves(os.getpid(), folder)
    assert not _serves(2**22 + 1, folder)
