"""A forked service shares what was imported before the fork, for as long as it runs."""

import subprocess
import sys
from pathlib import Path

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
