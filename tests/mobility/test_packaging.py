"""The files that install the product, read by what reads them: every path, command and setting in them exists."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import crossplane
import kubernetes_validate
import pytest
import yaml
from django.core.management import get_commands, load_command_class

from mobility import probe
from tests.support.environment import ROOT, settings_names, without_settings
from tests.support.server import Server

DEPLOY = ROOT / "deploy"
#: What is read from the environment past mobility/settings.py.
MORE = {"DJANGO_SUPERUSER_EMAIL", "DJANGO_SUPERUSER_PASSWORD", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PATH"}


def check_command(arguments: list[str]) -> None:
    """`manage.py` takes these arguments."""
    name, *rest = arguments
    if name == "version":
        return
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(rest)


def check_settings(names: Any) -> None:
    unknown = {str(name) for name in names} - settings_names() - MORE
    assert not unknown, f"no such settings: {unknown}"


# --- Docker ----------------------------------------------------------------------------------------------------------
def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def ignored(path: str) -> bool:
    """.dockerignore: the last pattern that fits decides."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = False
    for line in (one for one in lines if one and not one.startswith("#")):
        name = line.removeprefix("!")
        if name == "**" or path == name or path.startswith(f"{name}/") or Path(path).match(name.removeprefix("**/")):
            kept = line.startswith("!")
    return not kept


def test_the_image_is_small_and_not_root() -> None:
    steps = instructions()
    last = max(index for index, (name, _) in enumerate(steps) if name == "FROM")
    final = steps[last:]
    assert [value for name, value in final if name == "USER"] == ["10001:10001"]
    assert not re.search(r"gcc|build-essential|-dev\b|make\b", " ".join(value for _, value in final))
    names = {name for name, _ in final}
    assert {"HEALTHCHECK", "ENTRYPOINT", "CMD", "EXPOSE", "STOPSIGNAL", "VOLUME"} <= names
    copied = [part for name, value in steps[:last] if name == "COPY" for part in value.split()[:-1]]
    assert copied
    for part in copied:
        assert (ROOT / part).exists(), part
        assert not ignored(part), f"{part} is ignored"
    for room in ("mobility", "accounts", "charging", "ocpp_gateway", "templates", "static", "manage.py"):
        assert room in copied
    for secret in (".env", ".git/config", "data/secret_key", "tests/conftest.py", "mobility/VERSION", "deploy/x"):
        assert ignored(secret), secret
    for name, value in final:
        if name == "ENV":
            check_settings(re.findall(r"\b([A-Z_]+)=", value))


