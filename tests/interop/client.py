"""What docs/api.md shows, in Python: sign in, add a station (once, however often it is sent), list it."""

import json
import sys

from mobility_client import AuthenticatedClient, Client  # type: ignore[import-not-found]
from mobility_client.api.auth import auth_token_create  # type: ignore[import-not-found]
from mobility_client.api.stations import stations_create, stations_list  # type: ignore[import-not-found]
from mobility_client.models import Credentials, StationIn  # type: ignore[import-not-found]

url, email, password, identity = sys.argv[1:]
pair = auth_token_create.sync(client=Client(url), body=Credentials(email=email, password=password))
client = AuthenticatedClient(url, token=pair.access)
stations_create.sync(client=client, body=StationIn(identity=identity, name="Garage"), idempotency_key=identity)
found = stations_list.sync(client=client, search=identity)
print(json.dumps([[station.identity, station.online] for station in found.results]))
