"""The ASGI application of the OCPP port: who connects is checked, admitted or told why not."""

import logging
from typing import Any

from django.db import DatabaseError

from accounts.network import scope_ip
from mobility import logs
from mobility.websocket import SHORT_CUT
from ocpp_gateway import auth
from ocpp_gateway.connection import Connection
from ocpp_gateway.gateway import Gateway, gateway
from ocpp_gateway.reading import Receive, Send

log = logging.getLogger("ocpp_gateway")

Scope = dict[str, Any]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of the OCPP port."""
    if scope["type"] == "http":
        await _say_websocket(send)
        return
    if scope["type"] != "websocket":
        return
    await receive()
    runtime = await gateway()
    try:
        connection = await _handshake(runtime, scope, receive, send)
    except auth.Refused as refusal:
        runtime.refusals.note(scope, refusal)
        await refuse(scope, send, refusal)
        return
    logs.station.set(connection.identity)
    await connection.run()


async def _say_websocket(send: Send) -> None:
    body = b"This is the OCPP port: charging stations connect to /OCPP/{identity} by WebSocket.\n"
    headers = [(b"content-type", b"text/plain"), (b"upgrade", b"websocket")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(scope: Scope, send: Send, refusal: auth.Refused) -> None:
    """Answer the upgrade with a status; a server that cannot do that closes it, which reads as 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = refusal.reason.encode() + b"\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers + refusal.headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})


async def _handshake(runtime: Gateway, scope: Scope, receive: Receive, send: Send) -> Connection:
    source = scope_ip(scope)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    if runtime.draining:
        raise auth.Refused(503, "The server is restarting; connect again in a moment.", [(b"retry-after", b"5")])
    try:
        name, malformed = auth.identity_of(raw_path), None
    except auth.Refused as refusal:
        name, malformed = raw_path.decode("latin-1")[:200], refusal
    wait = runtime.limits.wait_s(source, name, known=runtime.knows(name))
    if wait and not malformed and not runtime.knows(name):
        # It may be a station that was created a moment ago.
        await runtime.learn()
        wait = runtime.limits.wait_s(source, name, known=runtime.knows(name))
    if wait:
        text = f"Too many failed attempts; wait {wait} s."
        raise auth.Refused(429, text, [(b"retry-after", str(wait).encode())])
    try:
        if malformed:
            raise malformed
        request = auth.request_of(scope, name, source)
        async with runtime.handshakes:
            admitted = await runtime.in_thread(auth.admit, request)
    except auth.Refused:
        runtime.limits.failed(source, name)
        raise
    except DatabaseError as error:
        log.error("A handshake could not be checked: %s", error)
        raise auth.Refused(503, "The server cannot reach its database.", [(b"retry-after", b"10")]) from error
    runtime.add_known(name)
    short_cut = (scope.get("extensions") or {}).get(SHORT_CUT)
    return Connection(runtime, admitted, source, receive, send, short_cut)
