-- Instants end in _at or _until, identifiers in _id, tables are plurals.
--
-- Released, so never changed: what comes after it is a revision of its own.

ALTER TABLE tasks RENAME COLUMN deadline TO deadline_at;
ALTER TABLE tasks RENAME COLUMN submitter_participant TO submitter_participant_id;
ALTER TABLE tasks RENAME COLUMN start_by TO start_due_at;
ALTER TABLE tasks RENAME COLUMN attempt_by TO attempt_due_at;
ALTER TABLE tasks RENAME COLUMN resume_by TO resume_due_at;
ALTER TABLE tasks RENAME COLUMN parked_target TO parked_target_id;

ALTER TABLE handoffs RENAME COLUMN cleared_target TO cleared_target_id;
ALTER TABLE handoffs RENAME COLUMN offered_to TO offered_target_id;

ALTER TABLE retirements RENAME COLUMN deadline TO deadline_at;

ALTER TABLE authorizations RENAME COLUMN at TO authorized_at;

ALTER TABLE left_out RENAME TO exclusions;
ALTER TABLE exclusions RENAME COLUMN until TO excluded_until;
ALTER TABLE exclusions RENAME CONSTRAINT left_out_pkey TO exclusions_pkey;

-- The owner has to see every tenant's rows meanwhile.
ALTER TABLE deliveries NO FORCE ROW LEVEL SECURITY;
UPDATE deliveries SET receiver = 'directives' WHERE receiver = 'courier';
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
