-- Effects outside the runtime, one for each authorization that was begun.

CREATE TABLE effects (
    tenant TEXT NOT NULL,
    authorization_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    idempotent BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    begun INTEGER NOT NULL,
    participant_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approval_id TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE,
    outcome_hash TEXT NOT NULL,
    why TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_version BIGINT NOT NULL,
    CONSTRAINT effects_pkey PRIMARY KEY (tenant, authorization_id)
);
CREATE INDEX effects_of_task ON effects (tenant, task_id);
CREATE INDEX effects_newest ON effects (tenant, begun_at, authorization_id);

ALTER TABLE effects ENABLE ROW LEVEL SECURITY;
ALTER TABLE effects FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON effects TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON effects TO phoenix_assignment;
