-- Tables are plurals, a table's own key is its singular with _id.
--
-- Released, so never changed: what comes after it is a revision of its own.

ALTER TABLE participant RENAME TO participants;
ALTER TABLE participants RENAME COLUMN id TO participant_id;
ALTER TABLE participants RENAME COLUMN declared TO declaration;
ALTER TABLE participants RENAME CONSTRAINT participant_pkey TO participants_pkey;

ALTER TABLE generation RENAME TO generations;
ALTER TABLE generations RENAME CONSTRAINT generation_pkey TO generations_pkey;

ALTER TABLE edge RENAME TO edges;
ALTER TABLE edges RENAME CONSTRAINT edge_pkey TO edges_pkey;
ALTER INDEX edge_granted RENAME TO edges_granted;

ALTER TABLE directive RENAME TO directives;
ALTER TABLE directives RENAME CONSTRAINT directive_pkey TO directives_pkey;
ALTER INDEX directive_waiting RENAME TO directives_waiting;
ALTER INDEX directive_created RENAME TO directives_created;
ALTER SEQUENCE directive_position_seq RENAME TO directives_position_seq;
