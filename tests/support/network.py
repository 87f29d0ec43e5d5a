"""A second host on this machine: a network namespace behind a cable that can be cut.

For a process in a network namespace of its own, whose cards are nobody else's business.
"""

import contextlib
import os
import re
import secrets
import subprocess
from types import TracebackType

from tests.support.balancer import Balancer
from tests.support.environment import without_settings
from tests.support.private import program
from tests.support.services import missing

#: An address of nobody: frames sent there are lost without a word, as behind a switch that is switched off.
NOBODY = "02:00:00:00:00:99"


class Cable:
    """A pair of network cards, one here and one in the namespace."""

    def __init__(self, ip: str, namespace: str, number: int) -> None:
        self.ip, self.namespace = ip, namespace
        self.here, self.there = f"10.77.{number}.1", f"10.77.{number}.2"
        self.names = f"here{number}", f"there{number}"
        here, there = self.names
        run(ip, "link", "add", here, "type", "veth", "peer", "name", there, "netns", namespace)
        run(ip, "addr", "add", f"{self.here}/30", "dev", here)
        run(ip, "-n", namespace, "addr", "add", f"{self.there}/30", "dev", there)
        run(ip, "link", "set", here, "up")
        run(ip, "-n", namespace, "link", "set", there, "up")

    def cut(self) -> None:
        """Both ends go on sending, and nothing arrives: nobody is told, and no connection is closed."""
        here, there = self.names
        wrong = ("lladdr", NOBODY, "nud", "permanent")
        run(self.ip, "neigh", "replace", self.there, "dev", here, *wrong)
        run(self.ip, "-n", self.namespace, "neigh", "replace", self.here, "dev", there, *wrong)

    def mend(self) -> None:
        here, there = self.names
        run(self.ip, "neigh", "del", self.there, "dev", here)
        run(self.ip, "-n", self.namespace, "neigh", "del", self.here, "dev", there)


class Host:
    """A host with a cable to the services and another one to the stations. Use it as a context manager.

    Raises (on entry): skips the test, or fails it with REQUIRE_SERVICES, where namespaces are not to be had.
    """

    def __init__(self) -> None:
        self.name = f"mobility-{secrets.token_hex(3)}"
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Host":
        self.ip = program("ip", "/sbin")
        try:
            run(self.ip, "netns", "add", self.name)
        except OSError as error:
            missing("network namespaces", f"run as root, on Linux ({error})")
        # Its cards go with it.
        self._stack.callback(run, self.ip, "netns", "del", self.name)
        try:
            run(self.ip, "link", "set", "lo", "up")
            run(self.ip, "-n", self.name, "link", "set", "lo", "up")
            self.services, self.stations = (Cable(self.ip, self.name, number) for number in (1, 2))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def command(self) -> tuple[str, ...]:
        """What begins a command line that is to run there."""
        return (self.ip, "netns", "exec", self.name)

    def reaching(self, url: str) -> str:
        """A service's URL as it is reached from there, by its cable."""
        port = re.search(r"127\.0\.0\.1:(\d+)", url)
        assert port is not None, url
        passed = self._stack.enter_context(Balancer([int(port[1])], host=self.services.here))
        return url.replace(port[0], f"{self.services.here}:{passed.port}")


def run(*command: str) -> None:
    """Raises OSError with what the command said."""
    done = subprocess.run(command, env=without_settings(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