def test_the_images_commands_run(tmp_path: Path) -> None:
    """What the build and the container do, without Docker."""
    env = {**without_settings(os.environ), "DATA_DIR": str(tmp_path / "data"), "STATIC_ROOT": str(tmp_path / "static")}

    def run(*command: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env={**env, **more}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("manage.py", "collectstatic", "--noinput", "--verbosity", "0", SECRET_KEY="only-for-collectstatic")
    assert (tmp_path / "static" / "css" / "app.css").is_file()
    check_command(json.loads(dict(instructions())["CMD"]))
    folder = tmp_path / "app"
    (folder / "mobility").mkdir(parents=True)
    for name in ("manage.py", "mobility/version.py"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "mobility" / "VERSION").write_text("1.4.0\n")
    for arguments in (["version"], ["--version"], ["up", "--version"]):
        assert run(str(folder / "manage.py"), *arguments) == "1.4.0\n", "without git, by the file of the image"


def test_the_healthcheck(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(dict(instructions())["HEALTHCHECK"].split("CMD ")[1])[1] == "mobility/probe.py"
    monkeypatch.setenv("PORTAL_PORT", "1")
    monkeypatch.setenv("OCPP_PORT", "1")
    assert probe.main() == 1
    monkeypatch.setenv("OCPP_PORT", str(server.ocpp_port))
    assert probe.main() == 0


# --- Compose ---------------------------------------------------------------------------------------------------------
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def own(services: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in services.items() if one["image"].startswith("mobility:")}


def test_compose_runs_the_fleet() -> None:
    services = compose()["services"]
    ours = own(services)
    parts = [one["command"][2] for one in ours.values() if one["command"][:2] == ["up", "--only"]]
    assert sorted(parts) == ["beat", "gateway", "gateway", "portal", "worker"]
    for name, one in ours.items():
        check_command(one["command"])
        check_settings(one["environment"])
        assert set(one["depends_on"]) <= set(services), name
    names = [ours[name]["environment"]["GATEWAY_NAME"] for name in ("gateway-1", "gateway-2")]
    assert len(set(names)) == 2
    assert services["sqlserver"]["profiles"] == ["sqlserver"]
    for one in services.values():
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            known = source in compose()["volumes"] or source == "./deploy/certificates" or (ROOT / source).exists()
            assert known, source
    proxies = ours["portal"]["environment"]["TRUSTED_PROXIES"]
    assert proxies == compose()["networks"]["inner"]["ipam"]["config"][0]["subnet"]


def test_the_example_environment_names_what_compose_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    given = set(re.findall(r"^#? ?([A-Z_]+)=", (DEPLOY / "compose" / "env.example").read_text(), re.MULTILINE))
    assert asked == given


# --- nginx -----------------------------------------------------------------------------------------------------------
def test_nginx_reads_its_configuration(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx" / "mobility.conf.template").read_text()
    for name, value in {"PORTAL_HOST": "charging.example.com", "OCPP_HOST": "ocpp.example.com"}.items():
        text = text.replace(f"${{{name}}}", value)
    (tmp_path / "mobility.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include mobility.conf; }\n")
    parsed = crossplane.parse(str(tmp_path / "nginx.conf"), strict=True)
    # The keys of a map are no directives, which crossplane does not know.
    keys = {
        number for number, line in enumerate(text.splitlines(), 1) if re.match(r" +(default upgrade|'' +'');", line)
    }
    assert [one["error"] for one in parsed["errors"] if one["line"] not in keys] == []
    servers = [one["block"] for one in parsed["config"][1]["parsed"] if one["directive"] == "server"]
    by_name = {one["args"][0]: block for block in servers for one in block if one["directive"] == "server_name"}
    headers = {
        host: {
            one["args"][0]: one["args"][1]
            for location in block
            if location["directive"] == "location"
            for one in location["block"]
            if one["directive"] == "proxy_set_header"
        }
        for host, block in by_name.items()
    }
    stations = headers["ocpp.example.com"]
    # What decides who a station is comes from nginx alone, whatever the station sends.
    assert stations["X-SSL-Client-Verify"] == "$ssl_client_verify"
    assert stations["X-SSL-Client-Cert"] == "$ssl_client_escaped_cert"
    assert stations["Client-Cert"] == ""
    for host in headers:
        assert headers[host]["X-Forwarded-For"] == "$remote_addr"
        assert headers[host]["X-Forwarded-Proto"] == "https"
        assert headers[host]["Upgrade"] == "$http_upgrade"


# --- Kubernetes ------------------------------------------------------------------------------------------------------
def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text()):
            yield path.name, one


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for _, one in manifests() if one["kind"] == kind}


def test_the_manifests_are_valid_and_fit_together() -> None:
    for name, one in manifests():
        if one["kind"] != "Kustomization":
            kubernetes_validate.validate(one, "1.31", strict=True)
            continue
        listed = set(one["resources"])
        assert listed == {name for name, _ in manifests()} - {"kustomization.yaml", "secrets.example.yaml"}
    deployments = of_kind("Deployment")
    assert sorted(deployments) == [f"mobility-{part}" for part in ("beat", "gateway", "portal", "worker")]
    for name, service in of_kind("Service").items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
    for name in ("mobility-gateway", "mobility-portal", "mobility-worker"):
        budget = of_kind("PodDisruptionBudget")[name]["spec"]
        assert budget["minAvailable"] < deployments[name]["spec"]["replicas"]
    for ingress in of_kind("Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"]["name"] in of_kind("Service")


def test_the_pods_run_commands_and_settings_that_exist() -> None:
    pods = [one["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for one in of_kind(kind).values()]
    assert len(pods) == 5
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        check_command(container["args"])
        check_settings(one["name"] for one in container.get("env", []))
        if "--drain-seconds" in container["args"]:
            drain = int(container["args"][container["args"].index("--drain-seconds") + 1])
            assert pod["terminationGracePeriodSeconds"] >= drain + 15
        if container["args"][0] == "up":
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    (config,) = of_kind("ConfigMap").values()
    (secret,) = of_kind("Secret").values()
    check_settings({**config["data"], **secret["stringData"]})


# --- systemd ---------------------------------------------------------------------------------------------------------
def test_the_units_run_commands_that_exist() -> None:
    units = sorted((DEPLOY / "systemd").glob("*.service"))
    assert len(units) == 7
    for path in units:
        unit = RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(path)
        service = unit["Service"]
        program, script, *arguments = service["ExecStart"].split()
        assert (program, script) == ("/opt/mobility/.venv/bin/python", "manage.py")
        check_command(arguments)
        assert (service["User"], service["NoNewPrivileges"]) == ("mobility", "true")
        drain = re.search(r"--drain-seconds (\d+)", service["ExecStart"])
        if drain:
            assert int(service["TimeoutStopSec"]) >= int(drain[1]) + 15
        for name in re.findall(r"mobility[\w@-]*\.service", path.read_text()):
            assert (path.parent / name).exists(), name
    example = (DEPLOY / "systemd" / "mobility.env.example").read_text()
    check_settings(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))


# --- The workflow ----------------------------------------------------------------------------------------------------
def test_the_workflow_tests_builds_and_pushes_on_tags_alone() -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    test, image = flow["jobs"]["test"], flow["jobs"]["image"]
    assert any(".ci/run" in step.get("run", "") for step in test["steps"])
    assert image["needs"] == ["test", "postgres"]
    assert any("TEST_DATABASE=postgres" in step.get("run", "") for step in flow["jobs"]["postgres"]["steps"])
    for step in image["steps"]:
        pushes = step.get("with", {}).get("push") or "login" in step.get("uses", "")
        assert not pushes or "refs/tags/v" in step["if"]
    built = [step["with"]["build-args"] for step in image["steps"] if "build-args" in step.get("with", {})]
    assert len(built) == 2
    assert all(one.startswith("VERSION=") for one in built)
    assert ("ARG", "VERSION=0.0.0+unknown") in instructions()
