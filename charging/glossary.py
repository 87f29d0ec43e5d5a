"""The terms of OCPP that the pages use, each in a few plain words for who has never read the specification."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Term:
    """`name` is what the pages call it; `text` says what it is and what one does with it."""

    name: Any
    text: Any


TERMS: dict[str, Term] = {
    "identity": Term(
        _("Identity"),
        _(
            "What the station calls itself when it connects: the last part of its address, up to 48 characters. "
            "Wallboxes name it ChargeBoxId, charge point identity or station id. It must be the same here and there, "
            "and it never changes."
        ),
    ),
    "security_profile": Term(
        _("Security profile"),
        _(
            "How a station proves who it is. 0: not at all, for tests only. 1: a password over ws://. 2: a password "
            "over an encrypted line, wss://. 3: wss:// with a certificate of its own in place of the password."
        ),
    ),
    "password": Term(
        _("Password"),
        _(
            "The key with which the station signs in; the user name is its identity. OCPP 1.6 calls it "
            "AuthorizationKey, 2.x BasicAuthPassword. Each station has its own, and it is shown only once."
        ),
    ),
    "evse": Term(
        _("EVSE"),
        _(
            "A part of the station that charges one car at a time (Electric Vehicle Supply Equipment). It may have "
            "several connectors, of which one is used. In OCPP 1.6 each connector is an EVSE."
        ),
    ),
    "connector": Term(
        _("Connector"),
        _("A socket or a cable of the station. They are numbered from 1; number 0 means the station as a whole."),
    ),
    "id_tag": Term(
        _("Id tag"),
        _(
            "What may charge: the number of an RFID card, of a phone or of a car. The station asks here before it "
            "starts. OCPP 2.x calls it IdToken."
        ),
    ),
    "start": Term(
        _("Start"),
        _(
            "Asks the station to begin a session with the chosen id tag, as if its card had been held to the reader. "
            "Most stations then wait until a car is plugged in."
        ),
    ),
    "unlock": Term(
        _("Unlock"),
        _(
            "Asks the station to let go of the cable, for one that is stuck. A running session ends. Stations with a "
            "fixed cable answer that they cannot."
        ),
    ),
    "reset": Term(
        _("Soft and hard reset"),
        _(
            "Both restart the station. Soft: it ends its sessions properly first, and tells the meter's last value. "
            "Hard: at once, as when the power is cut; sessions may lose their end. Try soft first."
        ),
    ),
    "availability": Term(
        _("Availability"),
        _(
            "Inoperative takes a connector or the whole station out of service: nobody can charge there, until it is "
            "made operative again. The station remembers it over a restart."
        ),
    ),
    "soc": Term(
        _("State of charge (SoC)"),
        _("How full the car's battery is, in percent. Only the car knows; mostly DC stations are told, AC ones not."),
    ),
    "status": Term(
        _("Status"),
        _(
            "What a connector says it is doing. Preparing: a car is plugged in or a card was shown. Suspended: the "
            "session goes on without current, because the car (EV) or the station (EVSE) wants it so. Finishing: it "
            "ended, the cable is still there. Faulted: it cannot charge."
        ),
    ),
    "registration": Term(
        _("Registration"),
        _(
            "The answer to the station's BootNotification. Accepted: it works. Pending: it may be configured and does "
            "not charge yet. Rejected: it stays out."
        ),
    ),
    "protocol": Term(
        _("OCPP version"),
        _(
            "The language of station and server: 1.6J, 2.0.1 or 2.1. They agree on one when the station connects; "
            "choose one here only if a station speaks another than it should."
        ),
    ),
    "boot": Term(
        _("BootNotification"),
        _("The station's first message after it starts: vendor, model, serial number and firmware."),
    ),
    "heartbeat": Term(
        _("Heartbeat"),
        _("A sign of life that a station sends when it has nothing else to say; the answer sets its clock."),
    ),
    "configuration": Term(
        _("Configuration"),
        _(
            "The station's own settings, by key. In OCPP 2.x they belong to components, and all of them together are "
            "called the device model."
        ),
    ),
    "transaction": Term(
        _("Session"),
        _("From the start of charging to its end, with energy, duration and cost. OCPP calls it a transaction."),
    ),
    "rated_power": Term(
        _("Rated power"),
        _("The most a connector can give, in watts. A session that claims more is flagged and not billed by itself."),
    ),
    "trigger": Term(
        _("Trigger"),
        _("Asks the station to send one of its messages now, such as its status or a meter value."),
    ),
    "charging_profile": Term(
        _("Charging profile"),
        _("A limit on power or current over time that the station keeps to, for one session or always."),
    ),
    "drift": Term(
        _("Clock drift"),
        _("How far the station's clock is from the server's. Times of sessions follow the station's clock."),
    ),
}
