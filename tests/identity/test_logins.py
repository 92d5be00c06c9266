"""What logins are called."""

import struct
from pathlib import Path

import pytest

from tollkeeper.identity import Places, device_name, strength_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari on iOS",
        ),
        ("tool/1.0", "tool"),
        ("", "Unknown device"),
        ("<b>" * 200, ("<b>" * 200)[:80]),
    ],
)
def test_a_device_is_called_what_its_program_says(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


def _text(text: str) -> bytes:
    return bytes([2 << 5 | len(text)]) + text.encode()


def _map(**items: bytes) -> bytes:
    return bytes([7 << 5 | len(items)]) + b"".join(_text(key) + value for key, value in items.items())


def _number(value: int, kind: int = 5) -> bytes:
    return bytes([kind << 5 | 4 if kind == 6 else kind << 5 | 2]) + struct.pack(">I" if kind == 6 else ">H", value)


def everywhere(path: Path, record: bytes) -> Path:
    """A database in MaxMind's format with one record for every address."""
    tree = struct.pack(">I", 1 + 16)[1:] * 2  # one node, both of whose branches lead to the first record
    about = _map(
        binary_format_major_version=_number(2),
        binary_format_minor_version=_number(0),
        build_epoch=bytes([8, 2]) + struct.pack(">Q", 1),
        database_type=_text("Test"),
        description=_map(en=_text("test")),
        ip_version=_number(4),
        languages=bytes([1, 4]) + _text("en"),
        node_count=_number(1, 6),
        record_size=_number(24),
    )
    path.write_bytes(tree + bytes(16) + record + b"\xab\xcd\xefMaxMind.com" + about)
    return path


def test_a_place_is_that_of_the_network(tmp_path: Path) -> None:
    names = _map(en=_text("Turin"), it=_text("Torino"))
    record = _map(city=_map(names=names), country=_map(names=_map(en=_text("Italy"))))
    places = Places(everywhere(tmp_path / "city.mmdb", record))
    assert places.place_of("203.0.113.7") == "Turin, Italy"
    assert places.place_of("2001:db8::1") == ""
    assert places.place_of("no address") == ""
    places.close()


def test_a_place_known_in_part_or_not_at_all(tmp_path: Path) -> None:
    country = Places(everywhere(tmp_path / "country.mmdb", _map(country=_map(names=_map(en=_text("Italy"))))))
    assert country.place_of("203.0.113.7") == "Italy"
    country.close()
    assert Places(None).place_of("203.0.113.7") == ""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    assert Places(broken).place_of("203.0.113.7") == ""
    assert Places(tmp_path / "missing.mmdb").place_of("203.0.113.7") == ""


@pytest.mark.parametrize(
    ("password", "enough"),
    [
        ("password1", False),
        ("qwertyuiop", False),
        ("aaaaaaaaaaaa", False),
        ("lovelace1815", False),
        ("correct horse battery", True),
        ("K4!t0x-9Lq", True),
        ("\ud800" * 9, False),
        ("x" * 1024, False),
    ],
)
def test_a_password_is_judged_by_how_many_guesses_it_takes(password: str, enough: bool) -> None:
    assert strength_of(password, "lovelace@example.com", "Ada Lovelace").is_enough is enough


def test_what_is_known_of_a_person_is_guessed_first() -> None:
    assert strength_of("Ada-Lovelace").score >= strength_of("Ada-Lovelace", "ada@example.com", "Ada Lovelace").score
    assert strength_of("").score == 0
