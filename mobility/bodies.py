"""A limit on what an anonymous upload may bring, before any of it is written anywhere."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

PREFIX = "/station-files/"
#: What a form writes around its file.
WRAPPING = 64 * 1024


def limited(application: Application) -> Application:
    """Refuse longer bodies under `/station-files/` with 413: by their announced length, else as soon as they exceed it.

    The other paths are left alone: whoever uploads there is signed in, and Django's own limits hold.
    """

    async def guard(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await application(scope, receive, send)
            return
        most = settings.STATION_LOG_MAX_MB * 1_000_000 + WRAPPING
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            await refuse(send)
            return
        seen, answered = 0, False

        async def counted() -> dict[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            # To the application the client has hung up; to the client, so have we.
            return {"type": "http.disconnect"} if seen > most else message

        async def noted(message: dict[str, Any]) -> None:
            nonlocal answered
            answered = True
            await send(message)

        await application(scope, counted, noted)
        if seen > most and not answered:
            await refuse(send)

    return guard


async def refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"The file is too large.\n"})
