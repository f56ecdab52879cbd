"""`phoenix-dma tenant add` makes a tenant, and nothing in one that is there already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_runtime.local.data_folder.profile import Profile, write_profile


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_a_tenant_that_exists_is_not_added_again(
    tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "profile.toml"
    credential = tmp_path / "operator.jwt"
    written = Profile(
        grpc="127.0.0.1:1",
        rest="http://127.0.0.1:1",
        tenant="default",
        credential=credential,
        data=tmp_path,
    )
    write_profile(profile, written)
    of_acme = tmp_path / "identities" / "acme" / "human.operator.toml"
    of_acme.parent.mkdir(parents=True)
    of_acme.write_text('tenant = "acme"\nfollows = "../../profile.toml"\n')
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(profile))
    command = ["tenant", "add", tenant, "--operator", "human.second", "--json"]
    shown = CliRunner().invoke(build(), command)
    assert (shown.exit_code, shown.stdout) == (1, "")
    error = json.loads(shown.stderr)["error"]
    assert (error["reason"], error["text"]) == (
        "RESOURCE_EXISTS",
        f"the tenant {tenant} exists already",
    )
    assert "phoenix-dma enrol person human.second --role operator" in error["remedy"]
