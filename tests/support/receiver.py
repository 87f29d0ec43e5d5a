"""An HTTP server of the test's own: what webhooks and push are sent to."""

import json
import threading
from collections import deque
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers 200, or what `answer(path, ...)` has put in line for a path: statuses, or (status, headers)."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answers: dict[str, deque[tuple[int, dict[str, str]]]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                waiting = receiver.answers.get(self.path)
                status, headers = waiting.popleft() if waiting else (200, {})
                receiver.requests.append(Received(self.path, self.headers, body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(f"thanks, {status}".encode())

            do_GET = do_PUT = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, *wanted: int | tuple[int, dict[str, str]]) -> None:
        self.answers[path] = deque(one if isinstance(one, tuple) else (one, {}) for one in wanted)

    def at(self, path: str) -> list[Received]:
        return [request for request in self.requests if request.path == path]

    def wait(self, path: str, count: int = 1, timeout: float = 30) -> list[Received]:
        """The requests at a path, once there are so many."""
        return wait_until(
            lambda: found if len(found := self.at(path)) >= count else None, f"{count} requests at {path}", timeout
        )

    def __enter__(self) -> "Receiver":
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
