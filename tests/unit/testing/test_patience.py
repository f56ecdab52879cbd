"""How long the test kit waits."""

import pytest

from phoenix_dma.testing import kit
from phoenix_dma.testing.patience import VARIABLE, patience
from tests.support.waiting.until import PATIENCE


def test_our_own_tests_wait_as_patiently_by_the_kit_as_without_it() -> None:
    assert kit.PATIENCE == PATIENCE


@pytest.mark.parametrize(("given", "seconds"), [("", 60.0), ("7.5", 7.5)])
def test_the_environment_says_how_long(
    monkeypatch: pytest.MonkeyPatch, given: str, seconds: float
) -> None:
    monkeypatch.setenv(VARIABLE, given)
    assert patience() == seconds


@pytest.mark.parametrize("given", ["a minute", "0", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused_with_its_form(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(VARIABLE, given)
    with pytest.raises(ValueError, match=f"{VARIABLE}={given} is no number of seconds"):
        patience()
