"""The project's own rules, read from its source. Each rule has an example that it must refuse."""

import ast
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.environment import ROOT

SKIPPED = {".git", ".venv", "node_modules", "data", "staticfiles", "__pycache__", ".cache", "migrations"}
ROOMS = ("mobility", "accounts", "charging", "ocpp_gateway")

#: Which rooms a room may import. `mobility` puts everything together and is not held to this.
MAY_IMPORT = {
    "accounts": {"accounts"},
    "charging": {"charging", "accounts"},
    "ocpp_gateway": {"ocpp_gateway", "charging", "accounts"},
}
#: The modules of `mobility` that every room may use; they import no room themselves.
FOUNDATION = {"errors", "api", "beat", "documents", "htmx", "logs", "websocket"}

Rule = Callable[[str, str], Iterator[str]]
RULES: dict[str, tuple[Rule, tuple[str, str]]] = {}


def rule(path: str, example: str) -> Callable[[Rule], Rule]:
    """Register a rule with a file that it must refuse."""

    def register(function: Rule) -> Rule:
        RULES[function.__name__] = (function, (path, example))
        return function

    return register


@functools.cache
def sources() -> list[tuple[str, str]]:
    """(path, text) of every file of ours that people write."""
    found = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(set(subfolders) - SKIPPED)
        paths = [Path(folder, name) for name in sorted(names)]
        found += [path for path in paths if path.suffix in {".py", ".html", ".js", ".mjs", ".css", ".txt", ".svg"}]
    return [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in found]


@rule("charging/big.py", "x = 1\n" * 501)
def no_file_has_two_subjects(path: str, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > 500 and path.endswith((".py", ".js", ".mjs", ".html")):
        yield f"{lines} lines; over 500 means two subjects"


def _is_blind(handler: ast.expr | None) -> bool:
    names = handler.elts if isinstance(handler, ast.Tuple) else [handler]
    return any(name is None or (isinstance(name, ast.Name) and name.id in BLIND) for name in names)


BLIND = {"Exception", "BaseException"}


@rule("charging/quiet.py", "try:\n    work()\nexcept Exception:\n    pass\n")
def no_error_is_swallowed(path: str, text: str) -> Iterator[str]:
    if not path.endswith(".py"):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and _is_blind(node.type):
            if all(isinstance(step, ast.Pass | ast.Continue | ast.Expr) and _says_nothing(step) for step in node.body):
                yield f"line {node.lineno}: catches everything and does nothing"
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("suppress")
            and any(map(_is_blind, node.args))
        ):
            yield f"line {node.lineno}: suppresses everything"


def _says_nothing(step: ast.stmt) -> bool:
    return not isinstance(step, ast.Expr) or isinstance(step.value, ast.Constant)


def imported(path: str, text: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, relative ones made absolute."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{name.name}") for name in node.names)


@rule("charging/actions/upward.py", "from ocpp_gateway.rpc import parse\n")
def imports_go_one_way(path: str, text: str) -> Iterator[str]:
    room = path.split("/")[0]
    if room not in ROOMS or not path.endswith(".py"):
        return
    foundation = room == "mobility" and path.count("/") == 1 and Path(path).stem in FOUNDATION
    for line, name in imported(path, text):
        target, _, rest = name.partition(".")
        if target not in ROOMS or target == room:
            continue
        if foundation:
            yield f"line {line}: {path} is used by every room and imports {name}"
        elif target == "mobility" and rest.split(".")[0] not in FOUNDATION:
            yield f"line {line}: {room} imports {name}; of mobility it may use {', '.join(sorted(FOUNDATION))}"
        elif room != "mobility" and target != "mobility" and target not in MAY_IMPORT[room]:
            yield f"line {line}: {room} imports {name}"


@rule("charging/views/stations.py", "def page(request):\n    return Station.objects.all()\n")
def edges_use_queries_and_actions(path: str, text: str) -> Iterator[str]:
    """Views, serializers and consumers read through queries and write through actions."""
    if not re.match(r"(accounts|charging)/(views|api|consumers|serializers|forms)(/|\.py)", path):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}:
            yield f"line {node.lineno}: {ast.unparse(node)}"


