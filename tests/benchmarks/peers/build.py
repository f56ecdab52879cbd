"""``make bench-peers``: builds what benchmarks compare with, and says in a line what is missing.

etcd and a Temporal server by Go, Temporal's SDK by pip into an environment of its own. Nothing here
is needed by tests or by the runtime.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.benchmarks.peers.programs import PEERS, SOURCES, TEMPORAL_PYTHON, TOOLS, missing

SDK = "temporalio>=1.20,<2"


def build() -> None:
    """Build each peer that is not here, as far as this machine can."""
    if shutil.which("go") is None:
        print("bench-peers: there is no Go here")
    else:
        for peer, name in PEERS.items():
            if not (TOOLS / "bin" / name).exists():
                print(f"bench-peers: building {peer} by Go", flush=True)
                built = str(TOOLS / "bin" / name)
                run("go", "build", "-C", str(SOURCES[peer]), "-trimpath", "-o", built, ".")
    if not TEMPORAL_PYTHON.exists():
        print("bench-peers: installing Temporal's SDK", flush=True)
        environment = TEMPORAL_PYTHON.parents[1]
        run(sys.executable, "-m", "venv", str(environment))
        if not run(str(TEMPORAL_PYTHON), "-m", "pip", "install", "--quiet", SDK):
            shutil.rmtree(environment)


def run(*command: str) -> bool:
    """Run to the end; what a program complains about is shown, and no error of ours."""
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    build()
    for peer in PEERS:
        print(missing(peer) or f"{peer}: here")
