"""What fails on this machine, or in time, is told as every other error."""

from __future__ import annotations

import json

import pytest
import typer

from phoenix_dma.cli import calls
from phoenix_dma.cli.output import Output
from phoenix_dma.cli.server import needs_server


@pytest.mark.parametrize("output", list(Output))
def test_a_missing_server_is_told_with_the_line_that_installs_it(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit), needs_server("audit verify", output):
        raise ModuleNotFoundError("no", name="asyncpg")
    said = capsys.readouterr().err
    line = 'pip install "phoenix-dma[server]"'
    if output is Output.JSON:
        error = json.loads(said)["error"]
        assert (error["reason"], line in error["remedy"]) == ("SERVER_MISSING", True)
    else:
        text = "SERVER_MISSING: `phoenix-dma audit verify` needs the server: asyncpg is missing"
        assert said.splitlines() == [text, f"What to do: Install it: {line}"]


def test_a_wait_that_is_over_is_told_as_every_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(client: object) -> None:
        del client
        raise TimeoutError("task.1 is still running")

    monkeypatch.setattr(calls, "require_listener", lambda: None)
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("PHOENIX_DMA_TOKEN", "given")
    with pytest.raises(typer.Exit):
        calls.call_runtime(ask, Output.JSON)
    assert json.loads(capsys.readouterr().err)["error"]["reason"] == "TIMEOUT"
