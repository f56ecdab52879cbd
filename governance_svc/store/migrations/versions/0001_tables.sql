-- The ledger, approvals, certifications, trust evidence, policy activations.
--
-- Released, so never changed: what comes after it is a revision of its own.

CREATE TABLE approval (
    tenant TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_hash TEXT NOT NULL,
    round INTEGER NOT NULL,
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    version BIGINT NOT NULL,
    approvers TEXT[] NOT NULL,
    barred TEXT[] NOT NULL,
    barred_owners TEXT[] NOT NULL,
    policy_decision_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    request_event_id TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by TEXT NOT NULL,
    comment TEXT NOT NULL,
    deciding_policy_decision_id TEXT NOT NULL,
    decide_time TIMESTAMP WITH TIME ZONE,
    claimed_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT approval_pkey PRIMARY KEY (tenant, approval_id),
    CONSTRAINT approval_tenant_task_id_action_subject_hash_round_key
        UNIQUE (tenant, task_id, action, subject_hash, round)
);
CREATE INDEX approval_created ON approval (tenant, create_time, approval_id);
CREATE INDEX approval_pending ON approval (expire_time) WHERE status = 'pending';

CREATE TABLE certification (
    tenant TEXT NOT NULL,
    certification_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    capability TEXT NOT NULL,
    method TEXT NOT NULL,
    evidence TEXT NOT NULL,
    coverage FLOAT NOT NULL,
    granted_by TEXT NOT NULL,
    grant_time TIMESTAMP WITH TIME ZONE NOT NULL,
    expire_time TIMESTAMP WITH TIME ZONE NOT NULL,
    revoke_time TIMESTAMP WITH TIME ZONE,
    event_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT certification_pkey PRIMARY KEY (tenant, certification_id)
);
CREATE INDEX certification_granted ON certification (tenant, grant_time, certification_id);
CREATE INDEX certification_participant ON certification (tenant, participant_id, grant_time);

CREATE TABLE ledger_event (
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    type TEXT NOT NULL,
    service TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    aggregate_version BIGINT NOT NULL,
    participant TEXT NOT NULL,
    task TEXT NOT NULL,
    handoff TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    document TEXT NOT NULL,
    leaf_hash TEXT NOT NULL,
    chain_hash TEXT NOT NULL,
    CONSTRAINT ledger_event_pkey PRIMARY KEY (tenant, sequence),
    CONSTRAINT ledger_event_tenant_event_id_key UNIQUE (tenant, event_id),
    CONSTRAINT ledger_event_tenant_service_aggregate_aggregate_version_key
        UNIQUE (tenant, service, aggregate, aggregate_version)
);
CREATE INDEX ledger_event_correlation_id_idx
    ON ledger_event (tenant, correlation_id, sequence) WHERE correlation_id <> '';
CREATE INDEX ledger_event_decision_id_idx
    ON ledger_event (tenant, decision_id, sequence) WHERE decision_id <> '';
CREATE INDEX ledger_event_handoff_idx
    ON ledger_event (tenant, handoff, sequence) WHERE handoff <> '';
CREATE INDEX ledger_event_participant_idx
    ON ledger_event (tenant, participant, sequence) WHERE participant <> '';
CREATE INDEX ledger_event_task_idx ON ledger_event (tenant, task, sequence) WHERE task <> '';
CREATE INDEX ledger_event_type_idx ON ledger_event (tenant, type, sequence) WHERE type <> '';

CREATE TABLE ledger_head (
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    chain_hash TEXT NOT NULL,
    CONSTRAINT ledger_head_pkey PRIMARY KEY (tenant)
);

CREATE TABLE policy_activation (
    tenant TEXT NOT NULL,
    version BIGINT NOT NULL,
    revision TEXT NOT NULL,
    activate_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT policy_activation_pkey PRIMARY KEY (tenant, version)
);

CREATE TABLE trust_cursor (
    tenant TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    model TEXT NOT NULL,
    CONSTRAINT trust_cursor_pkey PRIMARY KEY (tenant)
);

CREATE TABLE trust_evidence (
    tenant TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT trust_evidence_pkey PRIMARY KEY (tenant, participant_id)
);
