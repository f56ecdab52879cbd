-- Row-level security: a role sees the tenant that its transaction is in, the owner included.
--
-- Released, so never changed: what comes after it is a revision of its own.

ALTER TABLE contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE contents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contents TO phoenix_state
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deliveries TO phoenix_state
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox TO phoenix_state
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox_heads TO phoenix_state
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE state_references ENABLE ROW LEVEL SECURITY;
ALTER TABLE state_references FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON state_references TO phoenix_state
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));

-- What the application role may do.

GRANT SELECT, INSERT, UPDATE, DELETE ON
    deliveries, outbox, outbox_heads
    TO phoenix_state;
GRANT SELECT, INSERT ON contents, state_references TO phoenix_state;

-- What workers may see and claim across tenants.

CREATE POLICY worker ON deliveries TO phoenix_state_worker USING (true);
GRANT SELECT (tenant, key, receiver, claimed_until, failures)
    ON deliveries TO phoenix_state_worker;
GRANT UPDATE (claimed_until, failures) ON deliveries TO phoenix_state_worker;
GRANT DELETE ON deliveries TO phoenix_state_worker;
CREATE POLICY worker ON outbox TO phoenix_state_worker USING (true);
GRANT SELECT (tenant, event_id, document, created_at) ON outbox TO phoenix_state_worker;
GRANT DELETE ON outbox TO phoenix_state_worker;
