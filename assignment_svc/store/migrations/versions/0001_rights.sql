-- Row-level security: a role sees the tenant that its transaction is in, the owner included.
--
-- Released, so never changed: what comes after it is a revision of its own.

ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE approvals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON approvals TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE authorizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE authorizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON authorizations TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE bindings ENABLE ROW LEVEL SECURITY;
ALTER TABLE bindings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON bindings TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE contents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contents TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE context_pointers ENABLE ROW LEVEL SECURITY;
ALTER TABLE context_pointers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON context_pointers TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deliveries TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE denials ENABLE ROW LEVEL SECURITY;
ALTER TABLE denials FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON denials TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE directive_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE directive_outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON directive_outbox TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE gates ENABLE ROW LEVEL SECURITY;
ALTER TABLE gates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON gates TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE handoffs ENABLE ROW LEVEL SECURITY;
ALTER TABLE handoffs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handoffs TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE left_out ENABLE ROW LEVEL SECURITY;
ALTER TABLE left_out FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON left_out TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE offers ENABLE ROW LEVEL SECURITY;
ALTER TABLE offers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON offers TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE outbox_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox_heads TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE retirements ENABLE ROW LEVEL SECURITY;
ALTER TABLE retirements FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON retirements TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tasks TO phoenix_assignment
    USING (tenant = NULLIF(current_setting('phoenix.tenant', true), ''))
    WITH CHECK (tenant = NULLIF(current_setting('phoenix.tenant', true), ''));

-- What the application role may do.

GRANT SELECT, INSERT, UPDATE, DELETE ON
    approvals, authorizations, bindings, deliveries, denials, directive_outbox, gates, handoffs,
    idempotency, left_out, offers, outbox, outbox_heads, retirements, tasks
    TO phoenix_assignment;
GRANT SELECT, INSERT ON context_pointers, contents TO phoenix_assignment;

-- What workers may see and claim across tenants.

CREATE POLICY worker ON approvals TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, approval_id, next_poll_at, claimed_until)
    ON approvals TO phoenix_assignment_worker;
GRANT UPDATE (claimed_until) ON approvals TO phoenix_assignment_worker;
CREATE POLICY worker ON deliveries TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, key, receiver, claimed_until, failures)
    ON deliveries TO phoenix_assignment_worker;
GRANT UPDATE (claimed_until, failures) ON deliveries TO phoenix_assignment_worker;
GRANT DELETE ON deliveries TO phoenix_assignment_worker;
CREATE POLICY worker ON directive_outbox TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, directive_id, document, created_at)
    ON directive_outbox TO phoenix_assignment_worker;
GRANT DELETE ON directive_outbox TO phoenix_assignment_worker;
CREATE POLICY worker ON gates TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, participant_id) ON gates TO phoenix_assignment_worker;
CREATE POLICY worker ON handoffs TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, handoff_id, wake_at, claimed_until)
    ON handoffs TO phoenix_assignment_worker;
GRANT UPDATE (claimed_until) ON handoffs TO phoenix_assignment_worker;
CREATE POLICY worker ON idempotency TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, principal, rpc, request_id, created_at)
    ON idempotency TO phoenix_assignment_worker;
GRANT DELETE ON idempotency TO phoenix_assignment_worker;
CREATE POLICY worker ON outbox TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, event_id, document, created_at) ON outbox TO phoenix_assignment_worker;
GRANT DELETE ON outbox TO phoenix_assignment_worker;
CREATE POLICY worker ON retirements TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, retirement_id, wake_at, claimed_until)
    ON retirements TO phoenix_assignment_worker;
GRANT UPDATE (claimed_until) ON retirements TO phoenix_assignment_worker;
CREATE POLICY worker ON tasks TO phoenix_assignment_worker USING (true);
GRANT SELECT (tenant, task_id, wake_at, priority, claimed_until)
    ON tasks TO phoenix_assignment_worker;
GRANT UPDATE (claimed_until) ON tasks TO phoenix_assignment_worker;
