"""A Django service in one file, metered by Tollkeeper: only answered chats count."""  # noqa: INP001 - a program, not a package

import os
import sys
from collections.abc import Iterator

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tollkeeper_sdk import Tollkeeper, TollkeeperWSGI

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"], ROOT_URLCONF=__name__, WSGI_APPLICATION=f"{__name__}.application"
)

toll = Tollkeeper(os.environ["TOLL_URL"], os.environ["TOLL_KEY"])


def hello(_: HttpRequest) -> JsonResponse:
    """Anybody may see this."""
    return JsonResponse({"hello": "world"})


def me(request: HttpRequest) -> JsonResponse:
    """Needs a key, counts nothing."""
    caller = request.environ["tollkeeper"]
    return JsonResponse({"organization": caller.organization, "plan": caller.plan})


@csrf_exempt
def chat(request: HttpRequest) -> HttpResponseBase:
    """A prompt, answered word by word."""
    question = request.body.decode()
    if not question:
        return JsonResponse({"detail": "Say something."}, status=422)
    if question == "crash":
        raise RuntimeError("a bug")

    def words() -> Iterator[str]:
        for word in ("You", "said:", question):
            yield f"{word} "

    return StreamingHttpResponse(words(), content_type="text/plain")


urlpatterns = [path("hello", hello), path("me", me), path("chat", chat)]

application = TollkeeperWSGI(
    get_wsgi_application(), toll, feature={"POST /chat": "prompts"}, count="success", public=("/hello",)
)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
