"""The OpenAPI document says what it promises to say: examples that fit, tags that are described, scopes of keys."""

import gzip
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client

from mobility.openapi_examples import EXAMPLES


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/api/schema/").json()
    return found


def answers(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Status -> the response itself, wherever it is said."""
    shared = document["components"]["responses"]
    return {
        status: shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
        for status, response in operation["responses"].items()
    }


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_it_is_openapi_3_1_and_describes_each_of_its_tags(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    used = {tag for operation in operations(document).values() for tag in operation["tags"]}
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert used <= set(described)
    assert set(described) <= used, "a tag that nothing bears"
    assert all(described.values())


def test_its_examples_fit(document: dict[str, Any]) -> None:
    found = operations(document)

    def fits(schema: dict[str, Any], value: Any, where: str) -> None:
        # What a schema refers to is looked for within itself.
        whole = {**schema, "components": document["components"]}
        problems = [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]
        assert not problems, (where, problems)

    shown = 0
    for method, path in EXAMPLES:
        operation = found[f"{method} {path}"]
        body = operation["requestBody"]["content"]["application/json"]
        for name, example in body["examples"].items():
            fits(body["schema"], example["value"], f"{method} {path}: {name}")
            shown += 1
        for status, response in answers(document, operation).items():
            content = response.get("content", {}).get("application/json", {})
            if "example" in content:
                fits(content["schema"], content["example"], f"{method} {path}: {status}")
                shown += 1
    assert shown > 20


def test_every_operation_says_what_holds_everywhere(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        headers = {entry["name"] for entry in operation.get("parameters", []) if entry["in"] == "header"}
        statuses = set(operation["responses"])
        assert "429" in statuses, name
        if operation["security"] != [{}] and {} not in operation["security"]:
            assert {"401", "403"} <= statuses, name
        if "If-Match" in headers:
            assert "412" in statuses, name
        if "Idempotency-Key" in headers and "auth/" not in name:
            assert {"409", "422"} <= statuses, name
        for response in answers(document, operation).values():
            assert "RateLimit-Remaining" in response["headers"], name


def test_each_operation_names_the_least_scope_of_a_key(document: dict[str, Any]) -> None:
    found = operations(document)
    least = {
        "GET stations/": [{"bearer": []}, {"apiKey": ["read"]}],
        "POST stations/{identity}/commands/": [{"bearer": []}, {"apiKey": ["operate"]}],
        "DELETE stations/{identity}/": [{"bearer": []}, {"apiKey": ["manage"]}],
        "PATCH me/": [{"bearer": []}],
        "POST live-ticket/": [{"bearer": []}, {"apiKey": ["read"]}],
    }
    assert {name: found[name]["security"] for name in least} == least


def test_what_operations_share_is_said_once(document: dict[str, Any]) -> None:
    named = document["components"]["responses"]
    assert len({str(response) for response in named.values()}) == len(named)
    refused = [
        response
        for operation in operations(document).values()
        for status, response in operation["responses"].items()
        if status[0] == "4"
    ]
    assert all(set(response) == {"$ref"} for response in refused)
    assert len(named) < len(refused) / 10


def test_it_is_packed_for_those_who_can_open_it() -> None:
    plain, packed = Client().get("/api/schema/"), Client().get("/api/schema/", headers={"Accept-Encoding": "br, gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 8
