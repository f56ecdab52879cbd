-- Tasks, gates, handoffs, retirements, and what belongs to them.
--
-- Released, so never changed: what comes after it is a revision of its own.

CREATE TABLE approvals (
    tenant TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    target TEXT NOT NULL,
    handoff_id TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decider_type TEXT NOT NULL,
    decider_status TEXT NOT NULL,
    comment TEXT NOT NULL,
    cancel_wanted BOOLEAN NOT NULL,
    next_poll_at TIMESTAMP WITH TIME ZONE,
    polls INTEGER NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT approvals_pkey PRIMARY KEY (tenant, approval_id)
);
CREATE INDEX approvals_due ON approvals (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX approvals_of_task ON approvals (tenant, task_id);

CREATE TABLE authorizations (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_hash TEXT NOT NULL,
    authorization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    event_id TEXT NOT NULL,
    event_version BIGINT NOT NULL,
    CONSTRAINT authorizations_pkey PRIMARY KEY (tenant, task_id, action, subject_hash),
    CONSTRAINT authorizations_tenant_authorization_id_key UNIQUE (tenant, authorization_id)
);

CREATE TABLE bindings (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    assignment_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    generation BIGINT NOT NULL,
    standing_revision BIGINT NOT NULL,
    decision_id TEXT NOT NULL,
    explanation TEXT NOT NULL,
    bound_at TIMESTAMP WITH TIME ZONE NOT NULL,
    gained_by TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by TEXT NOT NULL,
    CONSTRAINT bindings_pkey PRIMARY KEY (tenant, task_id, epoch),
    CONSTRAINT bindings_tenant_assignment_id_key UNIQUE (tenant, assignment_id)
);

CREATE TABLE contents (
    tenant TEXT NOT NULL,
    hash TEXT NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT contents_pkey PRIMARY KEY (tenant, hash)
);

CREATE TABLE context_pointers (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    hash TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    participant_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    by_reference BOOLEAN NOT NULL,
    external_ref TEXT NOT NULL,
    CONSTRAINT context_pointers_pkey PRIMARY KEY (tenant, task_id, version)
);

CREATE TABLE denials (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    point TEXT NOT NULL,
    reasons_hash TEXT NOT NULL,
    CONSTRAINT denials_pkey PRIMARY KEY (tenant, task_id, participant_id, point)
);

CREATE TABLE gates (
    tenant TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    used INTEGER NOT NULL,
    standing_revision BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    status TEXT NOT NULL,
    retirement_id TEXT NOT NULL,
    CONSTRAINT gates_pkey PRIMARY KEY (tenant, participant_id)
);

CREATE TABLE handoffs (
    tenant TEXT NOT NULL,
    handoff_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    source_binding JSONB NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    source_gone BOOLEAN NOT NULL,
    source_seated BOOLEAN NOT NULL,
    offer JSONB,
    parked JSONB,
    cleared_target TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    target TEXT NOT NULL,
    target_epoch BIGINT NOT NULL,
    received_hash TEXT NOT NULL,
    accepted_obligations JSONB NOT NULL,
    failure_hash TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE,
    last_event_id TEXT NOT NULL,
    source TEXT NOT NULL,
    offered_to TEXT NOT NULL,
    wake_at TIMESTAMP WITH TIME ZONE,
    claimed_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT handoffs_pkey PRIMARY KEY (tenant, handoff_id)
);
CREATE INDEX handoffs_due ON handoffs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX handoffs_from
    ON handoffs (tenant, source) WHERE status IN ('initiated', 'awaiting_approval', 'offered');
CREATE INDEX handoffs_newest ON handoffs (tenant, created_at, handoff_id);
CREATE INDEX handoffs_of_task ON handoffs (tenant, task_id);
CREATE UNIQUE INDEX handoffs_one_open
    ON handoffs (tenant, task_id) WHERE status IN ('initiated', 'awaiting_approval', 'offered');
CREATE INDEX handoffs_to ON handoffs (tenant, offered_to) WHERE offered_to <> '';

CREATE TABLE left_out (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    because TEXT NOT NULL,
    tries INTEGER NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    decision_id TEXT NOT NULL,
    CONSTRAINT left_out_pkey PRIMARY KEY (tenant, task_id, participant_id, scope)
);

CREATE TABLE offers (
    tenant TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    handoff_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    offer JSONB NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT offers_pkey PRIMARY KEY (tenant, offer_id)
);
CREATE INDEX offers_of_handoff ON offers (tenant, handoff_id);

CREATE TABLE retirements (
    tenant TEXT NOT NULL,
    retirement_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    deadline TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    announced BOOLEAN NOT NULL,
    source_gone BOOLEAN NOT NULL,
    outcomes JSONB NOT NULL,
    version BIGINT NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    last_event_id TEXT NOT NULL,
    wake_at TIMESTAMP WITH TIME ZONE,
    claimed_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT retirements_pkey PRIMARY KEY (tenant, retirement_id),
    CONSTRAINT retirements_tenant_participant_id_key UNIQUE (tenant, participant_id)
);
CREATE INDEX retirements_due ON retirements (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX retirements_newest ON retirements (tenant, created_at, retirement_id);

CREATE TABLE tasks (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    objective TEXT NOT NULL,
    required_capabilities JSONB NOT NULL,
    data_domains JSONB NOT NULL,
    risk_level TEXT NOT NULL,
    policy_constraints JSONB NOT NULL,
    input_hash TEXT NOT NULL,
    priority INTEGER NOT NULL,
    deadline TIMESTAMP WITH TIME ZONE,
    start_timeout INTERVAL NOT NULL,
    attempt_timeout INTERVAL,
    max_attempts INTEGER NOT NULL,
    parent_task_id TEXT NOT NULL,
    detached BOOLEAN NOT NULL,
    degraded_allowed BOOLEAN NOT NULL,
    intent TEXT NOT NULL,
    task_type TEXT NOT NULL,
    submitter TEXT NOT NULL,
    submitter_participant TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    submit_event_id TEXT NOT NULL,
    depth INTEGER NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    binding JSONB,
    parked JSONB,
    pointer JSONB,
    obligations JSONB NOT NULL,
    result_hash TEXT NOT NULL,
    reason TEXT NOT NULL,
    handoff_id TEXT NOT NULL,
    last_event_id TEXT NOT NULL,
    failure_hash TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE,
    start_by TIMESTAMP WITH TIME ZONE,
    attempt_by TIMESTAMP WITH TIME ZONE,
    resume_by TIMESTAMP WITH TIME ZONE,
    participant_id TEXT NOT NULL,
    parked_target TEXT NOT NULL,
    wake_at TIMESTAMP WITH TIME ZONE,
    claimed_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT tasks_pkey PRIMARY KEY (tenant, task_id)
);
CREATE INDEX tasks_correlation ON tasks (tenant, correlation_id);
CREATE INDEX tasks_due ON tasks (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX tasks_family ON tasks (tenant, parent_task_id) WHERE parent_task_id <> '';
CREATE INDEX tasks_held ON tasks (tenant, participant_id) WHERE participant_id <> '';
CREATE INDEX tasks_newest ON tasks (tenant, submitted_at, task_id);
CREATE INDEX tasks_parked ON tasks (tenant, parked_target) WHERE parked_target <> '';
CREATE INDEX tasks_waiting ON tasks (tenant, next_try_at) WHERE next_try_at IS NOT NULL;
