"""Guessing at passwords: wrong ones make the next one wait, without locking the owner out.

Owns: counts of wrong passwords, and the devices somebody has logged in from.
Does not own: the passwords, calls a minute (gate), wrong codes (factors).
Invariants: strangers wait for each other at an account, whether it exists or not, and at a network; a device the owner
has logged in from waits for nobody but itself; a password that is right is refused as well while its turn has not come,
so that guesses sent at once are worth no more than one after the other; nothing kept tells whose it is.
What each time means: a wait begins with the last wrong password; counts are forgotten a day after it.
"""

from .model import DEVICE_COOKIE, DEVICE_LIFE, Device, LoginThrottledError, Watch
from .service import forget_devices, forget_guesses, forget_old, judge, remember_device, watch

__all__ = [
    "DEVICE_COOKIE",
    "DEVICE_LIFE",
    "Device",
    "LoginThrottledError",
    "Watch",
    "forget_devices",
    "forget_guesses",
    "forget_old",
    "judge",
    "remember_device",
    "watch",
]
