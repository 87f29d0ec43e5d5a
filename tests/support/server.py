"""A real server process: `manage.py up` on free ports over a data folder of its own."""

import contextlib
import ctypes
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import httpx
import pytest

from tests.support import template
from tests.support.environment import ROOT, free_port, without_settings
from tests.support.rest import Rest
from tests.support.services import ON_POSTGRES, postgres_database, rows_of
from tests.support.shell import Shell

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """In the child, before it becomes the server: an aborted test run leaves no server behind (Linux)."""
    if _LIBC is not None:
        pr_set_pdeathsig = 1
        _LIBC.prctl(pr_set_pdeathsig, signal.SIGTERM)


class ServerDied(AssertionError):
    """The process ended, or never became ready; carries the end of its log."""


class Server:
    """`manage.py up` (or another command) as a child process.

    `env` overrides the environment, a value of None takes a variable away. `data_dir` is made fresh and removed at the
    end unless one is given. It begins with a database that is migrated but empty; `from_nothing` leaves that to the
    server. Use it as a context manager, or call `start` and `close`.
    """

    #: What begins the command line, before the interpreter.
    before: Sequence[str] = ()
    #: What the interpreter runs with `command`.
    program: Sequence[str] = ("manage.py",)
    email = "admin@example.com"
    password = "correct horse battery staple 9"

    def __init__(
        self,
        env: Mapping[str, str | None] | None = None,
        *,
        command: Sequence[str] = ("up",),
        data_dir: Path | None = None,
        from_nothing: bool = False,
    ) -> None:
        self._keep_data = data_dir is not None
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="mobility-test-"))
        self.log_path = self.data_dir / "server.log"
        self.command = tuple(command)
        self.overrides = dict(env or {})
        self._stack = contextlib.ExitStack()
        if ON_POSTGRES and "DATABASE_URL" not in self.overrides:
            self.overrides["DATABASE_URL"] = self._stack.enter_context(postgres_database())
        self.process: subprocess.Popen[bytes] | None = None
        self._shell: Shell | None = None
        self._signed_in: dict[str, Rest] = {}
        if not (self._keep_data or from_nothing or self.overrides.get("DATABASE_URL")):
            shutil.copyfile(template.migrated(), self.data_dir / template.NAME)
        self._choose_ports()

    def _choose_ports(self) -> None:
        self.portal_port = int(self.overrides.get("PORTAL_PORT") or free_port())
        self.ocpp_port = int(self.overrides.get("OCPP_PORT") or free_port())

    @property
    def url(self) -> str:
        """The portal's base URL, without a trailing slash."""
        return f"http://127.0.0.1:{self.portal_port}"

    @property
    def ocpp_url(self) -> str:
        """What a station is configured with; its identity follows after a slash."""
        return f"ws://127.0.0.1:{self.ocpp_port}/OCPP"

    @property
    def probe_url(self) -> str:
        """Where the process says that it is ready."""
        return f"{self.url}/readyz"

    @property
    def environment(self) -> dict[str, str]:
        wanted: dict[str, str | None] = {
            "PORTAL_PORT": str(self.portal_port),
            "OCPP_PORT": str(self.ocpp_port),
            "DATA_DIR": str(self.data_dir),
            "SECRET_KEY": "black-box-tests-only-" * 3,
            "DJANGO_SUPERUSER_EMAIL": self.email,
            "DJANGO_SUPERUSER_PASSWORD": self.password,
            "PYTHONUNBUFFERED": "1",
            **self.overrides,
        }
        return {
            **without_settings(os.environ),
            **{name: value for name, value in wanted.items() if value is not None},
        }

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server was not started"
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, timeout: float = 90) -> "Server":
        """Start the process and return once /readyz says 200."""
        for attempt in range(3):
            self.spawn()
            if self._wait_ready(timeout):
                return self
            text = self.log()
            if attempt < 2 and "address already in use" in text.lower():
                self._choose_ports()
                self._signed_in.clear()
                continue
            self._give_up(text)
        raise AssertionError("unreachable")

    def wait(self, timeout: float = 90) -> None:
        """Return once a process that was spawned says that it is ready."""
        if not self._wait_ready(timeout):
            self._give_up(self.log())

    def _give_up(self, text: str) -> NoReturn:
        status = self.process.poll() if self.process else None
        self.kill()
        said = "did not become ready" if status is None else f"ended with status {status}"
        raise ServerDied(f"manage.py {' '.join(self.command)} {said}:\n{text[-3000:]}")

    def spawn(self) -> None:
        """Begin to start. From the main thread: the process ends with the thread that made it."""
        assert not self.running, "the server is running already"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, *self.program, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def _wait_ready(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.running:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(self.probe_url, timeout=5).status_code == 200:
                    return True
            time.sleep(0.1)
        return False

    def stop(self, sig: int = signal.SIGTERM, timeout: float = 30) -> int:
        """Send a signal to the process, wait for its end, and return its exit status."""
        assert self.process is not None, "the server was not started"
        if self.running:
            self.process.send_signal(sig)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"the server did not end within {timeout:g} s of signal {sig}:\n{self.log()[-2000:]}"
            ) from None

    def kill(self) -> None:
        """kill -9 of the whole process group: no clean-up, as in a power cut."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self, *, kill: bool = False, env: Mapping[str, str | None] | None = None) -> "Server":
        """Stop (or kill) and start again on the same data and ports, with further overrides if given."""
        if kill:
            self.kill()
        elif self.running:
            self.stop()
        self.overrides.update(env or {})
        self._end_shell()
        return self.start()

    def close(self) -> None:
        """Stop the process if it runs and remove its data folder."""
        try:
            if self.running:
                self.stop()
        finally:
            self.kill()
            self._end_shell()
            self._stack.close()
            if not self._keep_data:
                shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> "Server":
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def log(self) -> str:
        """Everything the process has printed so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def rest(self, email: str | None = None, password: str | None = None) -> Rest:
        """The REST API, signed in (once) as the first admin unless someone else is named."""
        who = email or self.email
        if who not in self._signed_in:
            self._signed_in[who] = Rest(self.url, who, password or self.password)
        return self._signed_in[who]

    def manage(self, *arguments: str, timeout: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command against the same data, beside the running server."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {arguments[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done

    def shell(self, code: str) -> str:
        """Run Python inside the project, over the same data; returns what it printed."""
        if self._shell is None or self._shell.process.poll() is not None:
            self._shell = Shell(self.environment, end_with_parent)
        return self._shell.run(code)

    def _end_shell(self) -> None:
        if self._shell is not None:
            self._shell.close()
            self._shell = None

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Read the database beside the server; `?` stands for a parameter. The embedded file cannot be written so."""
        url = self.overrides.get("DATABASE_URL") or ""
        if url.startswith("postgres"):
            return rows_of(url, sql.replace("%", "%%").replace("?", "%s"), *parameters)
        with contextlib.closing(sqlite3.connect(f"file:{self.sqlite_path()}?mode=ro", uri=True, timeout=20)) as reader:
            reader.row_factory = sqlite3.Row
            return [dict(row) for row in reader.execute(sql, parameters)]

    def sqlite_path(self) -> Path:
        """The embedded database's file; a test that is about it is skipped where there is none."""
        if (self.overrides.get("DATABASE_URL") or "").startswith("postgres"):
            pytest.skip("this is about SQLite's file")
        (path,) = self.data_dir.glob("*.sqlite3")
        return path
