"""Pages tell people what to do; calls and headers are for programs."""

import re
from collections.abc import Iterator

import pytest

from tollkeeper.kit import FieldProblem, InvalidInputError, TollkeeperError
from tollkeeper.web.ui import advice, said

from .conftest import PASSWORD, Browser

FOR_PROGRAMS = re.compile(r"(GET|POST|PUT|PATCH|DELETE) |/api/|Retry-After|Authorization|next_cursor")


def errors(of: type[TollkeeperError] = TollkeeperError) -> Iterator[type[TollkeeperError]]:
    for each in of.__subclasses__():
        yield each
        yield from errors(each)


def test_no_error_tells_people_of_calls_or_headers(site: object) -> None:  # the application has every error imported
    assert site
    told = {each.code: advice(each.__new__(each)) for each in errors()}
    assert len(told) > 100
    assert {code: words for code, words in told.items() if FOR_PROGRAMS.search(words)} == {}


def test_what_was_mistyped_is_told_without_names_for_programs() -> None:
    error = InvalidInputError([FieldProblem("promotion_code", "type in a code"), FieldProblem("", "Both are empty")])
    assert said(error) == "Type in a code. Both are empty."


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/billing/reactivate", 409),
        ("/billing/change?plan=pro", 409),
        ("/billing/promotion", 422),
        ("/billing?cursor=nonsense", 200),
    ],
)
async def test_refusals_on_pages_speak_to_people(browser: Browser, path: str, status: int) -> None:
    await browser.sign_up("ada@example.com")
    answer = await browser.get(path)
    assert answer.status_code == status
    assert FOR_PROGRAMS.search(re.sub(r"<pre.*?</pre>", "", answer.text, flags=re.DOTALL)) is None


async def test_who_guesses_is_told_how_long_to_wait(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    await browser.send("/dashboard", "/logout")
    guess = {"email": "ada@example.com", "password": f"not {PASSWORD}"}
    answers = [await browser.send("/login", "/login", **guess) for _ in range(12)]
    assert answers[-1].status_code == 429
    assert "Wait until then" in answers[-1].text
    assert "Retry-After" not in answers[-1].text


async def test_what_is_printed_is_the_page_without_what_leads_elsewhere(browser: Browser) -> None:
    await browser.sign_up("ada@example.com")
    heads = re.findall(r"<header[^>]*>", (await browser.get("/billing")).text)
    assert len(heads) == 2
    assert all("print:hidden" in head for head in heads)
