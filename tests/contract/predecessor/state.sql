SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE state.alembic_version (
    version_num character varying(32) NOT NULL
);

ALTER TABLE state.alembic_version OWNER TO phoenix_state_owner;

CREATE TABLE state.contents (
    tenant text NOT NULL,
    hash text NOT NULL,
    content bytea NOT NULL,
    size_bytes integer NOT NULL,
    stored_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY state.contents FORCE ROW LEVEL SECURITY;

ALTER TABLE state.contents OWNER TO phoenix_state_owner;

CREATE TABLE state.deliveries (
    tenant text NOT NULL,
    key text NOT NULL,
    receiver text NOT NULL,
    claimed_until timestamp with time zone NOT NULL,
    failures smallint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY state.deliveries FORCE ROW LEVEL SECURITY;

ALTER TABLE state.deliveries OWNER TO phoenix_state_owner;

CREATE TABLE state.outbox (
    tenant text NOT NULL,
    event_id text NOT NULL,
    aggregate text NOT NULL,
    aggregate_version bigint NOT NULL,
    type text NOT NULL,
    document text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY state.outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE state.outbox OWNER TO phoenix_state_owner;

CREATE TABLE state.outbox_heads (
    tenant text NOT NULL,
    aggregate text NOT NULL,
    version bigint NOT NULL
);

ALTER TABLE ONLY state.outbox_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE state.outbox_heads OWNER TO phoenix_state_owner;

CREATE TABLE state.state_references (
    tenant text NOT NULL,
    task_id text NOT NULL,
    version bigint NOT NULL,
    participant_id text NOT NULL,
    epoch bigint NOT NULL,
    hash text NOT NULL,
    state_ref text NOT NULL,
    owner text NOT NULL,
    handoff_protocol text NOT NULL,
    stored_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY state.state_references FORCE ROW LEVEL SECURITY;

ALTER TABLE state.state_references OWNER TO phoenix_state_owner;

INSERT INTO state.alembic_version VALUES
	('0001');

INSERT INTO state.contents VALUES
	('globex', 'sha256:78d3da0d10c0c1f0a843ec079203bb67e253c4dd1ef5ea0fc4c5a69d3c7d9f80', '\x7b226f757470757473223a7b22636865636b6564223a5b315d7d7d', 27, '2026-11-30 00:27:38.465986+00'),
	('acme', 'sha256:78d3da0d10c0c1f0a843ec079203bb67e253c4dd1ef5ea0fc4c5a69d3c7d9f80', '\x7b226f757470757473223a7b22636865636b6564223a5b315d7d7d', 27, '2026-11-30 00:27:39.231201+00'),
	('acme', 'sha256:27d8252bcab9e4a5eea0174474b79473e5ea3cda3ce1add38d0f1a375de274c0', '\x7b226f757470757473223a7b22636865636b6564223a5b312c325d7d7d', 29, '2026-11-30 00:27:41.171532+00'),
	('acme', 'sha256:121af142292ddc3d78cd5029b3bac9e9d5252fe3f049de8c6d6b56b211fc23ed', '\x7b226f757470757473223a7b22636865636b6564223a5b312c322c335d7d7d', 31, '2026-11-30 00:27:41.563903+00'),
	('acme', 'sha256:4d2961fd463f6f84b21ab2bc92e934f41d0c2b7c8123e996f2d57e7d5bcf452e', '\x7b226465636973696f6e73223a5b7b226b696e64223a226b657074227d5d2c226f757470757473223a7b22636865636b6564223a5b335d7d7d', 57, '2026-11-30 00:27:43.865847+00');

INSERT INTO state.deliveries VALUES
	('acme', 'event.01a229d9-a9c5-7053-93bc-f1326430094d', 'ledger', '2026-11-30 00:27:42.333211+00', 1);

INSERT INTO state.outbox VALUES
	('acme', 'event.01a229d9-a9c5-7053-93bc-f1326430094d', 'refusal/event.01a229d9-a9c5-7053-93bc-f1326430094d', 1, 'ACCESS_REFUSED', '{"event_id":"event.01a229d9-a9c5-7053-93bc-f1326430094d","timestamp":"2026-11-30T00:27:42.333211Z","actor":"agent.customer-steward.005","participant":"agent.customer-steward.005","task":"task.review.1","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"not_permitted","previous_state":"","new_state":"","correlation_id":"audit.corr.01a229d9-9f8a-70c3-8a11-cc015630854d","tenant":"acme","type":"ACCESS_REFUSED","event_version":1,"service":"state","aggregate":"refusal/event.01a229d9-a9c5-7053-93bc-f1326430094d","aggregate_version":1,"caused_by":"","on_behalf_of":"","handoff":"","detail":{},"request_id":"","salt":"e395e60f6e82f7a3c0e118173a46979f","leaf_hash":"sha256:3960d6af52deaabddccb5595144bcfb6d1ca51269711430158daefed21aeec15"}', '2026-11-30 00:27:42.333211+00');

INSERT INTO state.outbox_heads VALUES
	('acme', 'refusal/event.01a229d9-a9c5-7053-93bc-f1326430094d', 1);

INSERT INTO state.state_references VALUES
	('acme', 'task.review.1', 2, 'agent.customer-steward.001', 1, 'sha256:0000000000000000000000000000000000000000000000000000000000000000', 's3://contexts/state?versionId=1', 'data-governance', 'read_in_place', '2026-11-30 00:27:39.26086+00');

ALTER TABLE ONLY state.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY state.contents
    ADD CONSTRAINT contents_pkey PRIMARY KEY (tenant, hash);

ALTER TABLE ONLY state.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (tenant, key, receiver);

ALTER TABLE ONLY state.outbox_heads
    ADD CONSTRAINT outbox_heads_pkey PRIMARY KEY (tenant, aggregate);

ALTER TABLE ONLY state.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (tenant, event_id);

ALTER TABLE ONLY state.outbox
    ADD CONSTRAINT outbox_tenant_aggregate_aggregate_version_key UNIQUE (tenant, aggregate, aggregate_version);

ALTER TABLE ONLY state.state_references
    ADD CONSTRAINT state_references_pkey PRIMARY KEY (tenant, task_id, version, participant_id, epoch, hash);

CREATE INDEX deliveries_free ON state.deliveries USING btree (receiver, claimed_until);

CREATE INDEX outbox_created ON state.outbox USING btree (created_at);

ALTER TABLE state.contents ENABLE ROW LEVEL SECURITY;

ALTER TABLE state.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE state.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE state.outbox_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE state.state_references ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON state.contents TO phoenix_state USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON state.deliveries TO phoenix_state USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON state.outbox TO phoenix_state USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON state.outbox_heads TO phoenix_state USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON state.state_references TO phoenix_state USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY worker ON state.deliveries TO phoenix_state_worker USING (true);

CREATE POLICY worker ON state.outbox TO phoenix_state_worker USING (true);

GRANT SELECT,INSERT ON TABLE state.contents TO phoenix_state;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE state.deliveries TO phoenix_state;
GRANT DELETE ON TABLE state.deliveries TO phoenix_state_worker;
GRANT SELECT(tenant) ON TABLE state.deliveries TO phoenix_state_worker;
GRANT SELECT(key) ON TABLE state.deliveries TO phoenix_state_worker;
GRANT SELECT(receiver) ON TABLE state.deliveries TO phoenix_state_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE state.deliveries TO phoenix_state_worker;
GRANT SELECT(failures),UPDATE(failures) ON TABLE state.deliveries TO phoenix_state_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE state.outbox TO phoenix_state;
GRANT DELETE ON TABLE state.outbox TO phoenix_state_worker;
GRANT SELECT(tenant) ON TABLE state.outbox TO phoenix_state_worker;
GRANT SELECT(event_id) ON TABLE state.outbox TO phoenix_state_worker;
GRANT SELECT(document) ON TABLE state.outbox TO phoenix_state_worker;
GRANT SELECT(created_at) ON TABLE state.outbox TO phoenix_state_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE state.outbox_heads TO phoenix_state;
GRANT SELECT,INSERT ON TABLE state.state_references TO phoenix_state;
