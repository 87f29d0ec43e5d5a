"""The versions on the port: subprotocols, which one a station gets, and the translator of each."""

from functools import cache

from ocpp_gateway.translation import Translator
from ocpp_gateway.v16 import V16
from ocpp_gateway.v21 import V21
from ocpp_gateway.v201 import V201

#: subprotocol, folded -> version; `ocpp2.0` was withdrawn and is handled as 2.0.1
SUBPROTOCOLS: dict[str, str] = {
    "ocpp1.6": "1.6",
    "ocpp1.6j": "1.6",
    "ocpp2.0": "2.0.1",
    "ocpp2.0.1": "2.0.1",
    "ocpp2.1": "2.1",
}
SUPPORTED = "ocpp2.1, ocpp2.0.1, ocpp2.0, ocpp1.6"


@cache
def translator(protocol: str) -> Translator:
    translators: dict[str, type[Translator]] = {"1.6": V16, "2.0.1": V201, "2.1": V21}
    return translators[protocol]()


def choose(offered: list[str], pin: str) -> tuple[str, str | None] | None:
    """(version, subprotocol to echo exactly as the station wrote it) or None when there is none in common.

    The client's first acceptable one wins; a station that is pinned to a version accepts that one only. One that
    offers nothing speaks 1.6, unless it is pinned to another (quirk row 1).
    """
    if not offered:
        return (pin or "1.6"), None
    for name in offered:
        version = SUBPROTOCOLS.get(name.strip().casefold())
        if version and (not pin or version == pin):
            return version, name
    return None
