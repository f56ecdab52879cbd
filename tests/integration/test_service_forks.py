"""A service forks, to run a policy engine: gRPC's fork handlers, which may crash there, are off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from phoenix_runtime.local.services import MODULES

VARIABLE = "GRPC_ENABLE_FORK_SUPPORT"
WATCH = """
import importlib, os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "grpc":
            print(os.environ.get("GRPC_ENABLE_FORK_SUPPORT"))
            sys.meta_path.remove(self)

sys.meta_path.insert(0, Watch())
importlib.import_module(sys.argv[1] + ".__main__")
"""
"""Prints the setting at the moment at which gRPC is imported first, which is when it reads it."""


def told(module: str, **setting: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, module],
        env={**environment, **setting},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", MODULES.values())
def test_every_service_switches_grpcs_fork_handlers_off_before_grpc_reads_it(module: str) -> None:
    assert told(module) == "0"


def test_what_the_environment_says_stands() -> None:
    assert told("registry_svc", **{VARIABLE: "1"}) == "1"
