"""A port for what only the gateway knows: whether a raw CALL fits its schema, and what a logged frame says.

The domain does not know wire names; the gateway registers itself when the applications are loaded.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from charging.facts import StatusChanged
from mobility.errors import Unavailable

#: (protocol "1.6" | "2.0.1" | "2.1", action, payload); raises Invalid when the CALL is not one that the CSMS may send.
CheckCall = Callable[[str, str, dict[str, Any]], None]
#: protocol -> the actions that the CSMS may call, in alphabetical order
ActionsOf = Callable[[str], list[str]]
#: (protocol, a logged frame, when it came) -> the status that it reports, or None
StatusOf = Callable[[str, str, datetime], StatusChanged | None]

#: The action of the frames that report a connector's status, in every version.
STATUS_ACTION = "StatusNotification"

_registered: list[CheckCall] = []
_actions: list[ActionsOf] = []
_statuses: list[StatusOf] = []


def register(check: CheckCall, actions: ActionsOf, status: StatusOf) -> None:
    """Called once by the gateway's AppConfig.ready()."""
    _registered[:] = [check]
    _actions[:] = [actions]
    _statuses[:] = [status]


def status_of(protocol: str, text: str, received: datetime) -> StatusChanged | None:
    """The status that a frame of the message log reports; None where it reports none, or without a gateway."""
    return _statuses[0](protocol, text, received) if _statuses else None


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
        raise Unavailable(_("The OCPP schemas are not loaded here."), code="schemas_unavailable")
    _registered[0](protocol, action, payload)
