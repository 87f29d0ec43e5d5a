"""What the simulator's tests share."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from mobility.simulator import Settings

PASSWORD = "Sixteen-Chars-Pw"


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    return run


def quick(url: str, **more: Any) -> Settings:
    """Settings of an impatient station."""
    settings: dict[str, Any] = {
        "identity": "SIM-1",
        "password": PASSWORD,
        "protocol": "1.6",
        "energy_wh": 1000,
        "meter_interval_s": 0,
        "boot_s": 0.01,
        "backoff_min_s": 0.05,
        "backoff_random_s": 0.01,
        "retry_interval_s": 0.05,
        "soc_percent": 40,
    }
    return Settings(url=url, **{**settings, **more})
