"""The test kit says in one line what is missing."""

import subprocess
import sys
from pathlib import Path

BLOCKED = "import sys\nsys.modules[{name!r}] = None\n"
ASKS = "def test_a(phoenix):\n    pass\n"


def test_without_pytest_the_import_says_what_to_install() -> None:
    code = BLOCKED.format(name="pytest") + "import phoenix_dma.testing\n"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    said = ended.stderr.splitlines()[-1]
    assert said == (
        'ImportError: phoenix_dma.testing needs pytest: pip install "phoenix-dma[server]" pytest'
    )


def test_without_the_server_a_test_that_asks_for_it_fails_in_one_line(tmp_path: Path) -> None:
    plugins = 'pytest_plugins = ["phoenix_dma.testing"]\n'
    (tmp_path / "conftest.py").write_text(BLOCKED.format(name="redis") + plugins)
    (tmp_path / "test_it.py").write_text(ASKS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 1
    assert (
        'phoenix_dma.testing needs the server (redis is missing): pip install "phoenix-dma[server]"'
    ) in ended.stdout
    assert "Traceback" not in ended.stdout
