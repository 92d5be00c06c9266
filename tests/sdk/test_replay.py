"""Sending what the spool holds: in order, refusals set aside, one sender at a time, and never twice for the server."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tollkeeper_sdk import Spool
from tollkeeper_sdk.spool import Entry, Replay, Verdict, replay

TAKEN = Verdict(taken=True)
DOWN = Verdict(reason="nobody there")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "FIRST_WAIT_SECONDS", 0.002)
    monkeypatch.setattr(replay, "LONGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(replay, "IDLE_SECONDS", 0.01)


class Server:
    """Answers as it is told, and keeps what it took."""

    def __init__(self, answer: Callable[[str], Verdict]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.taken: list[str] = []

    def __call__(self, entry: Entry) -> Verdict:
        key = json.loads(entry.body)["idempotency_key"]
        with self._lock:
            self.asked.append(key)
            verdict = self._answer(key)
            if verdict.taken:
                self.taken.append(key)
        return verdict


def run(spool: Spool, server: Server, timeout: float = 20) -> Replay:
    sending = Replay(spool, server)
    sending.wake()
    assert sending.flush(timeout)
    sending.close()
    return sending


def test_each_lane_in_order_and_all_of_them(tmp_path: Path) -> None:
    server = Server(lambda _: TAKEN)
    with Spool(tmp_path) as spool:
        for number in range(500):
            spool.append(f"feature{number % 7}", customer=f"c{number % 3}", idempotency_key=f"{number}")
        run(spool, server)
        assert spool.stats().sent == 500
    assert Counter(server.taken) == Counter({f"{number}": 1 for number in range(500)})
    for lane in range(21):
        own = [int(key) for key in server.taken if int(key) % 21 == lane]
        assert own == sorted(own)


def test_refused_ones_are_set_aside_and_hold_up_nobody(tmp_path: Path) -> None:
    refusal = Verdict(refused=True, status=422, code="unknown_feature", reason="no such feature")
    server = Server(lambda key: refusal if key.startswith("bad") else TAKEN)
    with Spool(tmp_path) as spool:
        for number in range(30):
            spool.append("prompts", idempotency_key=f"bad{number}" if number % 3 == 0 else f"{number}")
        run(spool, server)
        letters = spool.dead_letters()
        assert (spool.stats().sent, spool.stats().dead) == (20, 10)
    assert len(server.taken) == 20
    assert {(each.status, each.code, each.reason) for each in letters} == {(422, "unknown_feature", "no such feature")}
    assert letters[0].body["idempotency_key"] == "bad0"


def test_what_the_server_fails_at_again_and_again_is_set_aside(tmp_path: Path) -> None:
    failure = Verdict(failed=True, status=500, code="internal_error", reason="broken")
    server = Server(lambda key: failure if key == "poison" else TAKEN)
    with Spool(tmp_path) as spool:
        for key in ("a", "poison", "b"):
            spool.append("prompts", idempotency_key=key)
        spool.append("other", idempotency_key="c")
        run(spool, server)
        assert [each.code for each in spool.dead_letters()] == ["internal_error"]
    assert sorted(server.taken) == ["a", "b", "c"]
    assert server.asked.count("poison") == replay.MAX_ATTEMPTS


def test_an_outage_is_waited_out(tmp_path: Path) -> None:
    left = iter(range(15))
    server = Server(lambda _: DOWN if next(left, None) is not None else TAKEN)
    with Spool(tmp_path) as spool:
        for number in range(10):
            spool.append("prompts", idempotency_key=f"{number}")
        sending = run(spool, server)
        assert sending.last_error == ""
    assert server.taken == [f"{number}" for number in range(10)]


def test_while_it_is_down_it_says_why_and_everything_stays(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.append("prompts", idempotency_key="one")
        sending = Replay(spool, Server(lambda _: DOWN))
        assert not sending.flush(0.2)
        sending.close()
        assert sending.last_error == "nobody there"
        assert spool.pending() == 1


def test_two_senders_of_one_directory_send_once(tmp_path: Path) -> None:
    server = Server(lambda _: TAKEN)
    with Spool(tmp_path) as first, Spool(tmp_path) as second:
        sending = [Replay(first, server), Replay(second, server)]
        for number in range(200):
            (first if number % 2 else second).append("prompts", idempotency_key=f"{number}")
        assert all(each.flush(20) for each in sending)
        for each in sending:
            each.close()
    assert Counter(server.asked) == Counter({f"{number}": 1 for number in range(200)})


class Many(Server):
    """Takes many entries a call, too."""

    def __init__(self, answer: Callable[[str], Verdict], whole: Callable[[], Verdict | None] = lambda: TAKEN) -> None:
        super().__init__(answer)
        self._whole = whole
        self.calls: list[int] = []

    def many(self, entries: Sequence[Entry]) -> Sequence[Verdict] | Verdict | None:
        self.calls.append(len(entries))
        verdict = self._whole()
        return [self(entry) for entry in entries] if verdict is TAKEN else verdict


def run_many(spool: Spool, server: Many) -> None:
    sending = Replay(spool, server, server.many)
    sending.wake()
    assert sending.flush(20)
    sending.close()


def test_many_go_in_one_call_in_order_with_a_verdict_each(tmp_path: Path) -> None:
    refusal = Verdict(refused=True, status=402, code="quota_exceeded", reason="full")
    server = Many(lambda key: refusal if key == "7" else TAKEN)
    with Spool(tmp_path) as spool:
        for number in range(1200):
            spool.append(f"feature{number % 7}", idempotency_key=f"{number}")
        run_many(spool, server)
        assert [each.body["idempotency_key"] for each in spool.dead_letters()] == ["7"]
        assert spool.stats().sent == 1199
    assert server.calls == [500, 500, 200]
    assert server.taken == [f"{number}" for number in range(1200) if number != 7]


def test_what_cannot_go_at_once_goes_one_by_one(tmp_path: Path) -> None:
    server = Many(lambda _: TAKEN, lambda: None)
    with Spool(tmp_path) as spool:
        for number in range(20):
            spool.append("prompts", idempotency_key=f"{number}")
        run_many(spool, server)
    assert server.taken == [f"{number}" for number in range(20)]
    assert server.calls


def test_many_wait_out_an_outage(tmp_path: Path) -> None:
    left = iter(range(5))
    server = Many(lambda _: TAKEN, lambda: DOWN if next(left, None) is not None else TAKEN)
    with Spool(tmp_path) as spool:
        for number in range(20):
            spool.append("prompts", idempotency_key=f"{number}")
        run_many(spool, server)
    assert server.asked == [f"{number}" for number in range(20)]
