"""Use cases of guessing."""

from datetime import datetime, timedelta
from uuid import UUID

from tollkeeper.infra import Settings, Tx

from . import store
from .model import DEVICE_LIFE, MAX_DEVICES, Device, LoginThrottledError, Watch
from .rules import account_key, marks_of, waits_until, watch_of_known, watch_of_stranger

# Exact enough for which device was used last, and for forgetting it after months: a log-in need not write it each time.
_TOUCH_EVERY = timedelta(hours=1)


async def watch(tx: Tx, email: str, device: Device) -> Watch:
    """Return what a password typed for this address is counted for, before it is looked at.

    The address need not be anybody's: what is done is the same.

    Raises:
        LoginThrottledError: it is not the next one's turn yet.
    """
    secret = _secret(tx.runtime.settings)
    stranger = watch_of_stranger(secret, email, device)
    as_known = {mark: watch_of_known(secret, email, mark) for mark in marks_of(secret, device)}
    keys = [key for each in (stranger, *as_known.values()) for key in each.limits]
    known, failed = await store.standing(tx, email, as_known, keys)
    found = as_known[known] if known else stranger
    _refuse(tx, waits_until(found, {key: failed[key] for key in found.limits if key in failed}, tx.now))
    return found


async def judge(tx: Tx, watched: Watch, *, fits: bool) -> LoginThrottledError | None:
    """Count a password that was looked at; a refusal is a value, so that what was counted is committed.

    Others may have failed meanwhile: then even a right one is refused, or guesses sent at once would all count.
    """
    failed = await store.lock_failures(tx, watched.limits)
    until = waits_until(watched, failed, tx.now)
    if not fits:
        await store.count_failures(tx, watched.limits)
    elif until is None and watched.own in failed:
        await store.clear_failures(tx, watched.own)
    return LoginThrottledError(retry_after=_seconds(until, tx.now)) if until else None


async def forget_guesses(tx: Tx, email: str) -> None:
    """Let strangers begin anew at this account: its owner has proved themselves by mail."""
    await store.clear_failures(tx, account_key(_secret(tx.runtime.settings), email))


async def remember_device(tx: Tx, user_id: UUID, device: Device, *, sent_token: bool) -> bool:
    """Know the device of somebody who has just logged in; True when they have others, and this is a new one.

    `sent_token` says whether the device brought its cookie. One that did not and is known all the same is a program
    that keeps none: it is not remembered anew each time.
    """
    marks = marks_of(_secret(tx.runtime.settings), device)
    before = await store.marks_of(tx, user_id)
    is_known = not set(marks).isdisjoint(before)
    kept = marks if sent_token or not is_known else marks[-1:]
    if any(mark not in before or tx.now - before[mark] >= _TOUCH_EVERY for mark in kept):
        await store.remember_marks(tx, user_id, kept)
    surplus = [mark for mark in before if mark not in kept][MAX_DEVICES - len(kept) :]
    if surplus:
        await store.forget_marks(tx, user_id, surplus)
    return bool(before) and not is_known


async def forget_devices(tx: Tx, user_id: UUID) -> None:
    """Know none of somebody's devices any more: each is a stranger at its next log-in."""
    await store.forget_all_marks(tx, user_id)


async def forget_old(tx: Tx) -> dict[str, int]:
    """Delete counts and devices that are too old to matter; return how many of each."""
    return {
        "failures": await store.remove_old_failures(tx),
        "devices": await store.remove_old_devices(tx, tx.now - DEVICE_LIFE),
    }


def _refuse(tx: Tx, until: datetime | None) -> None:
    if until is not None:
        raise LoginThrottledError(retry_after=_seconds(until, tx.now))


def _seconds(until: datetime, now: datetime) -> int:
    return int((until - now).total_seconds()) + 1


def _secret(settings: Settings) -> bytes:
    if settings.jwt_secret is None:
        raise RuntimeError("settings come from load_settings, which fills in the secrets")
    return settings.jwt_secret.get_secret_value().encode()
