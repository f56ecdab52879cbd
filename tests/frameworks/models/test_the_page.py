"""The page about model endpoints: its overlay decides, and its query answers what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from phoenix_dma.testing import Phoenix, SharedRuntime
from tests.frameworks.pages import blocks, operators_profile, run

PAGE: Final = "models.md"
FILES: Final = ("catalogue.json", "rules/models.rego", "tests/models_test.rego")


async def test_the_cheapest_model_that_may_see_customer_data_is_found_and_explained(
    phoenix: Phoenix, phoenix_dma_runtime: SharedRuntime, tmp_path: Path
) -> None:
    profile = operators_profile(phoenix_dma_runtime, phoenix.tenant)
    folder = tmp_path / "policy"
    for name, text in zip(FILES, blocks(PAGE, "json", "rego"), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    told = await run(profile, "-m", "phoenix_dma.cli", "policy", "test", str(folder))
    assert "3 tests passed" in told
    await run(profile, "-m", "phoenix_dma.cli", "policy", "apply", str(folder))
    (script,) = blocks(PAGE, "python")
    (tmp_path / "block.py").write_text(script)
    await run(profile, str(tmp_path / "block.py"))
