"""The SDK's wheel alone in fresh environments, and an agent in each against a whole runtime."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from phoenix_runtime.local.data_folder.files import temporary_folder
from tests.integration.sdk.wheels import Environment, build_wheel, install, locked_versions
from tests.support.processes.programs import plain_environment
from tests.support.waiting.until import PATIENCE

AGENT = """
from phoenix_dma import PhoenixClient
from phoenix_dma.portable import portable_schema

portable_schema()  # is read from the wheel
client = PhoenixClient()
client.register_participant(
    id="agent.reviewer.{name}",
    type="agent",
    owner="data-governance",
    capabilities=["customer_validation"],
    data_domains=["customer_master"],
)


@client.task_handler(capability="customer_validation")
def review(task):
    kept = client.checkpoint(task.id, {{"seen": task.input["records"]}})
    return {{"version": kept.version, "seen": task.context().outputs["seen"]}}
"""
MOST_PACKAGES = 15
SERVER_ONLY = ("alembic", "asyncpg", "pydantic", "redis", "sqlalchemy", "starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A runtime that this checkout keeps up, and the profile that leads to it."""

    environment: dict[str, str]
    folder: Path
    """Where commands are run: neither code nor data lies there."""

    def run(self, *command: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def start(self, *command: str, profile: Path) -> subprocess.Popen[str]:
        """Start ``command`` as whom ``profile`` was made for."""
        environment = self.environment | {"PHOENIX_DMA_PROFILE": str(profile)}
        return subprocess.Popen(
            command, env=environment, cwd=self.folder, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    this_checkout = (sys.executable, "-m", "phoenix_dma.cli")
    with serving(this_checkout, tmp_path_factory.mktemp("empty")) as made:
        yield made


@contextmanager
def serving(command: tuple[str, ...], folder: Path) -> Iterator[Deployment]:
    """A runtime that ``command``, which is ``phoenix-dma``, keeps up; it starts in ``folder``."""
    data = temporary_folder()
    environment = plain_environment() | {
        "PHOENIX_DMA_DATA": str(data),
        "PHOENIX_DMA_PROFILE": str(data / "operator" / "profile.toml"),
    }
    made = Deployment(environment, folder)
    try:
        started = made.run(*command, "up", "--ports", "free", "--detach")
        assert started.returncode == 0, started.stderr
        assert "the runtime is up" in started.stdout
        yield made
    finally:
        made.run(*command, "down")
        shutil.rmtree(data)


def assert_an_agent_works(deployment: Deployment, installed: Environment, name: str) -> None:
    """An agent with a profile of its own completes a task that the command line submits."""
    script = installed.folder / "agent.py"
    script.write_text(AGENT.format(name=name))
    own = installed.folder / "agent.toml"
    enrolled = deployment.run(
        installed.command, "enrol", "participant", f"agent.reviewer.{name}",
        "--owner", "data-governance", "--profile", str(own),
    )  # fmt: skip
    assert enrolled.returncode == 0, enrolled.stderr
    agent = deployment.start(installed.python, str(script), profile=own)
    try:
        submitted = deployment.run(
            installed.command, "submit", "--wait", "--output", "json",
            "--objective", "Validate customers", "--capability", "customer_validation",
            "--domain", "customer_master", "--risk", "low", "--input", '{"records": 3}',
        )  # fmt: skip
        assert submitted.returncode == 0, submitted.stderr
        task = json.loads(submitted.stdout)
        assert task["status"] == "succeeded"
        assert task["result"] == {"version": 1, "seen": 3}
    finally:
        agent.terminate()
        _, said = agent.communicate(timeout=PATIENCE)
    here = f"agent.reviewer.{name} is here: granted customer_validation, customer_master\n"
    assert (agent.returncode, said) == (0, here)


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The SDK alone, in the versions of the lock file."""
    folder = tmp_path_factory.mktemp("alone")
    locked = locked_versions(folder)
    return install(folder / "venv", str(wheel), "--constraint", str(locked))


def test_the_sdk_alone_is_small_and_an_agent_works_with_it(
    alone: Environment, deployment: Deployment
) -> None:
    packages = alone.packages()
    assert len(packages) <= MOST_PACKAGES, sorted(packages)
    assert not set(SERVER_ONLY) & set(packages)
    assert_an_agent_works(deployment, alone, "alone")


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param(("protobuf==5.29.*", "--resolution", "lowest-direct"), id="5.29"),
        pytest.param(("protobuf==6.33.*",), id="6.33", marks=pytest.mark.long),
    ],
)
def test_an_agent_works_beside_an_older_protobuf(
    wheel: Path, deployment: Deployment, tmp_path: Path, beside: tuple[str, ...]
) -> None:
    installed = install(tmp_path / "venv", str(wheel), *beside)
    version = ".".join(installed.packages()["protobuf"].split(".")[:2])
    assert beside[0].startswith(f"protobuf=={version}")
    assert_an_agent_works(deployment, installed, f"beside-{version}")


@pytest.mark.parametrize("command", [("up",), ("audit", "verify")])
def test_a_command_that_needs_the_server_names_what_to_install(
    alone: Environment, command: tuple[str, ...]
) -> None:
    done = subprocess.run([alone.command, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said, remedy = done.stderr.splitlines()
    assert said.startswith("SERVER_MISSING: ")
    assert remedy == 'What to do: Install it: pip install "phoenix-dma[server]"'


@pytest.mark.long
def test_up_works_from_the_wheel_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    locked = locked_versions(tmp_path, "--extra", "server")
    installed = install(tmp_path / "venv", f"{wheel}[server]", "--constraint", str(locked))
    empty = tmp_path / "empty"
    empty.mkdir()
    with serving((installed.command,), empty) as made:
        assert_an_agent_works(made, installed, "wheel")
        verified = made.run(installed.command, "audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not list(empty.iterdir())
