"""A Redis, a RabbitMQ and a PostgreSQL of a test's own, on free ports, for it to stop, kill and start again."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
import redis
from kombu import Connection
from kombu.exceptions import OperationalError

from tests.support.environment import free_port
from tests.support.server import end_with_parent
from tests.support.services import missing, rows_of
from tests.support.waiting import wait_until

HOST = "127.0.0.1"


def program(name: str, *folders: str) -> str:
    """The path of a program, wherever a distribution keeps it; the test is skipped without it."""
    found = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", ""), "/usr/sbin"]))
    return found or missing(name, f"install the package that has the program {name}")


class Service:
    """A child process that listens on a port; its data folder is removed at the end."""

    start_s = 30.0

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"mobility-{type(self).__name__.lower()}-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def answers(self) -> bool:
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        return {}

    def start(self) -> None:
        self.spawn()
        self.wait()

    def spawn(self) -> None:
        """Begin to start. From the main thread: the child ends with the thread that made it."""
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **{"preexec_fn": end_with_parent, **self.options()},
            )

    def wait(self) -> None:
        wait_until(self._is_up, f"{type(self).__name__} to start: {self.folder / 'output'}", self.start_s)

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            said = (self.folder / "output").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{type(self).__name__} ended with {self.process.returncode}:\n{said}")
        return self.answers()

    def stop(self, sig: int = signal.SIGTERM, timeout: float = 30) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(sig)
            self.process.wait(timeout)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Any:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Redis(Service):
    """Keeps nothing: it starts empty again."""

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        options = ("--port", str(self.port), "--bind", HOST, "--save", "", "--appendonly", "no")
        return [program("redis-server"), *options]

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


class Rabbit(Service):
    """One broker node with a port mapper of its own."""

    start_s = 90.0

    def __init__(self) -> None:
        super().__init__()
        self.distribution_port, self.mapper_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.port}//"

    def command(self) -> list[str]:
        return [program("rabbitmq-server", "/usr/lib/rabbitmq/bin")]

    def environment(self) -> dict[str, str]:
        (self.folder / "plugins").write_text("[].\n")
        ours = {
            "HOME": self.folder,
            "ERL_EPMD_PORT": self.mapper_port,
            "RABBITMQ_NODENAME": f"mobility{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": self.distribution_port,
            "RABBITMQ_MNESIA_BASE": self.folder / "data",
            "RABBITMQ_LOG_BASE": self.folder / "log",
            "RABBITMQ_PID_FILE": self.folder / "pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "plugins",
            "RABBITMQ_CONFIG_FILE": self.folder / "no-config",
            "RABBITMQ_CONF_ENV_FILE": self.folder / "no-environment",
        }
        return {**os.environ, **{name: str(value) for name, value in ours.items()}}

    def answers(self) -> bool:
        with contextlib.suppress(OSError, OperationalError), Connection(self.url, connect_timeout=2) as connection:
            connection.connect()
            return True
        return False

    def close(self) -> None:
        self.kill()
        with contextlib.suppress(AssertionError):
            wait_until(self._mapper_has_ended, "the port mapper to end", 10)
        super().close()

    def _mapper_has_ended(self) -> bool:
        """The mapper is a daemon of its own; it ends when it is asked, once it has seen that the node is gone."""
        epmd = next((str(path) for path in Path("/usr/lib/erlang").glob("erts-*/bin/epmd")), "epmd")
        asked: dict[str, Any] = {"env": self.environment(), "capture_output": True, "timeout": 20, "check": False}
        return subprocess.run([epmd, "-kill"], **asked).returncode == 0


class Postgres(Service):
    """A server with its own cluster, run by an unprivileged user where the test is root."""

    def __init__(self) -> None:
        super().__init__()
        self.data = self.folder / "data"
        self.user = self._unprivileged()
        found = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        folders = [found.stdout.strip()] if found.returncode == 0 else []
        folders += [str(path.parent) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]
        self.initdb, self.server = program("initdb", *folders), program("postgres", *folders)
        self.folder.chmod(0o777)

    @staticmethod
    def _unprivileged() -> str | None:
        if os.geteuid() != 0:
            return None
        with contextlib.suppress(KeyError):
            return pwd.getpwnam("postgres").pw_name
        return "nobody"

    def options(self) -> dict[str, Any]:
        # A child that changes its user loses the wish to end with its parent; `close` ends it.
        return {"user": self.user, "preexec_fn": None} if self.user else {}

    @property
    def url(self) -> str:
        return f"postgres://postgres@{HOST}:{self.port}/mobility"

    def spawn(self) -> None:
        if not self.data.exists():
            made = subprocess.run(
                [self.initdb, "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
                cwd=self.folder,
                capture_output=True,
                text=True,
                check=False,
                user=self.user,
            )
            assert made.returncode == 0, made.stderr
        super().spawn()

    def wait(self) -> None:
        super().wait()
        with self.admin() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'mobility'").fetchone():
                connection.execute("CREATE DATABASE mobility")

    def command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": 200,
            # The machine itself does not fail in a test.
            "fsync": "off",
        }
        return [self.server, "-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())]

    def admin(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        address = f"postgresql://postgres@{HOST}:{self.port}/{database}"
        return psycopg.connect(address, autocommit=True, connect_timeout=5)

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), self.admin():
            return True
        return False

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return rows_of(self.url, sql, *parameters)

    def stop(self, sig: int = signal.SIGINT, timeout: float = 30) -> None:
        """SIGINT: the fast shutdown, which ends all sessions."""
        super().stop(sig, timeout)
