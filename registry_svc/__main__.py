"""Runs the registry service: ``python -m registry_svc``."""

from phoenix_runtime.chassis.server import run
from registry_svc.wiring import NAME, build

if __name__ == "__main__":
    run(NAME, build)
