"""Starting and stopping the one process."""

import signal
import socket
import sqlite3
from collections.abc import Callable

import httpx
import pytest

from tests.support.server import Server, ServerDied

StartServer = Callable[..., Server]


def test_a_port_that_is_taken_is_one_line_and_exit_2(start_server: StartServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerDied) as died:
            start_server({"OCPP_PORT": str(port)})
    assert f"127.0.0.1:{port} cannot be used" in str(died.value)
    assert "OCPP_PORT=" in str(died.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(start_server: StartServer, number: signal.Signals) -> None:
    server = start_server()
    assert server.process is not None
    server.process.send_signal(number)
    assert server.process.wait(20) == 0
    log = server.log_path.read_text()
    assert "Stopped." in log
    assert "Traceback" not in log
    with sqlite3.connect(server.sqlite_path()) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def test_without_an_admin_it_prints_a_link_that_works_once(start_server: StartServer) -> None:
    nobody: dict[str, str | None] = {"DJANGO_SUPERUSER_EMAIL": None, "DJANGO_SUPERUSER_PASSWORD": None}
    server = start_server(nobody, from_nothing=True)
    assert "Bringing the database up to date" in server.log()
    log = server.log_path.read_text()
    path = log.split("/setup/", 1)[1].split()[0]
    with httpx.Client(base_url=server.url, follow_redirects=True) as browser:
        page = browser.get(f"/setup/{path}")
        assert page.status_code == 200
        answer = browser.post(
            f"/setup/{path}",
            data={
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
                "email": "first@example.com",
                "password": "a long pass phrase of mine",
                "name": "First",
                "organization": "Home",
            },
            headers={"Origin": server.url},
        )
        assert answer.status_code == 200, answer.text
        assert "first@example.com" in answer.text
    assert httpx.get(f"{server.url}/setup/{path}").status_code == 404
