"""The generated pages say what the code says."""

import subprocess
import sys
from pathlib import Path

GENERATE = Path(__file__).parents[2] / "docs" / "generate.py"


def test_no_generated_page_is_stale() -> None:
    checked = subprocess.run(
        [sys.executable, str(GENERATE), "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
