"""A service that refuses what it was given ends with one line that says what to do."""

from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from phoenix_runtime.chassis import server
from phoenix_runtime.core.errors import FieldInvalid, Violation


async def refusing() -> NoReturn:
    raise FieldInvalid([Violation("bundle", "has no tests of its own")])


def test_a_refusal_at_the_start_is_a_line_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "configure_logs", lambda *_: None)
    with capture_logs() as told, pytest.raises(SystemExit) as ended:
        server.run("governance", refusing)
    assert ended.value.code == 1
    [line] = told
    assert (line["event"], line["reason"]) == ("start_refused", "FIELD_INVALID")
    assert line["error"] == "bundle: has no tests of its own"
    assert line["remedy"] == FieldInvalid.remedy
    assert "exc_info" not in line
