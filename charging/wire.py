"""A port for what only the gateway knows: whether a raw CALL fits its schema.

The domain does not know wire names; the gateway registers itself when the applications are loaded.
"""

from collections.abc import Callable
from typing import Any

from mobility.errors import Unavailable

#: (protocol "1.6" | "2.0.1" | "2.1", action, payload); raises Invalid when the CALL is not one that the CSMS may send.
CheckCall = Callable[[str, str, dict[str, Any]], None]
#: protocol -> the actions that the CSMS may call, in alphabetical order
ActionsOf = Callable[[str], list[str]]

_registered: list[CheckCall] = []
_actions: list[ActionsOf] = []


def register(check: CheckCall, actions: ActionsOf) -> None:
    """Called once by the gateway's AppConfig.ready()."""
    _registered[:] = [check]
    _actions[:] = [actions]


def actions_of(protocol: str) -> list[str]:
    """The actions of the version that can be sent as a raw CALL; none for an unknown version, or without a gateway."""
    return _actions[0](protocol) if _actions else []


def check_call(protocol: str, action: str, payload: dict[str, Any]) -> None:
    """Check a CALL against the schema of the station's version.

    Raises:
        Invalid: the action is unknown, is not for this side, or the payload breaks its schema.
        Unavailable: no gateway is installed.
    """
    if not _registered:
        raise Unavailable("The OCPP schemas are not loaded here.", code="schemas_unavailable")
    _registered[0](protocol, action, payload)
