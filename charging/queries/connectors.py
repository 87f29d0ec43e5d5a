"""Reading connectors: outlets, their status and their live values."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import Connector
from charging.queries.scope import everything, iso, one


def visible(actor: Actor) -> QuerySet[Connector]:
    return everything(actor, Connector.objects.select_related("station"), "station__organization")


def get(actor: Actor, pk: object) -> Connector:
    """Raises NotFound."""
    return one(visible(actor), "connector", pk=pk)


def as_json(connector: Connector) -> dict[str, Any]:
    """A connector within its EVSE. `energy_wh` is the meter's register; `transaction` the id of the open one."""
    return {
        "connector_id": connector.number,
        "status": str(connector.status),
        "error_code": connector.error_code,
        "info": connector.info,
        "status_at": iso(connector.status_at),
        "power_w": connector.power_w,
        "energy_wh": connector.energy_wh,
        "current_a": connector.current_a,
        "voltage_v": connector.voltage_v,
        "soc_percent": connector.soc_percent,
        "measured_at": iso(connector.measured_at),
        "rated_power_w": connector.rated_power_w,
        "transaction": connector.transaction_id,
    }


def as_event(connector: Connector) -> dict[str, Any]:
    """What `connector.updated` carries: the connector and where it is."""
    return {"id": connector.pk, "evse_id": connector.evse_number, **as_json(connector)}
