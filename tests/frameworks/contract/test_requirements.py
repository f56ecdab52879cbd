"""An adapter imports what its extra declares and nothing else, in the framework's environment."""

from __future__ import annotations

import json
import subprocess

from tests.frameworks.environments import python_of
from tests.unit.sdk.test_dependencies import (
    PROJECT,
    SDK_DECLARED,
    folder_of,
    imports_of,
    names_of,
    provider_of,
)

FILES = """
import importlib.metadata, json, sys
print(json.dumps({name: list(map(str, importlib.metadata.files(name))) for name in sys.argv[1:]}))
"""


def test_an_adapter_imports_what_its_extra_declares(framework: str) -> None:
    declared = names_of(PROJECT["optional-dependencies"][framework])
    modules = modules_of(framework, declared | SDK_DECLARED)
    imported = set(imports_of([str(folder_of(framework))]))
    providers = {name: provider_of(name, modules) for name in imported}
    assert [name for name, provider in providers.items() if provider is None] == []
    assert declared - set(providers.values()) == set()


def modules_of(framework: str, distributions: set[str]) -> dict[str, str]:
    """Which distribution brings a module there, by the module's dotted name."""
    asked = [str(python_of(framework)), "-c", FILES, *distributions]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return {
        file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name
        for name, files in json.loads(said).items()
        for file in files
        if file.endswith(".py")
    }
