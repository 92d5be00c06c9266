"""Somebody says who they are, takes their data along, has their account deleted, and is gone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from .conftest import Server
from .people import PASSWORD, Visitors, fresh_email, track


def tollkeeper(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the operator's beside the server."""
    program = str(Path(sys.executable).parent / "tollkeeper")
    data = ["--data-dir", str(server.log.parent / "data")]
    return subprocess.run(  # noqa: S603 - our own program
        [program, *arguments, *data], capture_output=True, text=True, timeout=120, check=False, cwd=server.log.parent
    )


@pytest.mark.acts("POST /profile/exports", "POST /profile/picture", "POST /profile/delete")
def test_delete_the_account(visitors: Visitors, server: Server, tmp_path: Path) -> None:
    ada, email = visitors.new(), fresh_email("leaving")
    ada.sign_up(email)
    key = ada.create_key()
    assert track(server.url, key).status_code == 200
    Image.new("RGB", (400, 300), (11, 95, 110)).save(tmp_path / "me.png")
    ada.go("/profile")
    ada.page.get_by_label("File").set_input_files(tmp_path / "me.png")
    ada.press("Show this picture")
    expect(ada.page.get_by_alt_text("Your picture")).to_be_visible()
    ada.screenshot("profile")
    ada.press("Export my data")
    download = ada.page.get_by_role("link", name="Download")
    for _ in range(100):  # the worker makes it
        if download.count():
            break
        ada.page.wait_for_timeout(200)
        ada.go("/profile")
    with ada.page.expect_download() as fetched:
        download.click()
    with zipfile.ZipFile(fetched.value.path()) as archive:
        assert {"users.json", "picture.webp", "usage.json"} <= set(archive.namelist())
    ada.page.get_by_role("link", name="Delete my account").click()
    ada.press("Delete my account")
    expect(ada.page.get_by_text(f"Type {email}.")).to_be_visible()
    ada.screenshot("delete-account")
    ada.page.get_by_label(f"Type {email} to confirm").fill(email)
    ada.press("Delete my account")
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("Your account is being deleted")
    ada.go("/dashboard")
    expect(ada.page.get_by_role("status").get_by_text("Your account is being deleted")).to_be_visible()
    assert track(server.url, key).status_code == 200, "until the day everything works as before"
    assert tollkeeper(server, "privacy", "delete", email, "--yes").returncode == 0, "the day has come"
    ada.go("/dashboard")
    expect(ada.page).to_have_url(f"{server.url}/login?next=%2Fdashboard")
    ada.page.get_by_label("E-mail").fill(email)
    ada.page.get_by_label("Password").fill(PASSWORD)
    ada.press("Log in")
    expect(ada.page.get_by_text("The e-mail address or the password is wrong")).to_be_visible()
    assert track(server.url, key).status_code == 401
    checked = tollkeeper(server, "privacy", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Nothing is left" in checked.stdout
