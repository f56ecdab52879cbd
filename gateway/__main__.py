"""``python -m gateway``: one address for clients."""

from gateway.app import build
from phoenix_runtime.chassis.server import run

if __name__ == "__main__":
    run("gateway", build)
