"""What holds for every page by how it is written."""

import re

from .sources import ROOT

WEB = ROOT / "src" / "tollkeeper" / "web"
FIELD = re.compile(r'field\("(\w*(?:password|secret)\w*)"[^}]*')
EXTENDS = re.compile(r'{%-? extends "([^"]+)"')


def templates() -> dict[str, str]:
    return {
        path.relative_to(WEB).as_posix().replace("/templates", ""): path.read_text(encoding="utf-8")
        for path in WEB.rglob("templates/**/*.html")
    }


def test_fields_for_secrets_hide_what_is_typed_and_let_managers_fill_them_in() -> None:
    found = [(name, each) for name, text in templates().items() for each in FIELD.finditer(text)]
    assert len(found) >= 7
    for name, each in found:
        assert 'type="password"' in each[0], f"{name} shows {each[1]}"
        assert "autocomplete=" in each[0], f"{name} does not say what {each[1]} is"
        assert "maxlength" not in each[0], f"{name} cuts {each[1]} off"
    assert [name for name, text in templates().items() if re.search("onpaste|oncopy|ondrop", text)] == []


def test_every_page_of_who_is_logged_in_has_the_way_out() -> None:
    pages = {name: EXTENDS.search(text) for name, text in templates().items() if name.startswith("portal/")}
    frames = {name: found[1] for name, found in pages.items() if found is not None and name != "portal/frame.html"}
    assert len(frames) > 20
    assert {frame for frame in frames.values() if 'action="/logout"' not in templates()[frame]} == set()


def test_our_scripts_put_text_in_as_text_and_listen_to_no_other_window() -> None:
    scripts = list((WEB / "ui" / "assets").glob("*.js"))
    assert scripts
    for path in scripts:
        found = re.search(
            r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|["\']message["\']', path.read_text()
        )
        assert found is None, f"{path.name}: {found}"
