"""The sample's unit of work: writes notes, and says so."""

from sqlalchemy import insert, select, update

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditDraft, AuditEventType
from phoenix_runtime.core.receipt import Receipt
from tests.support.sample.store.tables import metadata, note


class NoteUnit(TenantRows):
    """Adds and changes notes; each change is an event of the aggregate ``note/<id>``."""

    async def add(self, note_id: str, text: str) -> None:
        """A new note, version 1; not audited by itself."""
        await self.connection.run(
            insert(note).values(tenant=self.tenant, note_id=note_id, text=text, version=1)
        )

    async def put(self, note_id: str, text: str) -> None:
        """A new note, version 1, written with what else the unit writes."""
        await self._insert(note, {"note_id": note_id, "text": text, "version": 1})

    async def amend(self, note_id: str, text: str) -> None:
        """Change a note, which has to be there, with what else the unit writes."""
        await self._update(note, {"note_id": note_id}, {"text": text})

    async def change(self, note_id: str, text: str) -> int:
        """Change a note; answers its new version."""
        version: int = await self.connection.value(
            update(note)
            .where(note.c.tenant == self.tenant, note.c.note_id == note_id)
            .values(text=text, version=note.c.version + 1)
            .returning(note.c.version)
        )
        return version

    async def texts(self) -> list[str]:
        """Every note, by a query that does not name the tenant."""
        found = await self.connection.fetch(select(note.c.text).order_by(note.c.note_id))
        return [row["text"] for row in found]

    async def tell(self, note_id: str, version: int, *, last: bool = False) -> Receipt:
        """The audit event of a note's version."""
        return await self.audit(
            AuditDraft(
                type=AuditEventType.CAPABILITIES_UPDATED,
                aggregate=f"note/{note_id}",
                aggregate_version=version,
                last=last,
                participant=note_id,
            )
        )

    async def order(self, participant: str) -> Directive:
        """A directive to ``participant``."""
        directive = Directive(self.new_id("directive"), DirectiveAction.DRAIN, participant)
        await self.direct(directive)
        return directive


def note_units(database: Database) -> tuple[Units[NoteUnit], Outbox]:
    """Units over ``database``, and their outbox."""
    outbox = Outbox("registry", metadata, clock=database.clock, new_id=new_id)
    return Units(database, NoteUnit, outbox, new_id), outbox
