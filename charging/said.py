"""What the server itself wrote into a row, in the language of whoever reads it later.

Why a command failed, what was noticed about a station and why a message was kept aside are stored in English when they
happen. Each template below is such a text; what does not fit one is shown as it is.
"""

import functools
import re

from django.utils.translation import gettext, gettext_noop

TEMPLATES = (
    gettext_noop("The station did not answer within %(seconds)s s. It may still act on it."),
    gettext_noop("The station did not answer. It may still act on it."),
    gettext_noop("The station was not there in time."),
    gettext_noop("Cancelled before it was sent."),
    gettext_noop("The station refused because it does not know this command: %(why)s."),
    gettext_noop("The station refused because it does not know this command."),
    gettext_noop("The station answered with the error %(code)s: %(why)s."),
    gettext_noop("The station answered with the error %(code)s."),
    gettext_noop("The connection ended before the station answered (%(why)s). It may have acted on it."),
    gettext_noop("The server restarted before the station answered. It may have acted on it."),
    gettext_noop("This cannot be said in OCPP %(protocol)s, which the station speaks."),
    gettext_noop("OCPP %(protocol)s has no command for %(command)s."),
    gettext_noop("This tag has more than the 20 characters that OCPP 1.6 can carry."),
    gettext_noop("Name the variable as Component.Variable; %(path)s names no component."),
    gettext_noop("An unlock names its connector."),
    gettext_noop("A profile for a transaction names its connector."),
    gettext_noop("A profile for a transaction names the transaction and its EVSE."),
    gettext_noop("Not connected since %(at)s UTC."),
    gettext_noop("Connected again since %(at)s UTC."),
    gettext_noop("Connected again."),
    gettext_noop("%(station)s connects again and again while it is connected; do two devices share it?"),
    gettext_noop("%(action)s named transaction %(id)s, which belongs to another station. It was not applied."),
    gettext_noop("transaction %(id)s is not one of this station"),
    gettext_noop("StopTransaction for %(id)s, which is no transaction of this station"),
    gettext_noop("could not be applied: %(kind)s"),
    gettext_noop("The station refused to reserve."),
    gettext_noop("The connector is occupied, or reserved for someone else."),
    gettext_noop("The connector is out of order."),
    gettext_noop("The connector is out of service."),
    gettext_noop("The station knows no such reservation."),
    gettext_noop("The station did not know this reservation any more."),
    gettext_noop("The station was not connected while this reservation should have held."),
    gettext_noop("It was used with the tag %(tag)s, for which it was not made."),
    gettext_noop("The station gave it up."),
    gettext_noop("Nobody charged: the station ended it without a transaction."),
    gettext_noop("The station refused the firmware update."),
    gettext_noop("The station refused to upload a log."),
    gettext_noop("The station refused."),
    gettext_noop("It came back with the old version %(version)s."),
    gettext_noop("The station has said nothing of it for %(minutes)s minutes."),
    gettext_noop("OCPP is spoken under /OCPP/{identity}."),
    gettext_noop("The path is /OCPP/{identity}, with one identity."),
    gettext_noop("The identity has a broken percent-encoding."),
    gettext_noop("The identity is not UTF-8."),
    gettext_noop("An identity has 1 to %(most)s characters."),
    gettext_noop("An identity has no colon, slash or control character."),
    gettext_noop("No station has the identity %(identity)s. It is listed as waiting to be adopted."),
    gettext_noop("There is no organization yet that a station could belong to."),
    gettext_noop("This station signs in with HTTP Basic authentication: its identity and its password."),
    gettext_noop("The user name of the Basic authentication is the station's identity."),
    gettext_noop("The password is wrong."),
    gettext_noop("Security profile %(profile)s needs wss://, and this line is not encrypted."),
    gettext_noop("Security profile 3 needs a client certificate, and none came with this connection."),
    gettext_noop("The client certificate is issued to %(name)s, not to this station."),
    gettext_noop("The client certificate belongs to the organization %(name)s, not to %(operator)s."),
    gettext_noop("The client certificate is not valid at present."),
    gettext_noop("None of the offered subprotocols is supported; supported: %(supported)s."),
    gettext_noop(
        "None of the offered subprotocols is supported; supported: %(supported)s. "
        "This station is set to OCPP %(protocol)s."
    ),
    gettext_noop("Too many failed attempts; wait %(seconds)s s."),
)


@functools.cache
def patterns() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for template in TEMPLATES:
        parts = re.split(r"%\((\w+)\)s", template)
        pattern = "".join(f"(?P<{part}>.*)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        found.append((re.compile(pattern, re.DOTALL), template))
    return found


def said(text: str) -> str:
    """A stored text in the reader's language."""
    if not text or len(text) > 1000:
        return text
    for pattern, template in patterns():
        if fit := pattern.fullmatch(text):
            return gettext(template) % fit.groupdict()
    return gettext(text)
