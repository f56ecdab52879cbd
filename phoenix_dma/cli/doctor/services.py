"""What the parts of a runtime that is up answer; imported only where the server is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phoenix_dma.cli.doctor.finding import Finding
from phoenix_dma.wire.starting import INSTALL

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder, RuntimeRecord


def findings(folder: DataFolder, record: RuntimeRecord) -> Iterator[Finding]:
    """Whether services serve, the database answers, and policy decides."""
    try:
        from phoenix_runtime.local.service_checks import check_services  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        yield Finding("server", f"incomplete: {missing.name} is missing", INSTALL)
        return
    yield from (Finding(*answer) for answer in check_services(folder, record))
