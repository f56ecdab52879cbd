"""``python -m state_svc``: context documents under their hash."""

from phoenix_runtime.chassis.server import run
from state_svc.wiring import NAME, build

if __name__ == "__main__":
    run(NAME, build)
