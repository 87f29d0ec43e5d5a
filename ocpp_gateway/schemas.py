"""The OCPP JSON schemas of the `ocpp` package, compiled once per process and version.

`of(protocol)` gives the schemas of "1.6", "2.0.1" or "2.1"; what direction an action has is in `directions.py`.
"""

import importlib.resources
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
import orjson

PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


@dataclass(frozen=True, slots=True)
class Schema:
    document: dict[str, Any]
    validator: Any

    def is_valid(self, payload: Any) -> bool:
        return bool(self.validator.is_valid(payload))

    def first_error(self, payload: Any) -> str:
        """Where and why the payload breaks the schema, in words; empty when it does not."""
        for error in self.validator.iter_errors(payload):
            where = ".".join(str(part) for part in error.instance_path)
            return f"{where}: {error.message}" if where else str(error.message)
        return ""


@dataclass(frozen=True, slots=True)
class Schemas:
    requests: dict[str, Schema]
    responses: dict[str, Schema]


@cache
def of(protocol: str) -> Schemas:
    """All request and response schemas of a version, by action."""
    requests: dict[str, Schema] = {}
    responses: dict[str, Schema] = {}
    folder = importlib.resources.files(f"ocpp.{PACKAGES[protocol]}") / "schemas"
    for file in folder.iterdir():
        name = file.name.removesuffix(".json")
        if name == file.name:
            continue
        document = orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        into = responses if name.endswith("Response") else requests
        action = name.removesuffix("Response").removesuffix("Request")
        into[action] = Schema(document, jsonschema_rs.validator_for(document))
    return Schemas(requests, responses)
