"""The product as a fleet: gateways, a portal, a worker and schedulers as processes, over services of their own."""

import contextlib
import secrets
import signal
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tests.support.balancer import Balancer
from tests.support.environment import free_port
from tests.support.network import Host
from tests.support.private import Postgres, Rabbit, Redis
from tests.support.rest import Rest
from tests.support.server import Server


class Part(Server):
    """`manage.py up --only PART …` over a data folder of its own."""

    def __init__(self, part: str, env: Mapping[str, str | None], *more: str) -> None:
        self.part = part
        self.health_port = free_port()
        super().__init__({"HEALTH_PORT": str(self.health_port), **env}, command=("up", "--only", part, *more))

    @property
    def probe_url(self) -> str:
        port = {"portal": self.portal_port, "gateway": self.ocpp_port}.get(self.part, self.health_port)
        return f"http://127.0.0.1:{port}/readyz"


class FarPart(Part):
    """A part on another host, which reaches the services by its cable."""

    def __init__(self, host: Host, part: str, env: Mapping[str, str], *more: str) -> None:
        self.host, self.before = host, host.command
        there = {name: host.reaching(env[name]) for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")}
        super().__init__(part, {**env, **there, "BIND": "0.0.0.0"}, *more)

    @property
    def ocpp_url(self) -> str:
        return f"ws://{self.host.stations.there}:{self.ocpp_port}/OCPP"

    @property
    def probe_url(self) -> str:
        return f"http://{self.host.stations.there}:{self.ocpp_port}/readyz"


class Fleet:
    """Two gateways behind one address, a portal, a worker and two schedulers. Use it as a context manager.

    `far`: a host of its own for the first gateway.
    """

    def __init__(self, env: Mapping[str, str] | None = None, far: Host | None = None) -> None:
        self._stack = contextlib.ExitStack()
        self.env, self.far = dict(env or {}), far

    def __enter__(self) -> "Fleet":
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # All are told at once, so that they end side by side.
        for part in self.parts:
            if part.running and part.process is not None:
                part.process.terminate()
        self._stack.close()

    def _start(self) -> None:
        self.redis, self.rabbit, self.postgres = Redis(), Rabbit(), Postgres()
        for service in (self.rabbit, self.redis, self.postgres):
            self._stack.callback(service.close)
            service.spawn()
        for service in (self.redis, self.postgres, self.rabbit):
            service.wait()
        shared = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "CELERY_BROKER_URL": self.rabbit.url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            **self.env,
        }
        self.portal = Part("portal", shared, "--migrate")
        self.gateways = [self._gateway(name, shared) for name in "ab"]
        self.worker = Part("worker", shared)
        self.beats = [Part("beat", shared) for _ in range(2)]
        for part in self.parts:
            self._stack.callback(part.close)
            part.spawn()
        for part in self.parts:
            part.wait()
        self.balancer = self._stack.enter_context(Balancer([one.ocpp_port for one in self.gateways]))

    def _gateway(self, name: str, shared: dict[str, str]) -> Part:
        env, more = {**shared, "GATEWAY_NAME": f"gateway-{name}"}, ("--drain-seconds", "2")
        if name == "a" and self.far is not None:
            return FarPart(self.far, "gateway", env, *more)
        return Part("gateway", env, *more)

    @property
    def parts(self) -> list[Part]:
        return [self.portal, *self.gateways, self.worker, *self.beats]

    @property
    def ocpp_url(self) -> str:
        """The one address of both gateways."""
        return self.balancer.ocpp_url

    @property
    def ocpp_port(self) -> int:
        return self.balancer.port

    @property
    def url(self) -> str:
        return self.portal.url

    def rest(self) -> Rest:
        return self.portal.rest()

    def held(self) -> dict[str, int]:
        """Gateway name -> how many stations it holds, by the stations' rows."""
        rows = self.postgres.rows("SELECT gateway, count(*) AS n FROM charging_chargingstation WHERE online GROUP BY 1")
        return {row["gateway"]: row["n"] for row in rows}

    def end(self, part: Part, sig: int = signal.SIGTERM) -> None:
        """Stop one process, or kill it."""
        if sig == signal.SIGKILL:
            part.kill()
        else:
            part.stop(sig)

    def logs(self) -> dict[str, Any]:
        return {f"{part.part} {index}": part.log() for index, part in enumerate(self.parts)}
