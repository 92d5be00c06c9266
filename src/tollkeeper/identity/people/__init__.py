"""What people say of themselves: their picture, how they want to be treated.

Owns: preferences and pictures. Does not own: names, addresses, time zones (identity itself).
Invariants: a sort of mails somebody does without is not sent to them; who chose nothing is treated by the defaults; a
picture kept was drawn by us and holds nothing else of the file it came from.
"""

from .model import (
    MAX_PICTURE,
    PICTURE_KINDS,
    PICTURE_TYPE,
    Notification,
    Picture,
    PictureNotFoundError,
    Portrait,
    Preferences,
    Theme,
)
from .rules import check_language_tag, redraw
from .service import change_preferences, get_picture, get_preferences, portrait_of, remove_picture, set_picture
from .writing import write_to

__all__ = [
    "MAX_PICTURE",
    "PICTURE_KINDS",
    "PICTURE_TYPE",
    "Notification",
    "Picture",
    "PictureNotFoundError",
    "Portrait",
    "Preferences",
    "Theme",
    "change_preferences",
    "check_language_tag",
    "get_picture",
    "get_preferences",
    "portrait_of",
    "redraw",
    "remove_picture",
    "set_picture",
    "write_to",
]
