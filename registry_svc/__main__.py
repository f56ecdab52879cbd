"""``python -m registry_svc``: who is here, and who can do what."""

from phoenix_runtime.chassis.server import run
from registry_svc.wiring import build

if __name__ == "__main__":
    run(build)
