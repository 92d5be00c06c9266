"""What people say of themselves."""

from io import BytesIO

import pytest
from PIL import Image

from tollkeeper.identity import check_language_tag, get_picture, redraw
from tollkeeper.infra import Runtime
from tollkeeper.kit import InvalidInputError

from .conftest import Join

PNG = {"Content-Type": "image/png"}


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 320), **more: object) -> bytes:
    drawn = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(drawn, kind, **more)
    return drawn.getvalue()


async def test_who_chose_nothing_is_treated_by_the_defaults(join: Join) -> None:
    ada = await join("Ada")
    found = (await ada("GET", "/profile/settings")).json()
    assert found == {
        "theme": "system",
        "language": "en",
        "notifications": {"usage": True, "billing": True, "team": True, "news": True},
    }


async def test_what_is_not_named_stays(join: Join) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await ada("PATCH", "/profile/settings", {"theme": "dark", "notifications": {"news": False}})
    answer = await ada("PATCH", "/profile/settings", {"language": "DE-at", "notifications": {"team": False}})
    assert answer.json() == {
        "theme": "dark",
        "language": "de-AT",
        "notifications": {"usage": True, "billing": True, "team": False, "news": False},
    }
    assert (await ada("GET", "/profile/settings")).json() == answer.json()
    assert (await eve("GET", "/profile/settings")).json()["theme"] == "system"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"theme": None}, "theme"),
        ({"language": "english please"}, "language"),
        ({"notifications": {"security": False}}, "notifications.security.[key]"),
    ],
)
async def test_settings_that_make_no_sense_are_refused_by_name(join: Join, sent: dict[str, object], field: str) -> None:
    ada = await join("Ada")
    answer = await ada("PATCH", "/profile/settings", sent)
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_a_profile_has_a_language_and_a_time_zone(join: Join) -> None:
    ada = await join("Ada")
    assert (await ada("GET", "/profile")).json()["locale"] == "en"
    answer = await ada("PATCH", "/profile", {"locale": "zh-hant-tw", "time_zone": "Asia/Taipei"})
    assert (answer.json()["locale"], answer.json()["time_zone"]) == ("zh-Hant-TW", "Asia/Taipei")
    assert (await ada("PATCH", "/profile", {"locale": "x"})).status_code == 422


@pytest.mark.parametrize("tag", ["", "e", "en-", "en_GB", "en-GB-oxendict", "de--AT", "12", "en\n"])
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_language_tag(tag, "locale")
    assert refused.value.problems[0].field == "locale"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_drawn_anew_without_what_else_it_held(join: Join, runtime: Runtime, kind: str) -> None:
    ada = await join("Ada")
    meta = Image.Exif()
    meta[0x010E] = "taken at home"
    sent = picture(kind, exif=meta)
    assert b"taken at home" in sent
    assert (await ada("GET", "/profile/picture")).status_code == 404
    content = {"Content-Type": f"image/{kind.lower()}"}
    answer = await ada.client.post("/api/profile/picture", content=sent, headers=content)
    assert answer.status_code == 204, answer.text
    shown = await ada("GET", "/profile/picture")
    assert shown.headers["content-type"] == "image/webp"
    assert b"taken at home" not in shown.content
    with Image.open(BytesIO(shown.content)) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (256, 256))
        assert not drawn.getexif()
    async with runtime.transaction() as tx:
        assert (await get_picture(tx, ada.user_id)).content == shown.content


async def test_a_picture_is_replaced_and_removed_and_is_ones_own(join: Join) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await ada.client.post("/api/profile/picture", content=picture(), headers=PNG)
    first = (await ada("GET", "/profile/picture")).content
    await ada.client.post("/api/profile/picture", content=picture(size=(10, 900)), headers=PNG)
    assert (await ada("GET", "/profile/picture")).status_code == 200
    assert (await eve("GET", "/profile/picture")).status_code == 404
    assert first
    for _ in range(2):
        assert (await ada("DELETE", "/profile/picture")).status_code == 204
    assert (await ada("GET", "/profile/picture")).json()["code"] == "picture_not_found"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "image/png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/png"),
        (picture("GIF"), "image/png"),
        (picture()[:200], "image/png"),
        (picture(), "image/svg+xml"),
        (picture(), "application/json"),
    ],
)
async def test_what_is_no_picture_is_refused(join: Join, content: bytes, kind: str) -> None:
    ada = await join("Ada")
    answer = await ada.client.post("/api/profile/picture", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == ["picture"]
    assert (await ada("GET", "/profile/picture")).status_code == 404


def test_a_picture_that_claims_to_be_huge_is_not_drawn() -> None:
    with pytest.raises(InvalidInputError, match="million pixels"):
        redraw(picture(size=(8000, 4000)))


async def test_own_usage_is_the_persons_part_of_the_organizations(join: Join) -> None:
    ada = await join("Ada")
    key = (await ada("POST", "/keys", {"name": "server"})).json()["secret"]
    assert (await ada("POST", "/usage/track", {"feature": "prompts", "count": 3})).status_code == 200
    by_key = {"Authorization": f"Bearer {key}"}
    other = {"feature": "prompts", "count": 4, "member": "00000000-0000-7000-8000-000000000001"}
    assert (await ada("POST", "/usage/track", other, headers=by_key)).status_code == 200
    answer = (await ada("GET", "/profile/usage")).json()
    prompts = next(each for each in answer["data"] if each["feature"] == "prompts")
    assert (prompts["used"], prompts["own"]) == (7, 3)
    assert prompts["remaining"] == prompts["limit"] - 7
    assert prompts["percent"] == round(700 / prompts["limit"], 1)
    assert prompts["last_used_at"] is not None
    others = [each for each in answer["data"] if each["feature"] != "prompts"]
    assert all((each["own"], each["last_used_at"]) == (0, None) for each in others)
