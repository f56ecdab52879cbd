"""The portable context: both ways without loss, beside what others keep, without reasoning."""

from typing import Any

import pytest

from phoenix_dma.context import Context
from phoenix_dma.portable import (
    Artifact,
    Message,
    Plan,
    PortableContext,
    PrivateState,
    Reader,
    ToolCall,
    portable_of,
    unused,
    with_unused,
)
from phoenix_dma.portable.recorded import changed
from phoenix_dma.wire.context_kinds import CONTEXT_KINDS
from phoenix_dma.wire.conversions import json_of, struct_of

CALL = ToolCall.of("call-1", "merge", {"keep": "customer.1", "score": 0.5, "n": 3})
WHOLE = PortableContext(
    objective="Review the duplicates",
    messages=(
        Message("system", "You review."),
        Message("user", ({"type": "text", "text": "Look"}, {"type": "image_url", "url": "x"})),
        Message("assistant", None, tool_calls=(CALL,)),
        Message("tool", "merged", name="merge", tool_call_id="call-1"),
        Message("assistant", "Done.", name="reviewer"),
    ),
    artifacts=(
        Artifact("report", media_type="text/plain", content="two pairs", author="agent.one"),
        Artifact("model", ref="s3://bucket/1", hash="sha256:ab"),
    ),
    decisions=("keep customer.1", {"obligation": "o", "decision": "older"}),
    open_questions=("Is customer.3 a twin?",),
    plan=Plan(("read", "compare", "report"), 1),
    private=(PrivateState("langgraph", "1.2.24", '{"channel": 1}'),),
)


def recorded(portable: PortableContext, before: Context | None = None) -> Context:
    """The context as it comes back from the runtime, which keeps it as a Struct."""
    kinds = portable.kinds(before or Context({}))
    return Context(json_of(struct_of({**(before or {}), **kinds})), version=1)


def test_what_is_recorded_comes_back_the_same() -> None:
    assert portable_of(recorded(WHOLE)) == WHOLE


def test_a_minimal_one_comes_back_the_same() -> None:
    least = PortableContext("Do it")
    assert portable_of(recorded(least)) == least


def test_it_uses_kinds_that_every_context_may_hold() -> None:
    assert set(WHOLE.kinds(Context({}))) <= CONTEXT_KINDS


def test_a_context_without_one_has_none() -> None:
    assert portable_of(Context({"objective": "x", "outputs": 1}, version=3)) is None
    assert portable_of(Context({"metadata": {"portable": "an input"}}, version=0)) is None


def test_what_others_keep_in_the_metadata_stays() -> None:
    before = Context({"metadata": {"batch": 7}}, version=1)
    assert recorded(WHOLE, before)["metadata"]["batch"] == 7


def test_an_input_that_looks_like_metadata_is_not_taken_over() -> None:
    before = Context({"metadata": {"batch": 7}}, version=0)
    assert "batch" not in recorded(WHOLE, before)["metadata"]


def test_private_state_of_one_framework_does_not_touch_that_of_another() -> None:
    crewai = PrivateState("crewai", "1.15.30", "a")
    both = changed(WHOLE, {"private": crewai})
    again = changed(both, {"private": PrivateState("crewai", "1.16.0", "b")})
    assert {one.framework: one.state for one in again.private} == {
        "langgraph": '{"channel": 1}',
        "crewai": "b",
    }


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<think>a\nb</think>\nYes.", "Yes."),
        ("So < Thoughts >x</ Thoughts >: yes", "So : yes"),
        ("Well <reasoning>it never ends", "Well "),
        ("a < b and <thing>c</thing>", "a < b and <thing>c</thing>"),
    ],
)
def test_reasoning_in_tags_is_left_out(said: str, kept: str) -> None:
    assert Message("assistant", said).to_json()["content"] == kept
    parts = ({"type": "text", "text": said},)
    assert Message("assistant", parts).to_json()["content"] == [{"type": "text", "text": kept}]


def test_arguments_of_a_model_that_are_no_object_are_kept_as_they_are() -> None:
    broken = Message("assistant", None, tool_calls=(ToolCall("c", "t", '{"half'),))
    assert Message.from_json(broken.to_json()) == broken
    with pytest.raises(ValueError, match="Unterminated"):
        broken.tool_calls[0].parsed()
    with pytest.raises(ValueError, match="arguments of t are a list, not an object"):
        ToolCall("c", "t", "[]").parsed()


NOTHING = frozenset[str]()
EVERYTHING = frozenset({"messages", "artifacts", "decisions", "open_questions", "plan"})


@pytest.mark.parametrize(
    ("uses", "framework", "paths"),
    [
        (
            NOTHING,
            ("crewai", "1.0"),
            ["messages", "artifacts", "decisions", "open_questions", "plan", "private[langgraph]"],
        ),
        (EVERYTHING, ("crewai", "1.0"), ["messages[1].content[1]", "private[langgraph]"]),
        (EVERYTHING, ("langgraph", "1.9"), ["messages[1].content[1]"]),
        (EVERYTHING, ("langgraph", "2.0"), ["messages[1].content[1]", "private[langgraph]"]),
    ],
)
def test_what_a_target_cannot_use_is_named_by_its_path(
    uses: frozenset[str], framework: tuple[str, str], paths: list[str]
) -> None:
    found = unused(WHOLE, Reader(*framework, uses))
    assert [one.path for one in found] == paths
    assert all(one.why for one in found)


def test_content_that_a_target_takes_is_used() -> None:
    reader = Reader("langgraph", "1.2", EVERYTHING, content=frozenset({"image_url"}))
    assert unused(WHOLE, reader) == ()


def test_what_was_left_unused_is_a_decision_once() -> None:
    reader = Reader("crewai", "1.0", frozenset({"messages"}))
    least = PortableContext("x", private=WHOLE.private)
    found = unused(least, reader)
    once = with_unused(least.decisions, found, reader)
    assert with_unused(once, found, reader) == once
    (entry,) = once
    assert entry["unused"] == [{"path": "private[langgraph]", "why": "only langgraph reads it"}]
    # The entry itself is nothing that the next one leaves unused.
    assert unused(changed(least, {"decisions": once}), reader) == found


def test_nothing_unused_is_no_decision() -> None:
    assert with_unused(["a"], (), Reader("crewai", "1.0", NOTHING)) == ("a",)


def test_a_reader_that_uses_what_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not message$"):
        Reader("crewai", "1.0", frozenset({"message"}))


def test_decisions_of_any_form_are_kept() -> None:
    decisions: tuple[Any, ...] = ("a", 3, ["b"])
    kept = PortableContext("x", decisions=decisions)
    assert portable_of(recorded(kept)) == kept
