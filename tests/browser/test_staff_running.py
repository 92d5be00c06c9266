"""Staff keep it running: jobs that failed or wait, the system, the mails, the settings and the trail."""

import pytest
from playwright.sync_api import expect

from .conftest import Server
from .people import STAFF, Visitor, Visitors

JOB = "POST /admin/jobs/{number}"
GIVEN_UP, LATER = "orgs.forget_invitations", "orgs.delete_people"


def plant(server: Server) -> None:
    """Two jobs that are harmless whenever they run: one that was given up, one whose time has yet to come."""
    with server.database() as connection:
        connection.execute(
            "insert into procrastinate_jobs (queue_name, task_name, args, status, attempts, scheduled_at) values"
            " ('default', %s, '{\"timestamp\": 1}', 'failed', 10, now()),"
            " ('default', %s, '{\"timestamp\": 1}', 'todo', 0, now() + interval '1 day')",
            [GIVEN_UP, LATER],
        )


def sought(boss: Visitor, name: str) -> None:
    """Look for jobs of this name."""
    boss.go("/admin/jobs")
    boss.page.get_by_label("Job", exact=True).fill(name)
    boss.press("Show")


def act_on_jobs(boss: Visitor) -> None:
    """Have the one run and call the other off."""
    sought(boss, GIVEN_UP)
    boss.screenshot("admin-jobs-light")
    boss.follow(GIVEN_UP)
    boss.follow("Run it now")
    boss.press("Run it now")
    boss.says("It runs as soon as a worker is free.")
    for _ in range(120):  # what succeeded is not listed any more
        sought(boss, GIVEN_UP)
        if boss.page.get_by_text("No job is like that").count():
            break
        boss.page.wait_for_timeout(250)
    boss.says("No job is like that")
    sought(boss, LATER)
    boss.follow(LATER)
    boss.follow("Call it off")
    boss.press("Call it off")
    boss.says("It is called off.")


def look_around(boss: Visitor) -> None:
    """Everything that only shows: the system, a mail, a setting, and in the trail what was just done."""
    boss.go("/admin")
    boss.follow("System")
    expect(boss.page.get_by_role("heading", name="What lags behind")).to_be_visible()
    boss.follow("Mails")
    boss.follow("Verify your e-mail address")
    frame = boss.page.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Verify this address")).to_be_visible()
    boss.screenshot("admin-mail-light")
    boss.follow("Settings")
    boss.page.get_by_label("Search", exact=True).fill("TOLLKEEPER_RATE_LIMITS")
    boss.press("Show")
    expect(boss.page.get_by_role("listitem").filter(has_text="TOLLKEEPER_RATE_LIMITS")).to_contain_text("off")
    boss.follow("Trail")
    with boss.page.expect_navigation():
        boss.page.get_by_label("What", exact=True).select_option(label="Jobs")
    boss.says("A job was called off")
    boss.says("A job was run again")


@pytest.mark.acts(f"{JOB}/retry", f"{JOB}/cancel")
def test_staff_keep_it_running(visitors: Visitors, server: Server) -> None:
    plant(server)
    boss = visitors.new()
    boss.log_in(*STAFF)
    act_on_jobs(boss)
    look_around(boss)
