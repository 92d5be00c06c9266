"""Files a command is given."""

from pathlib import Path

from .errors import FileUnreadableError


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        FileUnreadableError: there is no such file, it may not be read, or it is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileUnreadableError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None
    except UnicodeDecodeError:
        raise FileUnreadableError(f"{path} is not a text file in UTF-8.") from None
