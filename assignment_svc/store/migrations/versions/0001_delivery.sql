-- The outbox: audit events on their way, versions, and who has not taken what yet;
-- answers already given.
--
-- Released, so never changed: what comes after it is a revision of its own.

CREATE TABLE deliveries (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    receiver TEXT NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE NOT NULL,
    failures SMALLINT DEFAULT 0 NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (tenant, key, receiver)
);
CREATE INDEX deliveries_free ON deliveries (receiver, claimed_until);

CREATE TABLE directive_outbox (
    tenant TEXT NOT NULL,
    directive_id TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT directive_outbox_pkey PRIMARY KEY (tenant, directive_id)
);
CREATE INDEX directive_outbox_created ON directive_outbox (created_at);

CREATE TABLE idempotency (
    tenant TEXT NOT NULL,
    principal TEXT NOT NULL,
    rpc TEXT NOT NULL,
    request_id TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    answer BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (tenant, principal, rpc, request_id)
);
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    event_id TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    aggregate_version BIGINT NOT NULL,
    type TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (tenant, event_id),
    CONSTRAINT outbox_tenant_aggregate_aggregate_version_key
        UNIQUE (tenant, aggregate, aggregate_version)
);
CREATE INDEX outbox_created ON outbox (created_at);

CREATE TABLE outbox_heads (
    tenant TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT outbox_heads_pkey PRIMARY KEY (tenant, aggregate)
);
