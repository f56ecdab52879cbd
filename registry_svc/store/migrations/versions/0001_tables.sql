-- Participants, generations, the capability graph, directives.
--
-- Released, so never changed: what comes after it is a revision of its own.

CREATE TABLE directive (
    tenant TEXT NOT NULL,
    directive_id TEXT NOT NULL,
    position BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    participant_id TEXT NOT NULL,
    document JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    error TEXT DEFAULT '' NOT NULL,
    CONSTRAINT directive_pkey PRIMARY KEY (tenant, directive_id)
);
CREATE INDEX directive_created ON directive (created_at);
CREATE INDEX directive_waiting
    ON directive (tenant, participant_id, position) WHERE acknowledged_at IS NULL;

CREATE TABLE edge (
    tenant TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    refused_because TEXT NOT NULL,
    CONSTRAINT edge_pkey PRIMARY KEY (tenant, participant_id, kind, name)
);
CREATE INDEX edge_granted ON edge (tenant, kind, name, participant_id) WHERE granted;

CREATE TABLE generation (
    tenant TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    policy_decision_id TEXT NOT NULL,
    audit_event_id TEXT NOT NULL,
    CONSTRAINT generation_pkey PRIMARY KEY (tenant, participant_id, generation)
);

CREATE TABLE participant (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT NOT NULL,
    liveness TEXT NOT NULL,
    trust_policy TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    cost FLOAT,
    generation BIGINT NOT NULL,
    standing_revision BIGINT NOT NULL,
    version BIGINT NOT NULL,
    capabilities TEXT[] NOT NULL,
    data_domains TEXT[] NOT NULL,
    permissions TEXT[] NOT NULL,
    task_types TEXT[] NOT NULL,
    refused JSONB NOT NULL,
    declared JSONB NOT NULL,
    retirement_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT participant_pkey PRIMARY KEY (tenant, id)
);
