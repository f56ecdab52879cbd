"""The client knows first: its lease ends a TTL after the last acknowledged beat was sent."""

from phoenix_dma.aio.keepalive.lease import LeaseWatch


class Stopwatch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def watch() -> tuple[LeaseWatch, Stopwatch]:
    stopwatch = Stopwatch()
    lease = LeaseWatch(stopwatch)
    lease.granted(10.0, asked_at=lease.attaching())
    return lease, stopwatch


def test_a_lease_is_counted_from_the_sending_of_the_attach_that_it_answers() -> None:
    stopwatch = Stopwatch()
    lease = LeaseWatch(stopwatch)
    asked_at = lease.attaching()
    stopwatch.now += 4
    lease.granted(10.0, asked_at=asked_at)
    assert lease.remaining == 6


def test_an_acknowledged_beat_counts_from_when_it_was_sent_not_from_its_acknowledgement() -> None:
    lease, stopwatch = watch()
    stopwatch.now += 3
    lease.sent(1)
    stopwatch.now += 5
    lease.acknowledged(1)
    assert lease.remaining == 5


def test_a_beat_without_acknowledgement_prolongs_nothing() -> None:
    lease, stopwatch = watch()
    stopwatch.now += 9
    lease.sent(1)
    stopwatch.now += 1
    assert not lease.holds


def test_one_acknowledgement_counts_for_every_beat_up_to_its_number() -> None:
    lease, stopwatch = watch()
    for seq in (1, 2, 3):
        stopwatch.now += 1
        lease.sent(seq)
    lease.acknowledged(2)
    assert lease.remaining == 9


def test_a_lost_lease_does_not_come_back_by_a_late_acknowledgement() -> None:
    lease, _ = watch()
    lease.sent(1)
    lease.lost()
    lease.acknowledged(1)
    assert not lease.holds


def test_beats_of_an_older_stream_are_not_acknowledged_by_a_newer_one() -> None:
    lease, stopwatch = watch()
    lease.sent(1)
    stopwatch.now += 5
    lease.sent(2)
    lease.attaching()
    lease.acknowledged(2)
    assert lease.remaining == 5
