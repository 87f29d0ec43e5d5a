"""Which actions of which version are handled how: read from the translators, so that no list is kept by hand."""

from collections.abc import Iterator

from ocpp_gateway import directions, schemas
from ocpp_gateway.versions import translator

HEAD = """# OCPP coverage

Generated from the translators by `manage.py ocpp_coverage`; a test compares the two.

How to read it: *handled* means that the message ends in the ledger as a fact, under the clause named. *Taken* means
that it is answered as its schema asks and kept in the message log, and that nothing else follows from it.
*Not supported* is answered with `NotSupported`. Towards the station, a *command* is offered by the portal and the
REST API for every version alike; every other action of the version can be sent by a manager as a raw CALL, checked
against its schema first.
"""


def inbound(protocol: str) -> Iterator[tuple[str, str]]:
    """(action, how it is handled) of what a station may call."""
    routes = translator(protocol).routes
    responses = schemas.of(protocol).responses
    for action in sorted(directions.FROM_STATION[protocol]):
        handler = routes.get(action)
        if handler is not None:
            clause = (handler.__doc__ or "").strip().splitlines()[0].rstrip(".") if handler.__doc__ else ""
            yield action, f"handled ({clause})" if clause else "handled"
        elif action not in responses or not responses[action].document.get("required"):
            yield action, "taken"
        else:
            yield action, "not supported"


def outbound(protocol: str) -> Iterator[tuple[str, str]]:
    """(action, neutral command or raw CALL) of what the CSMS may call."""
    kinds: dict[str, list[str]] = {}
    for kind, (_, *actions) in translator(protocol).commands.items():
        for action in actions:
            kinds.setdefault(action, []).append(kind)
    for action in sorted(schemas.of(protocol).requests):
        if directions.may_csms_call(protocol, action):
            names = ", ".join(f"`{kind}`" for kind in kinds.get(action, []))
            yield action, f"command {names}" if names else "raw CALL"


def markdown() -> str:
    parts = [HEAD]
    for protocol in schemas.PACKAGES:
        for title, rows in (("From the station", inbound(protocol)), ("To the station", outbound(protocol))):
            parts.append(f"\n## OCPP {protocol}: {title.lower()}\n\n| action | how |\n|---|---|\n")
            parts.extend(f"| {action} | {how} |\n" for action, how in rows)
    return "".join(parts)
