"""What services are told from outside is understood as it is documented."""

from datetime import timedelta
from pathlib import Path

import pytest

from phoenix_runtime.chassis.settings import ServerSettings


@pytest.mark.parametrize(
    ("told", "meant"),
    [("3", 3.0), ("2.5", 2.5), ("PT2.5S", 2.5), ("0", 0.0)],
)
def test_a_duration_is_told_in_seconds_or_by_iso_8601(
    told: str, meant: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_DMA_GRACE", told)
    nowhere = Path("/nowhere")
    settings = ServerSettings(issuer_jwks=nowhere, services_jwks=nowhere, service_key=nowhere)
    assert settings.grace == timedelta(seconds=meant)
