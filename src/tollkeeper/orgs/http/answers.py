"""Answers that are no JSON, for the API and the pages alike."""

from uuid import UUID

from starlette.responses import Response

from tollkeeper.identity import PICTURE_TYPE, ExportNotFoundError
from tollkeeper.kit import id_or


def picture_response(content: bytes) -> Response:
    """Answer with a picture that only the browser of whom it shows may keep."""
    return Response(content, media_type=PICTURE_TYPE, headers={"cache-control": "private, no-cache"})


def zip_response(content: bytes) -> Response:
    """Answer with a file to be saved, which nobody on the way may keep."""
    headers = {"content-disposition": 'attachment; filename="my-data.zip"', "cache-control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)


def known_export(text: str) -> UUID:
    """Return the id an address names.

    Raises:
        ExportNotFoundError: it is none.
    """
    return id_or(text, ExportNotFoundError)
