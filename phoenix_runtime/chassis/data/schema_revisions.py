"""Which schema revisions a service's package brings, and what is said of a schema it cannot read.

Known from file names alone: `phoenix-dma up` asks before it starts anything, without alembic.
"""

from importlib import resources
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "phoenix-dma"
"""Its version is kept as the schema's comment by whatever upgraded the schema last."""


class SchemaTooNew(RuntimeError):
    """A schema was written by a newer program than this one."""

    def __init__(self, schema: str, found: str, known: str, *, writer: str) -> None:
        """Name the schema, the revision ``found`` in it, the newest one ``known``, the writer."""
        self.schema = schema
        self.found = found
        wanted = f"{DISTRIBUTION} {writer}" if writer else f"the {DISTRIBUTION} that wrote it"
        super().__init__(
            f"schema {schema} is at revision {found}, this program knows revisions up to {known}:"
            f" install {wanted} or newer"
        )


def migrations_folder(service_package: str) -> Path:
    """Return the folder that holds the package's ``versions``."""
    return Path(str(resources.files(service_package))) / "store" / "migrations"


def revisions(service_package: str) -> list[str]:
    """Return the package's revisions, oldest first: ``0001_….py`` is revision ``0001``."""
    files = (migrations_folder(service_package) / "versions").glob("[0-9]*_*.py")
    return sorted(file.name.partition("_")[0] for file in files)


def newest_revision(service_package: str) -> str:
    """Return the revision that the package's tables are written for."""
    return revisions(service_package)[-1]


def written_by(comment: str | None) -> str:
    """Return the version that a schema's comment names, or nothing."""
    name, _, version = (comment or "").partition(" ")
    return version if name == DISTRIBUTION else ""
