"""How an export is written: pure."""

import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from io import BytesIO
from uuid import UUID

_README = """This is what {site} holds of you, as of {day}.

Each file is JSON text, in UTF-8, times in UTC; pictures are as they are shown.
"""


def write_zip(files: Mapping[str, object], *, site: str, now: datetime) -> bytes:
    """Return a zip file with one file for each entry: bytes as they are, everything else as JSON.

    The same entries at the same moment give the same bytes.
    """
    readme = _README.format(site=site, day=f"{now:%-d %B %Y}")
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"README.txt": readme.encode(), **files}.items():
            entry = zipfile.ZipInfo(name, now.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content if isinstance(content, bytes) else _as_json(content))
    return written.getvalue()


def _as_json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case frozenset() | set():
            return sorted(value)
    raise TypeError(f"an export cannot hold a {type(value).__name__}")
