"""The spool on disk: what was acknowledged is there afterwards, whatever happened in between."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollkeeper_sdk import Spool, SpoolError, SpoolFullError, WhenFull
from tollkeeper_sdk.spool import letters

APPENDER = Path(__file__).with_name("appender.py")


def keys_in(spool: Spool) -> list[str]:
    return [json.loads(entry.body)["idempotency_key"] for entry in spool.first(1_000_000)]


def fill(spool: Spool, count: int, prefix: str = "k") -> list[str]:
    keys = [f"{prefix}{number}" for number in range(count)]
    for key in keys:
        spool.append("prompts", idempotency_key=key)
    return keys


def test_kept_in_order_and_read_by_the_next_process(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        keys = fill(spool, 20)
        spool.append("prompts", idempotency_key="k3")  # the same use again
    with Spool(tmp_path) as spool:
        assert keys_in(spool) == keys
        assert spool.pending() == 20
        assert json.loads(spool.first(1)[0].body).keys() == {"feature", "count", "idempotency_key", "at"}
        spool.settle(sent=spool.first(5))
        assert keys_in(spool) == keys[5:]
        stats = spool.stats()
    assert (stats.pending, stats.sent, stats.dead, stats.dropped) == (15, 5, 0, 0)
    assert 0 < stats.oldest_age_seconds < 60
    assert stats.pending_bytes > 15 * 50


def test_the_same_key_of_another_customer_or_feature_is_another_use(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for customer, feature in [
            (None, "prompts"),
            ("a", "prompts"),
            ("a", "tokens"),
            ("b", "tokens"),
            ("a", "tokens"),
        ]:
            spool.append(feature, customer=customer, idempotency_key="one")
        assert spool.pending() == 4


def size_of_one(directory: Path) -> int:
    with Spool(directory / "scale") as spool:
        spool.append("prompts", idempotency_key="k000")
        return spool.stats().pending_bytes


def test_what_is_no_directory_is_said_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file")
    for work in (lambda: spool.append("prompts", idempotency_key="k"), spool.pending, spool.lead):
        with pytest.raises(SpoolError, match="cannot be"):
            work()


def test_full_and_told_to_raise(tmp_path: Path) -> None:
    size = size_of_one(tmp_path)
    with Spool(tmp_path / "spool", max_bytes=3 * size + 20, when_full=WhenFull.RAISE) as spool:
        keys = fill(spool, 3, "k00")
        with pytest.raises(SpoolFullError):
            spool.append("prompts", idempotency_key="k003")
        assert keys_in(spool) == keys
        spool.settle(sent=spool.first(1))
        spool.append("prompts", idempotency_key="k004")
        assert keys_in(spool) == ["k001", "k002", "k004"]
        with pytest.raises(SpoolFullError, match="larger than the whole spool"):
            spool.append("prompts", idempotency_key="x" * 4 * size)


def test_full_and_told_to_drop_the_oldest(tmp_path: Path) -> None:
    size = size_of_one(tmp_path)
    with Spool(tmp_path / "spool", max_bytes=3 * size + 20, when_full="drop_oldest") as spool:
        fill(spool, 8, "k00")
        assert keys_in(spool) == ["k005", "k006", "k007"]
        assert (spool.stats().dropped, spool.stats().pending) == (5, 3)


def test_full_and_told_to_wait(tmp_path: Path) -> None:
    size = size_of_one(tmp_path)
    with Spool(tmp_path / "spool", max_bytes=3 * size + 20, when_full="block", block_seconds=0.2) as spool:
        fill(spool, 3, "k00")
        with pytest.raises(SpoolFullError, match=r"within 0\.2 s"):
            spool.append("prompts", idempotency_key="k003")
        assert keys_in(spool) == ["k000", "k001", "k002"]
    with Spool(tmp_path / "spool", max_bytes=3 * size + 20, when_full="block", block_seconds=20) as spool:
        late = threading.Timer(0.3, lambda: spool.settle(sent=spool.first(1)))
        late.start()
        spool.append("prompts", idempotency_key="k004")
        late.join()
        assert keys_in(spool) == ["k001", "k002", "k004"]


def test_the_files_stay_within_bounds(tmp_path: Path) -> None:
    bound = 40_000
    with Spool(tmp_path, max_bytes=bound, when_full="drop_oldest") as spool:
        for number in range(1_500):
            spool.append("prompts", idempotency_key=f"{number:06}")
        assert spool.stats().pending_bytes <= bound
    assert (tmp_path / "spool.db").stat().st_size < 2.5 * bound


def test_what_is_too_old_is_set_aside(tmp_path: Path) -> None:
    with Spool(tmp_path, max_age=timedelta(seconds=0.05)) as spool:
        fill(spool, 3)
        time.sleep(0.1)
        spool.expire()
        assert spool.pending() == 0
        assert [(each.code, each.body["idempotency_key"]) for each in spool.dead_letters()] == [
            ("too_old", "k0"),
            ("too_old", "k1"),
            ("too_old", "k2"),
        ]


def test_dead_letters_are_bounded_and_bear_a_cut_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Spool(tmp_path) as spool:
        fill(spool, 2)
        spool.settle(dead=[(entry, 422, "unknown_feature", "no such") for entry in spool.first(1)])
        path = tmp_path / "dead-letters.jsonl"
        path.write_bytes(path.read_bytes() + b'{"body": {"feat')
        spool.settle(dead=[(entry, 402, "quota_exceeded", "full") for entry in spool.first(1)])
        assert [each.code for each in spool.dead_letters()] == ["unknown_feature", "quota_exceeded"]
        monkeypatch.setattr(letters, "MAX_FILE_BYTES", 1_000)
        fill(spool, 30, "more")
        for entry in spool.first(30):
            spool.settle(dead=[(entry, 402, "quota_exceeded", "full")])
        assert sum(file.stat().st_size for file in tmp_path.glob("dead-letters*.jsonl")) <= 2_000
        assert spool.dead_letters()[-1].body["idempotency_key"] == "more29"


def test_threads_share_their_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Spool(tmp_path) as spool:
        spool.append("prompts", idempotency_key="first")
        transaction, commits = spool._store.transaction, []

        def counted(work: Callable[[sqlite3.Connection], Any]) -> Any:
            commits.append(work)
            return transaction(work)

        monkeypatch.setattr(spool._store, "transaction", counted)
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda n: spool.append("prompts", idempotency_key=f"t{n}"), range(640)))
        assert spool.pending() == 641
    assert len(commits) < 640


def copy_of_a_running_spool(directory: Path, count: int) -> tuple[Path, list[int]]:
    """Files as a crash leaves them: the log not yet in the database. Also the length of the log after each append."""
    live, copied = directory / "live", directory / "copy"
    lengths = []
    with Spool(live) as spool:
        spool.pending()
        for number in range(count):
            spool.append("prompts", idempotency_key=f"k{number}")
            lengths.append((live / "spool.db-wal").stat().st_size)
        copied.mkdir()
        for name in ("spool.db", "spool.db-wal"):
            shutil.copy(live / name, copied / name)
    return copied, lengths


def whole_after_cut(copied: Path, place: Path, cut: int) -> list[str]:
    """What is read from a copy whose log was cut, after it took one more."""
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    shutil.copy(copied / "spool.db", place)
    (place / "spool.db-wal").write_bytes((copied / "spool.db-wal").read_bytes()[:cut])
    with Spool(place) as spool:
        found = keys_in(spool)
        spool.append("prompts", idempotency_key="after")
        assert keys_in(spool) == [*found, "after"]
    return found


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A directory where syncing costs nothing, where there is one: what is cut here is cut by us."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


def test_a_log_cut_at_every_byte_of_its_last_commit_keeps_all_before(in_memory: Path) -> None:
    copied, lengths = copy_of_a_running_spool(in_memory, 3)
    keys = ["k0", "k1", "k2"]
    log = (copied / "spool.db-wal").read_bytes()
    store = (copied / "spool.db").read_bytes()
    place = in_memory / "cut"
    place.mkdir()
    for cut in range(lengths[1], lengths[2] + 1):
        (place / "spool.db").write_bytes(store)
        (place / "spool.db-wal").write_bytes(log[:cut])
        with Spool(place) as spool:
            assert keys_in(spool) == (keys if cut == lengths[2] else keys[:2]), cut


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_log_cut_anywhere_reads_as_the_last_whole_commit(tmp_path: Path, data: st.DataObject) -> None:
    where = tmp_path / "made"
    if not where.exists():
        where.mkdir()
        _, lengths = copy_of_a_running_spool(where, 12)
        (where / "lengths").write_text(json.dumps(lengths))
    lengths = json.loads((where / "lengths").read_text())
    cut = data.draw(st.integers(0, lengths[-1]))
    found = whole_after_cut(where / "copy", tmp_path / "cut", cut)
    acknowledged = sum(length <= cut for length in lengths)
    assert found == [f"k{number}" for number in range(acknowledged)]


def damage_schema(content: bytearray) -> None:
    at = content.index(b"id integer primary key")
    content[at : at + 2] = b"i0"


def damage_format(content: bytearray) -> None:
    content[18] = 255


@pytest.mark.parametrize("damage", [damage_schema, damage_format])
def test_what_can_be_read_is_kept_whatever_the_head_claims(tmp_path: Path, damage: Callable[[bytearray], None]) -> None:
    with Spool(tmp_path) as spool:
        fill(spool, 60)
    content = bytearray((tmp_path / "spool.db").read_bytes())
    damage(content)
    (tmp_path / "spool.db").write_bytes(content)
    with Spool(tmp_path) as spool:
        spool.append("prompts", idempotency_key="after")
        assert keys_in(spool) == [*(f"k{number}" for number in range(60)), "after"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_never_stops_the_program(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes gone or wrong anywhere in the database: what can be read is kept, the rest lies beside, and it goes on."""
    made = tmp_path / "made"
    if not made.exists():
        with Spool(made) as spool:
            fill(spool, 60)
    place = tmp_path / "damaged"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(made, place)
    content = bytearray((place / "spool.db").read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        length = data.draw(st.integers(1, 600))
        content[at : at + length] = data.draw(st.binary(min_size=1, max_size=1)) * len(content[at : at + length])
    (place / "spool.db").write_bytes(content)
    with Spool(place) as spool:
        spool.append("prompts", idempotency_key="after")
        spool.expire()
        found = keys_in(spool)
    assert found[-1] == "after"
    assert len(set(found)) == len(found)
    assert set(found) <= {f"k{number}" for number in range(60)} | {"after"}, "nothing is made up"
    with Spool(place) as spool:
        assert keys_in(spool) == found
        spool.settle(sent=spool.first(100))
        assert spool.pending() == 0


def start(directory: Path, name: str, count: int, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(APPENDER), str(directory), name, str(count), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program


def first_said(process: "subprocess.Popen[str]") -> list[str]:
    """Wait until it is at work: a busy machine takes seconds to start a program."""
    assert process.stdout is not None
    return [process.stdout.readline().strip()]


def said(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    with process.stdout as lines:
        return [line.strip() for line in lines if line.endswith("\n")]


def test_processes_share_a_directory_and_may_be_killed(tmp_path: Path) -> None:
    """Four at once, two of them killed: everything acknowledged is there once, in each one's order."""
    processes = [start(tmp_path, f"p{number}", 100_000 if number < 2 else 250) for number in range(4)]
    begun = [first_said(process) for process in processes]
    time.sleep(0.5)
    for process in processes[:2]:
        process.send_signal(signal.SIGKILL)
    acknowledged = [first + said(process) for first, process in zip(begun, processes, strict=True)]
    codes = [process.wait(60) for process in processes]
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0, 0]
    with Spool(tmp_path) as spool:
        found = keys_in(spool)
        assert len(found) == len(set(found)) == spool.pending()
    for number, keys in enumerate(acknowledged):
        own = [key for key in found if key.startswith(f"p{number}-")]
        assert own[: len(keys)] == keys
        assert len(own) <= len(keys) + 1, "at most the one whose acknowledgement was under way"
    assert [len(keys) for keys in acknowledged[2:]] == [250, 250]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_goes_on_with_the_spool(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        fill(spool, 3)
        assert spool.lead()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                spool.append("prompts", idempotency_key="child")
                status = 0 if spool.pending() == 4 and spool.lead() else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        spool.append("prompts", idempotency_key="parent")
        assert keys_in(spool) == ["k0", "k1", "k2", "child", "parent"]


def test_one_sends_at_a_time_and_the_next_takes_over(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    assert first.lead()
    assert first.lead()
    assert not second.lead()
    first.close()
    assert second.lead()
    second.close()
