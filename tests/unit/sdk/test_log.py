"""Log events of the SDK: named in snake_case, safe to show, whole for programs."""

import ast
import logging
import re
from pathlib import Path

import pytest

import phoenix_dma
from phoenix_dma.log import SDK, Announcements, EventLog, configure_text_log

SOURCES = Path(phoenix_dma.__file__).parent
NASTY = "[urgent]\x1b[31m\nERROR forged"


def test_an_event_is_its_name_and_facts(caplog: pytest.LogCaptureFixture) -> None:
    EventLog("phoenix_dma.test").warning("lease_lost", participant="agent.a", text=NASTY, names=[1])
    (record,) = caplog.records
    assert record.getMessage() == (
        r'lease_lost participant=agent.a text="[urgent]\u001b[31m\nERROR forged" names=1'
    )
    assert record.funcName == "test_an_event_is_its_name_and_facts"
    assert getattr(record, "facts")["text"] == NASTY  # noqa: B009


class Mute(Exception):
    """An exception that raises when it is asked for its text, as mocks and proxies do."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_has_no_text_is_logged_by_its_type(
    caplog: pytest.LogCaptureFixture,
) -> None:
    EventLog("phoenix_dma.test").failure("handler_failed", Mute(), error=Mute())
    assert caplog.text.count("handler_failed error=<Mute>") == 1


def test_a_traceback_is_part_of_the_text_and_does_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    EventLog("phoenix_dma.test").failure("handler_failed", ValueError(NASTY), task="t")
    assert caplog.text.count("handler_failed task=t") == 1
    assert r"ValueError: [urgent]\x1b[31m" in caplog.text
    assert "\x1b" not in caplog.text


def test_the_text_log_spells_out_what_other_libraries_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    configure_text_log(logging.WARNING)
    logging.getLogger("elsewhere").warning("found %s", NASTY)
    shown = capsys.readouterr().err
    assert r"WARNING elsewhere: found [urgent]\x1b[31m" in shown
    assert "\x1b" not in shown


def test_a_program_without_logs_of_its_own_is_told_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    announcements = Announcements()
    announcements.say("quiet: somebody reads the logs")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger(SDK), "handlers", [])
    announcements.say("agent.a is here\x1b")
    assert capsys.readouterr().err == "agent.a is here\\x1b\n"


def test_every_event_of_the_sdk_is_snake_case() -> None:
    named = re.compile(r"[a-z]+(_[a-z]+)+")
    wrong = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
                event = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
                if not named.fullmatch(str(event)):
                    wrong.append(f"{path.relative_to(SOURCES)}:{node.lineno} {event}")
    assert wrong == []


LEVELS = ("debug", "info", "warning", "error", "exception", "failure")
CALLS = {f"log.{level}" for level in LEVELS}
