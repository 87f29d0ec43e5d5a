"""Reservations on the wire (1.6 §5.2, §5.13; 2.0.1 H01 to H04)."""

import re
from typing import TYPE_CHECKING

from ocpp.routing import on
from ocpp.v201.enums import Action

from charging.facts import ReservationChanged
from charging.models import Command
from ocpp_gateway.smart_charging import moment
from ocpp_gateway.translation import Context, Handled, NotSupported, Payload, nothing, text

if TYPE_CHECKING:
    from ocpp_gateway.translation import Translator as Base
else:
    Base = object

#: The serial number of an RFID card: 4, 7 or 10 bytes in hexadecimal.
CARD = re.compile(r"(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")


def token_for(id_tag: str) -> Payload:
    """A tag as it will be presented at the station: a card by its serial number, anything else from the CSMS."""
    return {"idToken": id_tag[:36], "type": "ISO14443" if CARD.fullmatch(id_tag) else "Central"}


class Reservations16(Base):
    reservation_commands = {
        "reserve": ("reserve", "ReserveNow"),
        "cancel_reservation": ("cancel_reservation", "CancelReservation"),
    }

    def reserve(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.13: connector 0 is any of them."""
        if len(params["id_tag"]) > 20:
            raise NotSupported("This tag has more than the 20 characters that OCPP 1.6 can carry.")
        payload: Payload = {
            "connectorId": command.connector.evse_number if command.connector else 0,
            "expiryDate": moment(params["expires"]),
            "idTag": params["id_tag"],
            "reservationId": params["number"],
        }
        group = params.get("group_tag")
        if group and len(group) <= 20:
            payload["parentIdTag"] = group
        return "ReserveNow", payload

    def cancel_reservation(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.2"""
        return "CancelReservation", {"reservationId": params["number"]}


class Reservations2(Base):
    reservation_commands = Reservations16.reservation_commands

    @on(Action.reservation_status_update)
    def reservation_status_update(self, payload: Payload, context: Context) -> Handled:
        """H04"""
        number = int(payload["reservationId"])
        return ReservationChanged(number, text(payload, "reservationUpdateStatus")), nothing

    def reserve(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """H01: without an EVSE any of them."""
        payload: Payload = {
            "id": params["number"],
            "expiryDateTime": moment(params["expires"]),
            "idToken": token_for(params["id_tag"]),
        }
        if command.connector is not None:
            payload["evseId"] = command.connector.evse_number
        if params.get("group_tag"):
            payload["groupIdToken"] = {"idToken": params["group_tag"][:36], "type": "Central"}
        return "ReserveNow", payload

    def cancel_reservation(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """H02"""
        return "CancelReservation", {"reservationId": params["number"]}