ASSET = re.compile(
    r"""(?:<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc\s*=\s*["']?
        |<link\b[^>]*\bhref\s*=\s*["']?
        |url\(\s*["']?
        |@import\s+["']
        |\bimport\b[^;\n]*["']
        |\bfetch\(\s*["'`])
        ((?:https?:)?//[^\s"'`)>]+)""",
    re.VERBOSE | re.IGNORECASE,
)
CDN = re.compile(r"//[^\s\"']*(?:\bcdn\b|unpkg|jsdelivr|cdnjs|googleapis|gstatic|bootstrapcdn)", re.IGNORECASE)


@rule("templates/base.html", '<script src="https://example.com/htmx.js"></script>')
def no_asset_comes_from_elsewhere(path: str, text: str) -> Iterator[str]:
    if path.startswith(("templates/", "static/")):
        yield from (f"loads {found[1]}" for found in ASSET.finditer(text))
    if path.startswith(("templates/", "static/", *(f"{room}/" for room in ROOMS))):
        yield from (f"names {found[0]}" for found in CDN.finditer(text))


@rule("static/js/htmx.min.js", "")
def nothing_foreign_is_kept_here(path: str, text: str) -> Iterator[str]:
    if path.startswith(("static/", "templates/")) and re.search(r"\.min\.(js|css|mjs)$", path):
        yield "a built file of someone else; it belongs in a package"
    if path.startswith("static/") and path.endswith((".js", ".css")):
        longest = max(map(len, text.splitlines()), default=0)
        if longest > 1000:
            yield f"a line of {longest} characters: a built file"


INLINE = re.compile(
    r"""<script(?![^>]*\bsrc=)(?![^>]*type=["'](?:application/json|importmap)["'])[^>]*>
        |\son(?:click|change|load|submit|input|error|focus|blur|key\w+|mouse\w+)\s*=
        |\shx-on[:\s=]
        |javascript:
        |\shx-vals=["']js:""",
    re.VERBOSE | re.IGNORECASE,
)


@rule("templates/page.html", '<a onclick="go()">go</a>')
def no_template_carries_script(path: str, text: str) -> Iterator[str]:
    """The Content-Security-Policy refuses inline script; a template that has some is broken in the browser."""
    if path.startswith("templates/") and path.endswith(".html"):
        for found in INLINE.finditer(text):
            yield f"line {text.count(chr(10), 0, found.start()) + 1}: {found[0].strip()}"


LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")


@rule("charging/half.py", "# TO" + "DO: the rest\n")
def nothing_is_left_for_later(path: str, text: str) -> Iterator[str]:
    yield from (f"says {found[0]}" for found in LATER.finditer(text))


def violations(name: str, files: Iterable[tuple[str, str]]) -> list[str]:
    check, _ = RULES[name]
    return [f"{path}: {what}" for path, text in files for what in check(path, text)]


@pytest.mark.parametrize("name", RULES)
def test_the_project_keeps_the_rule(name: str) -> None:
    found = violations(name, sources())
    assert not found, f"{name}:\n" + "\n".join(found)


@pytest.mark.parametrize("name", RULES)
def test_the_rule_refuses_its_example(name: str) -> None:
    _, example = RULES[name]
    assert violations(name, [example])


def test_every_static_file_that_a_template_names_exists() -> None:
    from django.contrib.staticfiles import finders

    named = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")
    wanted = {(path, name) for path, text in sources() if path.startswith("templates/") for name in named.findall(text)}
    missing = sorted(f"{path}: {name}" for path, name in wanted if not finders.find(name))
    assert not missing, "\n".join(missing)


def pinned(*names: str) -> dict[str, str]:
    """name -> version of every `name==version` line."""
    line = re.compile(r"^([A-Za-z0-9_.-]+)(\[[^]]*\])?==([^\s;]+)", re.MULTILINE)
    text = "\n".join((ROOT / name).read_text() for name in names)
    return {re.sub(r"[-_.]+", "-", found[1]).lower(): found[3] for found in line.finditer(text)}


def test_every_direct_dependency_is_pinned_and_explained() -> None:
    direct, exact = pinned("requirements.txt", "requirements-dev.txt"), pinned("constraints.txt")
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    assert len(direct) > 30
    assert {name: exact.get(name) for name in direct} == direct
    assert not [name for name in direct if not re.search(rf"^\|[^|]*\b{name}\b", explained, re.MULTILINE)]
