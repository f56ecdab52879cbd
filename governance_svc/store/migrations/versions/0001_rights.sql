-- Row-level security: a role sees the tenant that its transaction is in, the owner included.
--
-- Released, so never changed: what comes after it is a revision of its own.

ALTER TABLE approval ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON approval TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE certification ENABLE ROW LEVEL SECURITY;
ALTER TABLE certification FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON certification TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deliveries TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE ledger_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_event FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ledger_event TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE ledger_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_head FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ledger_head TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox_heads TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE policy_activation ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_activation FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON policy_activation TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE trust_cursor ENABLE ROW LEVEL SECURITY;
ALTER TABLE trust_cursor FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trust_cursor TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE trust_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE trust_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trust_evidence TO phoenix_governance
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));

-- What the application role may do.

GRANT SELECT, INSERT, UPDATE, DELETE ON
    approval, certification, deliveries, idempotency, ledger_head, outbox, outbox_heads,
    trust_cursor, trust_evidence
    TO phoenix_governance;
GRANT SELECT, INSERT ON ledger_event, policy_activation TO phoenix_governance;

-- What workers may see and claim across tenants.

CREATE POLICY worker ON approval TO phoenix_governance_worker USING (true);
GRANT SELECT (tenant, approval_id, status, expire_time, claimed_until)
    ON approval TO phoenix_governance_worker;
GRANT UPDATE (claimed_until) ON approval TO phoenix_governance_worker;
CREATE POLICY worker ON deliveries TO phoenix_governance_worker USING (true);
GRANT SELECT (tenant, key, receiver, claimed_until, failures)
    ON deliveries TO phoenix_governance_worker;
GRANT UPDATE (claimed_until, failures) ON deliveries TO phoenix_governance_worker;
GRANT DELETE ON deliveries TO phoenix_governance_worker;
CREATE POLICY worker ON idempotency TO phoenix_governance_worker USING (true);
GRANT SELECT (tenant, principal, rpc, request_id, created_at)
    ON idempotency TO phoenix_governance_worker;
GRANT DELETE ON idempotency TO phoenix_governance_worker;
CREATE POLICY worker ON ledger_head TO phoenix_governance_worker USING (true);
GRANT SELECT (tenant, sequence) ON ledger_head TO phoenix_governance_worker;
CREATE POLICY worker ON outbox TO phoenix_governance_worker USING (true);
GRANT SELECT (tenant, event_id, document, created_at) ON outbox TO phoenix_governance_worker;
GRANT DELETE ON outbox TO phoenix_governance_worker;
