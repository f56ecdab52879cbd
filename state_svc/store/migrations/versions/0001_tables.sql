-- Contents under their hash, references to state that lives elsewhere.
--
-- Released, so never changed: what comes after it is a revision of its own.

CREATE TABLE contents (
    tenant TEXT NOT NULL,
    hash TEXT NOT NULL,
    content BYTEA NOT NULL,
    size_bytes INTEGER NOT NULL,
    stored_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT contents_pkey PRIMARY KEY (tenant, hash)
);

CREATE TABLE state_references (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    participant_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    hash TEXT NOT NULL,
    state_ref TEXT NOT NULL,
    owner TEXT NOT NULL,
    handoff_protocol TEXT NOT NULL,
    stored_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT state_references_pkey
        PRIMARY KEY (tenant, task_id, version, participant_id, epoch, hash)
);
