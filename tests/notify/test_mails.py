"""Mails: wanted with a transaction, put into words, handed to a server that may not take them."""

import re

import httpx
import psycopg
import pytest
from jinja2 import TemplateNotFound, UndefinedError
from pydantic import SecretStr

from mailbox_process import MailboxProcess, Post, run_waiting
from tollkeeper.infra import Runtime, Settings
from tollkeeper.notify import SAMPLES, MailUnavailableError, render, send_mail
from tollkeeper.notify.rendering import TEMPLATES

MAIL = {"name": "Ada", "changed_at": "2026-03-10T12:00:00+00:00"}


async def want(runtime: Runtime, to: str = "ada@example.com", name: str = "Ada") -> None:
    async with runtime.transaction() as tx:
        await send_mail(tx, to=to, template="password_changed", **{**MAIL, "name": name})


async def test_a_mail_arrives_with_both_bodies_and_honest_headers(runtime: Runtime, post: Post) -> None:
    settings = {"public_url": "https://shop.example/", "mail_from": "The Shop <shop@shop.example>"}
    runtime.settings = runtime.settings.model_copy(update={**settings, "seller_email": "help@shop.example"})
    await want(runtime)
    (mail,) = await post.mails("ada@example.com")
    assert mail["subject"] == "Your password was changed"
    assert (mail["from"], mail["headers"]["Reply-To"]) == ("The Shop <shop@shop.example>", "help@shop.example")
    assert mail["headers"]["Date"] == "Tue, 10 Mar 2026 12:00:00 +0000"
    assert re.fullmatch(r"<[0-9a-f-]{36}@shop\.example>", mail["headers"]["Message-ID"])
    assert mail["headers"]["Auto-Submitted"] == "auto-generated"
    assert "Hello Ada" in mail["text"]
    assert "10 Mar 2026, 12:00 UTC" in mail["text"]
    assert "https://shop.example/password/forgot" in mail["links"]
    assert '<a class="button" href="https://shop.example/password/forgot">' in mail["html"]


class ChangedMindError(Exception):
    pass


async def change_ones_mind(runtime: Runtime) -> None:
    async with runtime.transaction() as tx:
        await send_mail(tx, to="ada@example.com", template="password_changed", **MAIL)
        raise ChangedMindError


async def test_a_mail_nobody_committed_is_not_sent(runtime: Runtime, post: Post) -> None:
    with pytest.raises(ChangedMindError):
        await change_ones_mind(runtime)
    assert await post.mails("ada@example.com") == []


async def test_what_waits_in_the_database_cannot_be_read_there(
    runtime: Runtime, post: Post, clean_database: str
) -> None:
    await want(runtime, name="Lovelace")
    with psycopg.connect(clean_database) as connection:
        waiting = str(connection.execute("select args::text from procrastinate_jobs").fetchall())
    assert "ada@example.com" not in waiting
    assert "Lovelace" not in waiting
    assert len(await post.mails("ada@example.com")) == 1


async def test_a_name_cannot_begin_a_header_or_a_tag(runtime: Runtime, post: Post) -> None:
    async with runtime.transaction() as tx:
        await send_mail(
            tx,
            to="ada@example.com",
            template="email_moving",
            name="Ada\nBcc: eve@example.com",
            new_email="<script>alert(1)</script>",
        )
    (mail,) = await post.mails("")
    assert mail["to"] == ["ada@example.com"]
    assert "Bcc" not in mail["headers"]
    assert "<script>" not in mail["html"]
    assert "&lt;script&gt;" in mail["html"]


async def test_a_mailbox_that_takes_none_now_is_tried_again_and_one_that_is_not_there_is_given_up(
    runtime: Runtime, post: Post
) -> None:
    await want(runtime, "busy@example.com")
    with pytest.raises(MailUnavailableError):
        await run_waiting(runtime)
    await want(runtime, "nobody@example.com")
    await want(runtime, "ada@example.com")
    assert len(await post.mails("ada@example.com")) == 1
    assert post.box.mails("nobody@example.com") == []


async def test_a_server_that_is_down_is_waited_for(runtime: Runtime) -> None:
    runtime.settings = runtime.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})
    await want(runtime)
    with pytest.raises(MailUnavailableError):
        await run_waiting(runtime)


async def test_without_a_server_mails_are_dropped(runtime: Runtime, mailbox: MailboxProcess) -> None:
    mailbox.wipe()
    await want(runtime)
    await run_waiting(runtime)
    assert mailbox.mails() == []


async def test_a_password_is_never_told_over_a_line_others_can_read(runtime: Runtime, post: Post) -> None:
    plain = post.box.smtp_url.replace("smtp://", "smtp://ada:secret@")  # the mailbox offers no STARTTLS
    runtime.settings = runtime.settings.model_copy(update={"smtp_url": SecretStr(plain)})
    await want(runtime)
    with pytest.raises(MailUnavailableError):
        await run_waiting(runtime)
    assert post.box.mails() == []


def test_a_template_that_lacks_a_value_or_does_not_exist_is_a_fault() -> None:
    settings = Settings(_env_file=None, TOLLKEEPER_ENV="test")
    with pytest.raises(UndefinedError):
        render(settings, "email_moving", {"name": "Ada"})
    with pytest.raises(TemplateNotFound):
        render(settings, "no_such_mail", {})


def test_every_mail_has_both_bodies() -> None:
    names = {path.stem for path in TEMPLATES.glob("*.txt")} - {"frame"}
    assert names == {path.stem for path in TEMPLATES.glob("*.html")} - {"frame", "parts"}
    assert {"verify_email", "password_reset", "new_device"} <= names


def test_the_mailbox_shows_mails_to_people(mailbox: MailboxProcess) -> None:
    front = httpx.get(mailbox.url, trust_env=False)
    assert front.status_code == 200
    assert "form-action 'self'" in front.headers["content-security-policy"]
    assert httpx.get(f"{mailbox.url}/mails/999999", trust_env=False).status_code == 404
    assert httpx.get(f"{mailbox.url}/api/mails/999999", trust_env=False).status_code == 404
    planted = httpx.post(f"{mailbox.url}/wipe", headers={"Sec-Fetch-Site": "cross-site"}, trust_env=False)
    assert planted.status_code == 403


def test_every_mail_has_a_sample_with_all_that_it_says() -> None:
    settings = Settings(_env_file=None, TOLLKEEPER_ENV="test")
    named = {each.stem for each in TEMPLATES.glob("*.txt")} - {"frame"}
    assert set(SAMPLES) == named
    for template, sample in SAMPLES.items():
        mail = render(settings, template, dict(sample.data))
        assert mail.subject, template
        assert "<h1>" in mail.html, template
        assert not re.search(r"\bNone\b|\{\{|\}\}", mail.text), template
