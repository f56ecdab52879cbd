"""Directives that came before their task began here."""

from phoenix_dma.aio.work import overtaking
from phoenix_dma.aio.work.overtaking import OvertakingDirectives


def test_a_stop_counts_for_its_epoch_and_older_ones_and_for_no_newer_one() -> None:
    directives = OvertakingDirectives()
    directives.stop("task.1", 3)
    directives.stop("task.1", 2)  # delivered late
    assert [directives.is_stopped("task.1", epoch) for epoch in (1, 2, 3, 4)] == [
        True,
        True,
        True,
        False,
    ]
    assert not directives.is_stopped("task.2", 1)


def test_a_request_for_a_checkpoint_counts_once_and_for_its_epoch_alone() -> None:
    directives = OvertakingDirectives()
    directives.checkpoint("task.1", 3)
    assert directives.wants_checkpoint("task.1", 3)
    assert not directives.wants_checkpoint("task.1", 3)
    directives.checkpoint("task.1", 3)
    assert not directives.wants_checkpoint("task.1", 4)


def test_so_many_are_remembered_the_newest() -> None:
    directives = OvertakingDirectives()
    for number in range(overtaking.REMEMBERED + 1):
        directives.stop(f"task.{number}", 1)
    assert not directives.is_stopped("task.0", 1)
    assert directives.is_stopped("task.1", 1)
    assert directives.is_stopped(f"task.{overtaking.REMEMBERED}", 1)
