"""``python -m assignment_svc``: who does what, how it moves, how somebody leaves."""

from assignment_svc.wiring import build
from phoenix_runtime.chassis.server import run

if __name__ == "__main__":
    run(build)
