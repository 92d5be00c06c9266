"""Where somebody is logged in: the list they see, and ending one login or all others.

Owns: what a login is called to its owner (device, place).
Does not own: opening logins and using them (identity itself).
Invariants: nobody sees or ends a login of somebody else's; a login ends whole, the browser's session with the tokens
given out beside it, and every process knows within a second.
What each time means: `Login.last_seen_at` is exact to a minute; of programs it is the last time a token was refreshed.
"""

from .model import Login, LoginNotFoundError
from .naming import Places, device_name, place_of
from .service import close_login_of_person, close_logins, list_logins, note_arrival

__all__ = [
    "Login",
    "LoginNotFoundError",
    "Places",
    "close_login_of_person",
    "close_logins",
    "device_name",
    "list_logins",
    "note_arrival",
    "place_of",
]
