"""What a frame of the message log said, in the words of the domain: for pages that tell the past."""

from datetime import datetime

from charging.facts import StatusChanged
from ocpp_gateway import rpc, versions
from ocpp_gateway.translation import Context


def status_of(protocol: str, text: str, received: datetime) -> StatusChanged | None:
    """The status that a logged frame reports; None for a frame that reports none, or that cannot be read."""
    try:
        frame = rpc.parse(text, protocol)
        if not isinstance(frame, rpc.Call):
            return None
        fact, _ = versions.translator(protocol).routes[frame.action](frame.payload, Context(received))
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return fact if isinstance(fact, StatusChanged) else None
