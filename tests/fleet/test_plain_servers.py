"""Each part under the server that others know: uvicorn, daphne, `celery worker` and `celery beat`."""

import contextlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import frames
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

TAG = "PLAIN-TAG"
FIRST_ADMIN = """
from accounts import people
people.set_up_first_admin(email={email!r}, password={password!r}, check_password=False)
"""


class Plain(Server):
    """A module that is run by the interpreter, with the ports of the others."""

    program = ("-m",)

    def __init__(self, env: dict[str, str | None], *command: str) -> None:
        super().__init__(env, command=command)


class Manage(Server):
    """The commands beside them."""

    def prepare(self) -> None:
        """A database that is up to date, with the first admin: what `up` does by itself."""
        self.manage("migrate", "--verbosity", "0")
        self.shell(FIRST_ADMIN.format(email=self.email, password=self.password))


class Parts:
    def __init__(self, env: dict[str, str | None], stack: contextlib.ExitStack) -> None:
        # Ports are known before anything runs: each part is told all of them.
        names = Manage(env)
        stack.callback(names.close)
        env = {**env, "PORTAL_PORT": str(names.portal_port), "OCPP_PORT": str(names.ocpp_port)}
        portal, ocpp = env["PORTAL_PORT"] or "", env["OCPP_PORT"] or ""
        self.portal = Plain(env, "daphne", "-b", "127.0.0.1", "-p", portal, "mobility.asgi:portal")
        options = ("--host", "127.0.0.1", "--ws", "websockets-sansio")
        self.gateway = Plain(env, "uvicorn", "mobility.asgi:ocpp", *options, "--port", ocpp)
        celery = ("celery", "-A", "mobility")
        self.worker = Plain(env, *celery, "worker", "--concurrency", "1", "--loglevel", "INFO")
        self.beat = Plain(env, *celery, "beat", "--loglevel", "INFO")
        self.all = [self.portal, self.gateway, self.worker, self.beat]
        names.prepare()
        for part in self.all:
            stack.callback(part.close)
            part.spawn()
        self.portal.wait()


@pytest.fixture(scope="module")
def parts(postgres_url: str, redis_url: str, rabbitmq_url: str) -> Iterator[Parts]:
    env: dict[str, str | None] = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": rabbitmq_url,
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    with contextlib.ExitStack() as stack:
        yield Parts(env, stack)


def test_a_schedule_and_a_command_reach_a_station(parts: Parts) -> None:
    """Beat finds the schedule due, the worker asks for the start, the gateway sends it; the portal's command too."""
    rest = parts.portal.rest()
    rest.create_station("PLAIN-1")
    rest.create_tag(TAG)
    accepted = {"status": "Accepted"}
    answers = {"RemoteStartTransaction": accepted, "Reset": accepted, "SetChargingProfile": accepted}
    with Station(parts.gateway, "PLAIN-1", answers=answers).connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Preparing"))
        begin = datetime.now(UTC) - timedelta(minutes=5)
        end = begin + timedelta(hours=2)
        window = {"weekday": begin.weekday(), "begin": f"{begin:%H:%M}", "end": f"{end:%H:%M}"}
        rest.post(
            "schedules/", {"station": "PLAIN-1", "id_tag": TAG, "mode": "schedule", "windows": [window]}, status=201
        )
        started = station.expect_call("RemoteStartTransaction", timeout=60)
        assert started.payload["idTag"] == TAG
        done = rest.command("PLAIN-1", {"command": "reset", "type": "soft"})
        assert done["status"] == "accepted", done
        assert station.expect_call("Reset").payload == {"type": "Soft"}
    wait_until(lambda: not rest.get("stations/PLAIN-1/")["online"], "the station offline", 30)


def test_they_end_when_they_are_told(parts: Parts) -> None:
    for part in parts.all:
        assert part.running, part.log()[-2000:]
        part.stop()
        assert "Traceback" not in part.log(), part.log()[-3000:]
