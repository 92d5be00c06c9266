"""What people, organizations and keys may be called."""

import pytest

from tollkeeper.identity import clean_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada \t Lovelace\n", "Ada Lovelace"),
        ("Ada\x00\x1bLovelace", "Ada Lovelace"),
        ("Ad\u200ba", "Ada"),
        ("\u202eecalevoL", "ecalevoL"),
        ("A\u2066d\u2069a", "Ada"),
        ("\u3164\u200d", ""),
        ("\ufeff \u00ad", ""),
        ("\u0301", ""),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("Jose\u0301", "Jose\u0301"),
        ("\u05e2\u05d3\u05d4", "\u05e2\u05d3\u05d4"),
    ],
)
def test_nobody_is_called_by_what_is_not_seen(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept
