-- Row-level security: a role sees the tenant that its transaction is in, the owner included.
--
-- Released, so never changed: what comes after it is a revision of its own.

ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deliveries TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE directive ENABLE ROW LEVEL SECURITY;
ALTER TABLE directive FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON directive TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE edge ENABLE ROW LEVEL SECURITY;
ALTER TABLE edge FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON edge TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE generation ENABLE ROW LEVEL SECURITY;
ALTER TABLE generation FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON generation TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox_heads TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE participant ENABLE ROW LEVEL SECURITY;
ALTER TABLE participant FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON participant TO phoenix_registry
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));

-- What the application role may do.

GRANT SELECT, INSERT, UPDATE, DELETE ON
    deliveries, directive, edge, idempotency, outbox, outbox_heads, participant
    TO phoenix_registry;
GRANT SELECT, INSERT ON generation TO phoenix_registry;

-- What workers may see and claim across tenants.

CREATE POLICY worker ON deliveries TO phoenix_registry_worker USING (true);
GRANT SELECT (tenant, key, receiver, claimed_until, failures)
    ON deliveries TO phoenix_registry_worker;
GRANT UPDATE (claimed_until, failures) ON deliveries TO phoenix_registry_worker;
GRANT DELETE ON deliveries TO phoenix_registry_worker;
CREATE POLICY worker ON directive TO phoenix_registry_worker USING (true);
GRANT SELECT (tenant, directive_id, created_at, acknowledged_at)
    ON directive TO phoenix_registry_worker;
GRANT DELETE ON directive TO phoenix_registry_worker;
CREATE POLICY worker ON idempotency TO phoenix_registry_worker USING (true);
GRANT SELECT (tenant, principal, rpc, request_id, created_at)
    ON idempotency TO phoenix_registry_worker;
GRANT DELETE ON idempotency TO phoenix_registry_worker;
CREATE POLICY worker ON outbox TO phoenix_registry_worker USING (true);
GRANT SELECT (tenant, event_id, document, created_at) ON outbox TO phoenix_registry_worker;
GRANT DELETE ON outbox TO phoenix_registry_worker;
CREATE POLICY worker ON participant TO phoenix_registry_worker USING (true);
GRANT SELECT (tenant, id, generation, status, status_reason, liveness)
    ON participant TO phoenix_registry_worker;
