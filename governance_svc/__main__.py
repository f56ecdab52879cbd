"""``python -m governance_svc``: policy, trust, approvals, the audit ledger."""

from governance_svc.wiring import NAME, build
from phoenix_runtime.chassis.server import run

if __name__ == "__main__":
    run(NAME, build)
