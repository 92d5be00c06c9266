from datetime import datetime
from typing import Literal

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from tollkeeper.web.site.reference import groups_of


class Line(BaseModel):
    text: str


class Order(BaseModel):
    kind: Literal["now", "later"] = "now"
    at: datetime | None = None
    lines: list[Line] = Field(description="What is ordered.")


def document() -> dict[str, object]:
    app = FastAPI()
    router = APIRouter(prefix="/api/orders", tags=["orders"])

    @router.post("/{name}")
    async def place(name: str, order: Order, dry: bool = False) -> Order:  # noqa: ARG001 - only its signature is read
        """Place an order.

        Nothing is charged yet.
        """
        return order

    app.include_router(router)
    return app.openapi()


def test_every_call_is_shown_with_what_it_takes_and_answers() -> None:
    (group,) = groups_of(document())
    (call,) = group.calls
    assert (group.title, call.method, call.path) == ("Orders", "POST", "/api/orders/{name}")
    assert (call.summary, call.description) == ("Place an order.", "Nothing is charged yet.")
    assert [(each.name, each.kind, each.required) for each in call.parameters] == [
        ("name", "string, in path", True),
        ("dry", "boolean, in query", False),
    ]
    assert [(each.name, each.kind, each.required) for each in call.body] == [
        ("kind", "now | later", False),
        ("at", "time or null", False),
        ("lines", "list of object", True),
        ("lines[].text", "string", True),
    ]
    assert call.body[2].text == "What is ordered."
    answers = {answer.status: answer for answer in call.answers}
    assert [each.name for each in answers["200"].fields] == ["kind", "at", "lines", "lines[].text"]
    assert answers["422"].fields == ()


def test_a_document_without_calls_has_no_groups() -> None:
    assert groups_of({"paths": {}}) == []
