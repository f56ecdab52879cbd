"""A forked service shares what was imported before the fork, for as long as it runs."""

import os
import subprocess
import sys
from pathlib import Path

from phoenix_runtime.local.processes.prefork import NO_THREADS
from phoenix_runtime.local.services import MODULES

FORKED = """
import gc, os, sys
from phoenix_runtime.local.processes.prefork_child import become
gc.collect()
gc.freeze()
sys.path.insert(0, sys.argv[1])
become({"name": "told", "module": "told", "log": sys.argv[2], "environment": dict(os.environ)})
"""


def test_what_was_imported_before_the_fork_is_never_looked_at_by_a_collection(
    tmp_path: Path,
) -> None:
    (tmp_path / "told.py").write_text("import gc; print(gc.get_freeze_count())")
    log = tmp_path / "log"
    command = [sys.executable, "-c", FORKED, str(tmp_path), str(log)]
    subprocess.run(command, check=True)
    assert int(log.read_text()) > 1_000


BECOMES = """
import os, sys
from phoenix_runtime.local.processes.prefork_child import become, import_services
sys.path.insert(0, os.getcwd())
import_services(["broken"])
become({"name": "broken", "module": "broken", "log": sys.argv[1], "environment": {}})
"""

IMPORTED = """
import os, sys
from phoenix_runtime.local.processes.prefork_child import import_services
sys.path.insert(0, os.getcwd())
import_services(sys.argv[1:])
tasks = "/proc/self/task"
print(len(os.listdir(tasks)) if os.path.exists(tasks) else 1)
print(*(name for name in sys.modules if name.endswith(".wiring") or name.endswith("__main__")))
"""


def imported(folder: Path, *modules: str) -> tuple[int, set[str]]:
    """The threads, and the wirings and main modules, of a process that has imported these."""
    path = os.pathsep.join(sys.path)
    told = subprocess.run(
        [sys.executable, "-c", IMPORTED, *modules],
        cwd=folder,
        env={**os.environ, **NO_THREADS, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    threads, names = told.stdout.splitlines()
    return int(threads), set(names.split())


def test_whatever_the_services_import_is_imported_before_the_fork_and_starts_no_thread(
    tmp_path: Path,
) -> None:
    threads, names = imported(tmp_path, *MODULES.values())
    assert threads == 1
    services = set(MODULES.values()) - {"gateway"}
    assert names == {"__main__", *(f"{service}.wiring" for service in services)}


def test_a_service_that_cannot_be_imported_is_told_by_itself_and_holds_up_no_other(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "__init__.py").touch()
    (broken / "__main__.py").write_text("import there_is_no_such_module")
    assert "state_svc.wiring" in imported(tmp_path, "broken", "state_svc")[1]
    command = [sys.executable, "-c", BECOMES, str(tmp_path / "log")]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 1
    assert "there_is_no_such_module" in (tmp_path / "log").read_text()
