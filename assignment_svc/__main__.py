"""``python -m assignment_svc`` runs the service: assignment, migration, retirement."""

from assignment_svc.wiring import NAME, build
from phoenix_runtime.chassis.server import run

if __name__ == "__main__":
    run(NAME, build)
