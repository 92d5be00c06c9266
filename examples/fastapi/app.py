"""A FastAPI service metered by Tollkeeper: every chat is a prompt, and only answered ones count."""  # noqa: INP001 - a program, not a package

import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

from tollkeeper_sdk import AsyncTollkeeper, TollkeeperASGI

toll = AsyncTollkeeper(os.environ["TOLL_URL"], os.environ["TOLL_KEY"])

app = FastAPI()
app.add_middleware(
    TollkeeperASGI, toll=toll, feature={"POST /chat": "prompts"}, count="success", public=("/hello", "/docs")
)


@app.get("/hello")
async def hello() -> dict[str, str]:
    """Anybody may see this."""
    return {"hello": "world"}


@app.get("/me")
async def me(request: Request) -> dict[str, str | None]:
    """Needs a key, counts nothing."""
    caller = request.state.tollkeeper
    return {"organization": caller.organization, "plan": caller.plan}


@app.post("/chat")
async def chat(request: Request) -> StreamingResponse:
    """A prompt, answered word by word."""
    question = (await request.body()).decode()
    if not question:
        raise HTTPException(422, "Say something.")
    if question == "crash":
        raise RuntimeError("a bug")
    request.state.tollkeeper.quantity = 1 + question.count("?")

    async def words() -> AsyncIterator[str]:
        for word in ("You", "said:", question):
            yield f"{word} "

    return StreamingResponse(words(), media_type="text/plain")
