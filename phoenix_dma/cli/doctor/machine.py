"""What a runtime on this machine needs: the server's packages, a data folder, parts that answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_dma.cli.doctor.finding import Finding
from phoenix_dma.cli.which_runtime import doubts_about, folder_of
from phoenix_dma.wire.starting import has_server

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder


def findings(data: Path | None) -> Iterator[Finding]:
    """Every check of the runtime that is meant; of the SDK alone those that need no server."""
    from phoenix_runtime.local import checks  # noqa: PLC0415  # see __init__

    folder = folder_of(data)
    answers = [*checks.check_installation(folder)]
    try:
        if has_server() or folder.path.exists():
            answers += checks.check_data_folder(folder)
            answers += checks.check_runtime(folder)
    except OSError as error:
        yield Finding("data folder", str(error), "run as the user whose runtime it is")
    yield from (Finding(*answer) for answer in answers)
    for doubt in doubts_about(data):
        yield Finding("runtime", doubt)
    if has_server():
        yield from _services(folder)


def _services(folder: DataFolder) -> Iterator[Finding]:
    """What only the server's packages can ask: databases, health of services, a decision."""
    from phoenix_dma.cli.doctor import services  # noqa: PLC0415  # imports the server

    try:
        record = folder.record()
    except OSError:
        return
    if record is not None:
        yield from services.findings(folder, record)
