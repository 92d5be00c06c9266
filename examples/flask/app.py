"""A Flask service metered by Tollkeeper: every chat is a prompt, counted before the work."""  # noqa: INP001 - a program, not a package

import os
from collections.abc import Iterator

from flask import Flask, Response, request

from tollkeeper_sdk import Tollkeeper, TollkeeperWSGI

toll = Tollkeeper(os.environ["TOLL_URL"], os.environ["TOLL_KEY"])

app = Flask(__name__)
app.wsgi_app = TollkeeperWSGI(app.wsgi_app, toll, feature={"POST /chat": "prompts"}, public=("/hello",))  # type: ignore[method-assign]  # as Flask tells to


@app.get("/hello")
def hello() -> dict[str, str]:
    """Anybody may see this."""
    return {"hello": "world"}


@app.get("/me")
def me() -> dict[str, str]:
    """Needs a key, counts nothing."""
    caller = request.environ["tollkeeper"]
    return {"organization": caller.organization, "plan": caller.plan}


@app.post("/chat")
def chat() -> Response:
    """A prompt, answered word by word."""
    question = request.get_data(as_text=True)
    if question == "crash":
        raise RuntimeError("a bug")

    def words() -> Iterator[str]:
        for word in ("You", "said:", question):
            yield f"{word} "

    return Response(words(), mimetype="text/plain")
