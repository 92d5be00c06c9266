"""Values of looking after background work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tollkeeper.kit import ConflictError, NotFoundError


class JobState(StrEnum):
    """How a job stands. What succeeded is gone."""

    WAITING = "waiting"
    RETRYING = "retrying"
    LATER = "later"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER = frozenset({JobState.FAILED, JobState.CANCELLED})
"""Nothing more happens to such a job by itself."""


@dataclass(frozen=True, slots=True)
class JobNotes:
    """What was noted of a job. `total` 0: nobody knows how much there is to do. `error` empty: no try failed."""

    done: int = 0
    total: int = 0
    words: str = ""
    error: str = ""
    failed_at: datetime | None = None

    @property
    def share(self) -> int | None:
        """How far it has come, in whole percent up to 100; None when nobody knows."""
        return min(100, self.done * 100 // self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class KnownJob:
    """One job. `attempts` counts tries that failed, `scheduled_at` is when the next begins (None: at once).

    `created_at` and `changed_at` are None when the queue has forgotten them. `lock` names what runs one at a time.
    `stopping`: it was called off while it runs.
    """

    id: int
    queue: str
    name: str
    state: JobState
    attempts: int
    lock: str | None
    payload: Mapping[str, Any]
    scheduled_at: datetime | None
    created_at: datetime | None
    changed_at: datetime | None
    stopping: bool
    notes: JobNotes

    @property
    def may_run_again(self) -> bool:
        """Whether somebody may have it run now: it was given up, or waits for a time to come."""
        return self.state in {JobState.FAILED, JobState.RETRYING, JobState.LATER}

    @property
    def may_be_cancelled(self) -> bool:
        """Whether it can be called off: it waits, or runs and was not told to stop yet."""
        return self.state not in OVER and not self.stopping


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a job, in the queue's own words (`started`, `deferred_for_retry`)."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SoughtJobs:
    """Which jobs are looked for; None: whichever."""

    state: JobState | None = None
    queue: str | None = None
    name: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class QueueTally:
    """How many jobs of a queue stand how. `oldest_seconds`: since when the oldest that is due waits; 0: none is due."""

    queue: str
    waiting: int
    retrying: int
    later: int
    running: int
    failed: int
    cancelled: int
    oldest_seconds: float


class JobNotFoundError(NotFoundError):
    """No such job is known: it succeeded, or never was."""

    code = "job_not_found"
    title = "There is no such job"
    hint = "A job that succeeded is gone; its effects are what remains."


class JobNotActionableError(ConflictError):
    """The job's state does not allow it."""

    code = "job_not_actionable"
    title = "The job's state does not allow this"
    hint = "Look at how it stands now: jobs go on while you read."
