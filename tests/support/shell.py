"""Python inside the project, in a process that stays: to start Django anew for each question takes two seconds."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping

from tests.support.environment import ROOT

#: Reads one JSON text a line, runs it, and says in one line what it printed and how it failed.
LOOP = """
import contextlib, io, json, sys, traceback
import django
django.setup()
from django.db import connections
for line in sys.stdin:
    printed, failed = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(json.loads(line), "<shell>", "exec"), {"__name__": "__main__"})
    except BaseException:
        failed = traceback.format_exc()
    connections.close_all()
    print(json.dumps([printed.getvalue(), failed]), flush=True)
"""


class Shell:
    """`run(code)` as often as needed; `close` in the end. What one piece of code defines the next one does not have."""

    def __init__(self, environment: Mapping[str, str], preexec: Callable[[], None] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            cwd=ROOT,
            env={**environment, "DJANGO_SETTINGS_MODULE": "mobility.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=preexec,
        )

    def run(self, code: str) -> str:
        """What the code printed. Raises AssertionError with the traceback of code that failed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the shell ended with {self.process.wait()}; it ran:\n{code}")
        printed, failed = json.loads(line)
        if failed:
            raise AssertionError(failed)
        return str(printed)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate(timeout=10)
