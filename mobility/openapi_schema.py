"""The OpenAPI document: the views' own descriptions, and what holds for every operation, said once here."""

import json
import re
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_parameter_type

from mobility.openapi_examples import EXAMPLES

Operation = dict[str, Any]

RATE_HEADERS = {
    "RateLimit-Limit": "Requests that this caller may send within a minute.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until the next minute begins.",
}
SAID = {
    "304": "What you have (`If-None-Match`) is what there is.",
    "400": "A field or a parameter is unusable.",
    "401": "Not signed in, or no longer.",
    "403": "Your role, or the key's scope, is not enough.",
    "404": "There is no such page.",
    "409": "A request with this Idempotency-Key is being served, or the state of things does not allow it now.",
    "412": "It was changed since the ETag in `If-Match` was given.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; see Retry-After.",
}
#: Answers that tell of one operation alone.
SUCCESSES = ("200", "201", "202", "204")
WRITES = ("PATCH", "PUT", "DELETE")


class Schema(AutoSchema):
    """Adds to each operation what its view inherits: limits, ETags, idempotency, sparse fields, scopes, examples."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Operation | None:
        operation: Operation | None = super().get_operation(*args, **kwargs)
        if operation is None or not hasattr(self.view, "scopes"):
            return operation
        self.describe(operation)
        return operation

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        """Any JSON includes null: "any JSON or null" would be true of null twice, and so of no null (oneOf)."""
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        for field in schema.get("properties", {}).values():
            if field.get("oneOf") == [{}, {"type": "null"}]:
                del field["oneOf"]
        return schema

    def describe(self, operation: Operation) -> None:
        view: Any = self.view
        method = self.method
        failures = ["429"]
        if {} not in operation.get("security", []):
            failures += ["401", "403"]
        if method == "GET":
            self.describe_get(operation, failures)
        if method == "POST" and view.keeps_answers and view.get_authenticators():
            self.take_header(operation, "Idempotency-Key", "The same key gets the same answer for a day.", 200)
            failures += ["400", "409", "422"]
        if method in WRITES and hasattr(view, "get"):
            self.take_header(operation, "If-Match", "Only if it is still as it was when this ETag was given.", 1000)
            failures.append("412")
        if "requestBody" in operation or operation.get("parameters"):
            failures.append("400")
        for status in failures:
            operation["responses"].setdefault(status, self.failure(status))
        operation["responses"] = dict(sorted(operation["responses"].items()))
        for status, response in operation["responses"].items():
            headers = response.setdefault("headers", {})
            for name, said in RATE_HEADERS.items():
                headers[name] = {"schema": {"type": "integer"}, "description": said}
            if status == "429":
                headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        self.put_examples(operation)

    def describe_get(self, operation: Operation, failures: list[str]) -> None:
        told = operation["responses"].get("200", {})
        if "application/json" not in told.get("content", {}):
            return
        self.take_header(operation, "If-None-Match", "Answer 304 if this ETag is still right.", 1000)
        told.setdefault("headers", {})["ETag"] = {"schema": {"type": "string"}, "description": "Names this state."}
        operation["responses"]["304"] = {"description": SAID["304"]}
        view: Any = self.view
        operation.setdefault("parameters", []).append(
            build_parameter_type(
                "fields",
                {"type": "string"},
                "query",
                description=f"Only these of each thing, with commas between: {', '.join(view.answered_names())}.",
            )
        )
        failures.append("400")
        if self._is_list_view():
            failures.append("404")

    def take_header(self, operation: Operation, name: str, said: str, most: int) -> None:
        present = operation.setdefault("parameters", [])
        if all(entry.get("name") != name for entry in present):
            schema = {"type": "string", "maxLength": most}
            present.append(build_parameter_type(name, schema, "header", description=said))

    def failure(self, status: str) -> dict[str, Any]:
        from accounts.rest import ErrorSerializer

        component: ResolvedComponent = self.resolve_serializer(ErrorSerializer, "response")
        return {"content": {"application/json": {"schema": component.ref}}, "description": SAID[status]}

    def put_examples(self, operation: Operation) -> None:
        found = EXAMPLES.get((self.method, self.path.removeprefix("/api/v1/")), {})
        if "request" in found:
            operation["requestBody"]["content"]["application/json"]["examples"] = {
                name: {"value": value} for name, value in found["request"].items()
            }
        for status, value in found.get("responses", {}).items():
            operation["responses"][status]["content"]["application/json"]["example"] = value


def share(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Say once, in `components`, what operations answer in the same words: a third of the document is left."""
    operations = [operation for path in result["paths"].values() for operation in path.values()]
    headers, responses = Shared("headers"), Shared("responses")
    for operation in operations:
        for response in operation["responses"].values():
            for name, header in response.get("headers", {}).items():
                response["headers"][name] = headers.put(name, header)
        for status, response in operation["responses"].items():
            if status not in SUCCESSES:
                operation["responses"][status] = responses.put(HTTPStatus(int(status)).phrase, response)
    result["components"] |= {"headers": headers.found, "responses": responses.found}
    return result


class Shared:
    """One kind of components. What is said differently under one name gets a number behind it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.found: dict[str, Any] = {}
        self.names: dict[str, str] = {}

    def put(self, name: str, thing: Any) -> dict[str, str]:
        """A reference to it."""
        text = json.dumps(thing, sort_keys=True)
        if text not in self.names:
            base = re.sub(r"[^A-Za-z-]", "", name)
            number = sum(1 for known in self.found if re.fullmatch(rf"{base}\d*", known))
            self.names[text] = f"{base}{number + 1}" if number else base
            self.found[self.names[text]] = thing
        return {"$ref": f"#/components/{self.kind}/{self.names[text]}"}
