SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE registry.alembic_version (
    version_num character varying(32) NOT NULL
);

ALTER TABLE registry.alembic_version OWNER TO phoenix_registry_owner;

CREATE TABLE registry.deliveries (
    tenant text NOT NULL,
    key text NOT NULL,
    receiver text NOT NULL,
    claimed_until timestamp with time zone NOT NULL,
    failures smallint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY registry.deliveries FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.deliveries OWNER TO phoenix_registry_owner;

CREATE TABLE registry.directive (
    tenant text NOT NULL,
    directive_id text NOT NULL,
    "position" bigint NOT NULL,
    participant_id text NOT NULL,
    document jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    error text DEFAULT ''::text NOT NULL
);

ALTER TABLE ONLY registry.directive FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.directive OWNER TO phoenix_registry_owner;

ALTER TABLE registry.directive ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME registry.directive_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE registry.edge (
    tenant text NOT NULL,
    participant_id text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    granted boolean NOT NULL,
    refused_because text NOT NULL
);

ALTER TABLE ONLY registry.edge FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.edge OWNER TO phoenix_registry_owner;

CREATE TABLE registry.generation (
    tenant text NOT NULL,
    participant_id text NOT NULL,
    generation bigint NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    policy_decision_id text NOT NULL,
    audit_event_id text NOT NULL
);

ALTER TABLE ONLY registry.generation FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.generation OWNER TO phoenix_registry_owner;

CREATE TABLE registry.idempotency (
    tenant text NOT NULL,
    principal text NOT NULL,
    rpc text NOT NULL,
    request_id text NOT NULL,
    body_hash text NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY registry.idempotency FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.idempotency OWNER TO phoenix_registry_owner;

CREATE TABLE registry.outbox (
    tenant text NOT NULL,
    event_id text NOT NULL,
    aggregate text NOT NULL,
    aggregate_version bigint NOT NULL,
    type text NOT NULL,
    document text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY registry.outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.outbox OWNER TO phoenix_registry_owner;

CREATE TABLE registry.outbox_heads (
    tenant text NOT NULL,
    aggregate text NOT NULL,
    version bigint NOT NULL
);

ALTER TABLE ONLY registry.outbox_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.outbox_heads OWNER TO phoenix_registry_owner;

CREATE TABLE registry.participant (
    tenant text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    owner text NOT NULL,
    status text NOT NULL,
    status_reason text NOT NULL,
    liveness text NOT NULL,
    trust_policy text NOT NULL,
    capacity integer NOT NULL,
    cost double precision,
    generation bigint NOT NULL,
    standing_revision bigint NOT NULL,
    version bigint NOT NULL,
    capabilities text[] NOT NULL,
    data_domains text[] NOT NULL,
    permissions text[] NOT NULL,
    task_types text[] NOT NULL,
    refused jsonb NOT NULL,
    declared jsonb NOT NULL,
    retirement_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY registry.participant FORCE ROW LEVEL SECURITY;

ALTER TABLE registry.participant OWNER TO phoenix_registry_owner;

INSERT INTO registry.alembic_version VALUES
	('0001');

INSERT INTO registry.deliveries VALUES
	('acme', 'event.01a229d9-d9d3-7c51-ab78-d716c8dedba6', 'ledger', '2026-11-30 00:27:55.809548+00', 2),
	('acme', 'event.01a229d9-ddbd-7713-9a20-1b7fa91cf4ca', 'ledger', '2026-11-30 00:27:55.802067+00', 2),
	('acme', 'event.01a229d9-dce8-76b1-ba30-c7983d21f7eb', 'ledger', '2026-11-30 00:27:55.7571+00', 2),
	('acme', 'event.01a229d9-dcaf-7310-88e0-4b76b926e445', 'ledger', '2026-11-30 00:27:55.81088+00', 2),
	('acme', 'event.01a229d9-ddd8-7c36-90fc-b053a519780f', 'ledger', '2026-11-30 00:27:55.774475+00', 2),
	('acme', 'event.01a229d9-dd68-726c-996d-3cc2cec5bc28', 'ledger', '2026-11-30 00:27:55.761141+00', 2),
	('acme', 'event.01a229d9-cea8-7f16-a654-23836bbcbeb5', 'ledger', '2026-11-30 00:27:57.450447+00', 6),
	('acme', 'event.01a229d9-d085-7738-90f2-daf174d2bf5a', 'ledger', '2026-11-30 00:27:58.697958+00', 6),
	('acme', 'event.01a229d9-e350-7119-9630-b356083bead0', 'ledger', '2026-11-30 00:27:55.714413+00', 1);

INSERT INTO registry.directive OVERRIDING SYSTEM VALUE VALUES
	('globex', 'directive.01a229d9-a207-74dc-832c-f63aff785efc', 1, 'agent.customer-steward.001', '{"epoch": 1, "facts": {}, "action": "start_task", "task_id": "task.review.1", "deadline": "2026-11-30T00:28:38.346369Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-a207-74dc-832c-f63aff785efc", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:38.420396+00', '2026-11-30 00:27:38.439974+00', ''),
	('acme', 'directive.01a229d9-a521-7a94-a684-d13706f93601', 2, 'agent.customer-steward.001', '{"epoch": 1, "facts": {}, "action": "start_task", "task_id": "task.review.1", "deadline": "2026-11-30T00:28:39.152780Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-a521-7a94-a684-d13706f93601", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:39.200567+00', '2026-11-30 00:27:39.226099+00', ''),
	('acme', 'directive.01a229d9-a6b1-7be4-b09e-e162bd0a2614', 3, 'agent.customer-steward.001', '{"epoch": 1, "facts": {"action": "merge", "comment": "looked at it", "outcome": "rejected", "approval_id": "approval.01a229d9-a5bc-7ed2-ba9c-ead465a56f2b", "subject_hash": "sha256:7d83af76781a18509fc7beab45c97de87ea2e1d7c3a1ed5f430ffe53ce8a977b"}, "action": "approval_decided", "task_id": "task.review.1", "deadline": null, "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-a6b1-7be4-b09e-e162bd0a2614", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:39.579802+00', '2026-11-30 00:27:39.590184+00', ''),
	('acme', 'directive.01a229d9-a7f4-70e6-a39d-3ce3df7e1eec', 4, 'agent.customer-steward.001', '{"epoch": 1, "facts": {"action": "merge", "comment": "looked at it", "outcome": "approved", "approval_id": "approval.01a229d9-a6f7-73be-96e1-0f2f048abcf6", "subject_hash": "sha256:a00df60dd6dfffa4b7a5b75b8b4bdec3e8b986459811e87c751e8098c45a02f7"}, "action": "approval_decided", "task_id": "task.review.1", "deadline": null, "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-a7f4-70e6-a39d-3ce3df7e1eec", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:39.930334+00', '2026-11-30 00:27:39.951705+00', ''),
	('acme', 'directive.01a229d9-a9f3-7e5c-a6fa-dc56f4d6853f', 5, 'agent.customer-steward.001', '{"epoch": 1, "facts": {}, "action": "start_task", "task_id": "task.review.2", "deadline": "2026-11-30T00:28:40.388824Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-a9f3-7e5c-a6fa-dc56f4d6853f", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:40.437855+00', '2026-11-30 00:27:40.485209+00', ''),
	('acme', 'directive.01a229d9-ac60-772f-a77f-21d912ad661e', 6, 'agent.customer-steward.002', '{"epoch": 3, "facts": {}, "action": "start_task", "task_id": "task.review.2", "deadline": "2026-11-30T00:28:41.011511Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-ac60-772f-a77f-21d912ad661e", "participant_id": "agent.customer-steward.002"}', '2026-11-30 00:27:41.066526+00', '2026-11-30 00:27:41.105828+00', ''),
	('acme', 'directive.01a229d9-ae16-7ad6-87f3-fa0322970576', 7, 'agent.customer-steward.002', '{"epoch": 3, "facts": {"reason": "requested", "handoff_id": "handoff.01a229d9-ae0f-79a9-afb8-38865a370702"}, "action": "checkpoint_task", "task_id": "task.review.2", "deadline": null, "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-ae16-7ad6-87f3-fa0322970576", "participant_id": "agent.customer-steward.002"}', '2026-11-30 00:27:41.514446+00', '2026-11-30 00:27:41.56578+00', ''),
	('acme', 'directive.01a229d9-afbc-70ac-a775-82dbd30d137c', 8, 'agent.customer-steward.003', '{"epoch": 4, "facts": {"reason": "requested", "source": "agent.customer-steward.002"}, "action": "receive_handoff", "task_id": "task.review.2", "deadline": "2026-11-30T00:27:49.877343Z", "offer_id": "offer.01a229d9-afb9-719d-8e8b-e64b6d2ae2a2", "handoff_id": "handoff.01a229d9-ae0f-79a9-afb8-38865a370702", "directive_id": "directive.01a229d9-afbc-70ac-a775-82dbd30d137c", "participant_id": "agent.customer-steward.003"}', '2026-11-30 00:27:41.895876+00', '2026-11-30 00:27:41.921135+00', ''),
	('acme', 'directive.01a229d9-b045-702d-9456-6a81529059ee', 9, 'agent.customer-steward.002', '{"epoch": 3, "facts": {"reason": "superseded", "handoff_id": "handoff.01a229d9-ae0f-79a9-afb8-38865a370702"}, "action": "stop_task", "task_id": "task.review.2", "deadline": null, "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-b045-702d-9456-6a81529059ee", "participant_id": "agent.customer-steward.002"}', '2026-11-30 00:27:42.033637+00', '2026-11-30 00:27:42.066081+00', ''),
	('acme', 'directive.01a229d9-b340-7378-abc9-4231e91a4f58', 10, 'agent.customer-steward.004', '{"epoch": 0, "facts": {"retirement_id": "retire.01a229d9-b320-7a4a-a889-00ccfce52a65"}, "action": "drain", "task_id": "", "deadline": "2026-11-30T00:32:42.710466Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-b340-7378-abc9-4231e91a4f58", "participant_id": "agent.customer-steward.004"}', '2026-11-30 00:27:42.816755+00', '2026-11-30 00:27:42.829573+00', ''),
	('acme', 'directive.01a229d9-b6d2-7175-8e07-cf8e5168a779', 11, 'agent.customer-steward.001', '{"epoch": 1, "facts": {}, "action": "start_task", "task_id": "task.review.4", "deadline": "2026-11-30T00:28:43.665020Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-b6d2-7175-8e07-cf8e5168a779", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:43.726231+00', '2026-11-30 00:27:43.747654+00', ''),
	('acme', 'directive.01a229d9-b807-79f1-8c11-261a08dd759f', 12, 'agent.customer-steward.001', '{"epoch": 0, "facts": {"retirement_id": "retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040"}, "action": "drain", "task_id": "", "deadline": "2026-11-30T00:32:43.965818Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-b807-79f1-8c11-261a08dd759f", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:44.067436+00', '2026-11-30 00:27:44.127+00', ''),
	('acme', 'directive.01a229d9-b807-7a97-9042-34f90e013ce0', 13, 'agent.customer-steward.001', '{"epoch": 0, "facts": {"retirement_id": "retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040"}, "action": "checkpoint_task", "task_id": "task.review.3", "deadline": "2026-11-30T00:32:43.965818Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-b807-7a97-9042-34f90e013ce0", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:44.067436+00', '2026-11-30 00:27:44.127+00', ''),
	('acme', 'directive.01a229d9-b807-7ab5-8fea-65e1b7ebc735', 14, 'agent.customer-steward.001', '{"epoch": 0, "facts": {"retirement_id": "retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040"}, "action": "checkpoint_task", "task_id": "task.review.4", "deadline": "2026-11-30T00:32:43.965818Z", "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-b807-7ab5-8fea-65e1b7ebc735", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:44.067436+00', '2026-11-30 00:27:44.18026+00', ''),
	('acme', 'directive.01a229d9-dd21-7a94-93e8-6b56a3624dc7', 15, 'agent.customer-steward.003', '{"epoch": 5, "facts": {"reason": "participant_failed", "handoff_id": "handoff.01a229d9-dd13-74ee-951f-fb9b791273ae"}, "action": "stop_task", "task_id": "task.review.2", "deadline": null, "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-dd21-7a94-93e8-6b56a3624dc7", "participant_id": "agent.customer-steward.003"}', '2026-11-30 00:27:53.531288+00', NULL, ''),
	('acme', 'directive.01a229d9-dd7d-7d0d-9350-ff60fad28b77', 16, 'agent.customer-steward.001', '{"epoch": 1, "facts": {"reason": "participant_retirement", "handoff_id": "handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad"}, "action": "stop_task", "task_id": "task.review.4", "deadline": null, "offer_id": "", "handoff_id": "", "directive_id": "directive.01a229d9-dd7d-7d0d-9350-ff60fad28b77", "participant_id": "agent.customer-steward.001"}', '2026-11-30 00:27:53.647332+00', NULL, '');

INSERT INTO registry.edge VALUES
	('globex', 'agent.customer-steward.001', 'capability', 'duplicate_detection', true, ''),
	('globex', 'agent.customer-steward.001', 'capability', 'policy_check', true, ''),
	('globex', 'agent.customer-steward.001', 'data_domain', 'customer', true, ''),
	('globex', 'agent.customer-steward.001', 'data_domain', 'customer_contact', true, ''),
	('globex', 'agent.customer-steward.001', 'data_domain', 'customer_master', true, ''),
	('globex', 'agent.customer-steward.001', 'permission', 'read_customer_master', true, ''),
	('globex', 'agent.customer-steward.001', 'permission', 'suggest_merge', true, ''),
	('acme', 'agent.customer-steward.001', 'capability', 'duplicate_detection', true, ''),
	('acme', 'agent.customer-steward.001', 'capability', 'policy_check', true, ''),
	('acme', 'agent.customer-steward.001', 'data_domain', 'customer', true, ''),
	('acme', 'agent.customer-steward.001', 'data_domain', 'customer_contact', true, ''),
	('acme', 'agent.customer-steward.001', 'data_domain', 'customer_master', true, ''),
	('acme', 'agent.customer-steward.001', 'permission', 'read_customer_master', true, ''),
	('acme', 'agent.customer-steward.001', 'permission', 'suggest_merge', true, ''),
	('acme', 'human.data-steward.01', 'data_domain', 'customer', true, ''),
	('acme', 'human.data-steward.01', 'data_domain', 'customer_contact', true, ''),
	('acme', 'human.data-steward.01', 'data_domain', 'customer_master', true, ''),
	('acme', 'agent.customer-steward.002', 'capability', 'duplicate_detection', true, ''),
	('acme', 'agent.customer-steward.002', 'capability', 'policy_check', true, ''),
	('acme', 'agent.customer-steward.002', 'data_domain', 'customer', true, '');
INSERT INTO registry.edge VALUES
	('acme', 'agent.customer-steward.002', 'data_domain', 'customer_contact', true, ''),
	('acme', 'agent.customer-steward.002', 'data_domain', 'customer_master', true, ''),
	('acme', 'agent.customer-steward.002', 'permission', 'read_customer_master', true, ''),
	('acme', 'agent.customer-steward.002', 'permission', 'suggest_merge', true, ''),
	('acme', 'agent.customer-steward.003', 'capability', 'duplicate_detection', true, ''),
	('acme', 'agent.customer-steward.003', 'capability', 'policy_check', true, ''),
	('acme', 'agent.customer-steward.003', 'data_domain', 'customer', true, ''),
	('acme', 'agent.customer-steward.003', 'data_domain', 'customer_contact', true, ''),
	('acme', 'agent.customer-steward.003', 'data_domain', 'customer_master', true, ''),
	('acme', 'agent.customer-steward.003', 'permission', 'read_customer_master', true, ''),
	('acme', 'agent.customer-steward.003', 'permission', 'suggest_merge', true, ''),
	('acme', 'agent.customer-steward.005', 'capability', 'policy_check', true, ''),
	('acme', 'agent.customer-steward.005', 'data_domain', 'customer', true, ''),
	('acme', 'agent.customer-steward.005', 'data_domain', 'customer_contact', true, ''),
	('acme', 'agent.customer-steward.005', 'data_domain', 'customer_master', true, ''),
	('acme', 'agent.customer-steward.005', 'permission', 'read_customer_master', true, ''),
	('acme', 'agent.customer-steward.005', 'permission', 'suggest_merge', true, ''),
	('acme', 'agent.customer-steward.004', 'capability', 'policy_check', true, ''),
	('acme', 'agent.customer-steward.004', 'data_domain', 'customer', true, ''),
	('acme', 'agent.customer-steward.004', 'data_domain', 'customer_contact', true, '');
INSERT INTO registry.edge VALUES
	('acme', 'agent.customer-steward.004', 'data_domain', 'customer_master', true, ''),
	('acme', 'agent.customer-steward.004', 'permission', 'read_customer_master', true, ''),
	('acme', 'agent.customer-steward.004', 'permission', 'suggest_merge', true, '');

INSERT INTO registry.generation VALUES
	('globex', 'agent.customer-steward.001', 1, '2026-11-30 00:27:37.291511+00', 'agent.customer-steward.001', 'opa.dec.01a229d9-9dbf-7bb7-b92b-9221f13552ba', 'event.01a229d9-9dcb-79ea-915e-6c8030c3fa2b'),
	('acme', 'agent.customer-steward.001', 1, '2026-11-30 00:27:38.805313+00', 'agent.customer-steward.001', 'opa.dec.01a229d9-a3b0-7d6a-8a47-1a0766d382c2', 'event.01a229d9-a3b5-7618-acbc-7873468b4ba2'),
	('acme', 'human.data-steward.01', 1, '2026-11-30 00:27:39.023802+00', 'human.data-steward.01', 'opa.dec.01a229d9-a486-7bb7-ba9d-4309d750edeb', 'event.01a229d9-a48f-7dc8-af26-d61ceead7c8f'),
	('acme', 'agent.customer-steward.002', 1, '2026-11-30 00:27:40.570548+00', 'agent.customer-steward.002', 'opa.dec.01a229d9-aa92-7f5e-a0b4-8a238852a568', 'event.01a229d9-aa9a-79dc-921c-3076ce7c10f6'),
	('acme', 'agent.customer-steward.003', 1, '2026-11-30 00:27:41.311247+00', 'agent.customer-steward.003', 'opa.dec.01a229d9-ad6f-7503-9073-fb6da92717bc', 'event.01a229d9-ad7f-7542-92a0-4a49152c737a'),
	('acme', 'agent.customer-steward.005', 1, '2026-11-30 00:27:42.311626+00', 'agent.customer-steward.005', 'opa.dec.01a229d9-b15d-7662-ac57-f19ae5c647a7', 'event.01a229d9-b167-7b3a-b319-6f7b1ea9df96'),
	('acme', 'agent.customer-steward.004', 1, '2026-11-30 00:27:42.492227+00', 'agent.customer-steward.004', 'opa.dec.01a229d9-b218-7de8-adba-9786afac0bad', 'event.01a229d9-b21c-747f-9a15-448e8220b7d6');

INSERT INTO registry.idempotency VALUES
	('globex', 'agent.customer-steward.001', '/phoenix_dma.v1.RegistryService/RegisterParticipant', 'request.3f214574-f53a-4462-83ac-21acad88a1fb', 'sha256:20ca4a1ecc02795f15384459fe47cb47cc04cc964a8dd1d928fb28b321c06e39', '\x0a80030a1a6167656e742e637573746f6d65722d737465776172642e30303112056167656e74180122136475706c69636174655f646574656374696f6e220c706f6c6963795f636865636b320f646174612d676f7665726e616e63653a14726561645f637573746f6d65725f6d61737465723a0d737567676573745f6d6572676552005a08637573746f6d65725a10637573746f6d65725f636f6e746163745a0f637573746f6d65725f6d617374657260048001018a0113656e74657270726973652d7374616e6461726492018a010a1a6167656e742e637573746f6d65722d737465776172642e30303112056167656e7422136475706c69636174655f646574656374696f6e220c706f6c6963795f636865636b320f646174612d676f7665726e616e63653a14726561645f637573746f6d65725f6d61737465723a0d737567676573745f6d6572676552005a08637573746f6d65726004a00101a80101ca0103312e31d2010c08f985b3d80610d8b5808b01da010c08f985b3d80610d8b5808b01128f010a2c6f70612e6465632e30316132323964392d396462662d376262372d623932622d39323231663133353532626110011a2a6576656e742e30316132323964392d396463622d373965612d393135652d366338303330633366613262222f61756469742e636f72722e30316132323964392d396437322d376262352d393763372d31356135326139383235373728011a08617070726f766564220208052a0808021080cab5ee01', '2026-11-30 00:27:37.351458+00');

INSERT INTO registry.outbox VALUES
	('globex', 'event.01a229d9-9dcb-79ea-915e-6c8030c3fa2b', 'participant/agent.customer-steward.001', 1, 'PARTICIPANT_REGISTERED', '{"event_id":"event.01a229d9-9dcb-79ea-915e-6c8030c3fa2b","timestamp":"2026-11-30T00:27:37.291653Z","actor":"agent.customer-steward.001","participant":"agent.customer-steward.001","task":"","policy_decision":{"effect":"allow","decision_id":"opa.dec.01a229d9-9dbf-7bb7-b92b-9221f13552ba","point":"participant.join","policy":"phoenix.participant.join","policy_revision":"sha256:4311acb3be21910c2c2be4405034dfefb135bf4c46c16456e2c301f0444f04c5","input_hash":"sha256:3648ade6ac8faaa6c66f2e126721ec27ca7cbd5348b7bf7e9d52061d7b712e90","evaluated_at":"2026-11-30T00:27:37.279713+00:00","reasons":[{"rule":"join","text":"agent.customer-steward.001 may join as agent of data-governance."}],"remediation":[],"obligations":[],"policy_score":1.0,"approvers":[],"facts":{}},"input_references":[],"output_references":[],"reason_code":"","previous_state":"","new_state":"registered","correlation_id":"audit.corr.01a229d9-9d72-7bb5-97c7-15a52a982577","tenant":"globex","type":"PARTICIPANT_REGISTERED","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.001","aggregate_version":1,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"identity":{"participant_id":"agent.customer-steward.001","subject":"agent.customer-steward.001","assurance":"local","registered_by":"participant"},"owner":"data-governance","capabilities":["duplicate_detection","policy_check"],"claims":{"id":"agent.customer-steward.001","type":"agent","owner":"data-governance","status":"","trust_score":null,"capabilities":["duplicate_detection","policy_check"],"permissions":["read_customer_master","suggest_merge"],"data_domains":["customer"],"state_location":"","endpoint":"","metadata":{},"capacity":4,"cost":null,"task_types":[],"model_endpoints":[],"liveness":"","trust_policy":""},"grants":{"capabilities":["duplicate_detection","policy_check"],"data_domains":["customer","customer_contact","customer_master"],"permissions":["read_customer_master","suggest_merge"],"refused":[]},"generation":1,"standing_revision":1,"liveness":"leased"},"request_id":"request.3f214574-f53a-4462-83ac-21acad88a1fb","salt":"c70e0f7bd50460ac215f0e865c1f5337","leaf_hash":"sha256:b08971247a68acaaf4bd3d851e7caa494a6bd0fc176f03784c3203a9e5468ae4"}', '2026-11-30 00:27:37.351458+00'),
	('globex', 'event.01a229d9-9f14-7d63-a8aa-6c8a6108b11f', 'participant/agent.customer-steward.001', 2, 'PARTICIPANT_HEALTH', '{"event_id":"event.01a229d9-9f14-7d63-a8aa-6c8a6108b11f","timestamp":"2026-11-30T00:27:37.620866Z","actor":"service:registry","participant":"agent.customer-steward.001","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"health_reported","previous_state":"registered","new_state":"active","correlation_id":"audit.corr.01a229d9-9e80-76bc-a198-2be0b936f4d9","tenant":"globex","type":"PARTICIPANT_HEALTH","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.001","aggregate_version":2,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"said":"serving","generation":1,"standing_revision":2,"beats_due":1,"beats_kept":1,"worst_load":0.10000000149011612,"worst_latency":null},"request_id":"","salt":"7983b74402190020d9c354b80e139a1c","leaf_hash":"sha256:25668824bed4767cf1dfb81de87d162022a7b4dd6809386eaf786a9ad91ab695"}', '2026-11-30 00:27:37.729706+00'),
	('acme', 'event.01a229d9-d9d3-7c51-ab78-d716c8dedba6', 'participant/agent.customer-steward.002', 4, 'PARTICIPANT_FAILED', '{"event_id":"event.01a229d9-d9d3-7c51-ab78-d716c8dedba6","timestamp":"2026-11-30T00:27:52.659797Z","actor":"service:registry","participant":"agent.customer-steward.002","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_failed","previous_state":"degraded","new_state":"failed","correlation_id":"audit.corr.01a229d9-d9c6-74ec-8241-7500ade7c6e2","tenant":"acme","type":"PARTICIPANT_FAILED","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.002","aggregate_version":4,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"last_beat":"2026-11-30T00:27:45.618926Z","generation":1,"reason":"participant_failed","standing_revision":4,"beats_due":2,"beats_kept":0,"worst_load":0.10000000149011612,"worst_latency":null},"request_id":"","salt":"800e6b084f97b05fa314ab9d0d0fefcd","leaf_hash":"sha256:b0fdb879669a807671af46985952880ed1415dba7da1813cafaef3fa5a937426"}', '2026-11-30 00:27:52.660566+00'),
	('acme', 'event.01a229d9-cea8-7f16-a654-23836bbcbeb5', 'participant/agent.customer-steward.002', 3, 'PARTICIPANT_HEALTH', '{"event_id":"event.01a229d9-cea8-7f16-a654-23836bbcbeb5","timestamp":"2026-11-30T00:27:49.800957Z","actor":"service:registry","participant":"agent.customer-steward.002","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"heartbeat_missed","previous_state":"active","new_state":"degraded","correlation_id":"audit.corr.01a229d9-cea8-7250-9c01-32f3ef132747","tenant":"acme","type":"PARTICIPANT_HEALTH","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.002","aggregate_version":3,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"said":"serving","generation":1,"standing_revision":3,"beats_due":3,"beats_kept":2,"worst_load":0.10000000149011612,"worst_latency":null},"request_id":"","salt":"3f1859af3313078b16a28700b1a80bc2","leaf_hash":"sha256:74b5c3ae07642672ca7549a320a9ffcf489b7ec8093303cd26add1412e3155ff"}', '2026-11-30 00:27:49.801375+00'),
	('acme', 'event.01a229d9-d085-7738-90f2-daf174d2bf5a', 'participant/agent.customer-steward.003', 3, 'PARTICIPANT_HEALTH', '{"event_id":"event.01a229d9-d085-7738-90f2-daf174d2bf5a","timestamp":"2026-11-30T00:27:50.277471Z","actor":"service:registry","participant":"agent.customer-steward.003","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"heartbeat_missed","previous_state":"active","new_state":"degraded","correlation_id":"audit.corr.01a229d9-d084-78c6-8a72-740f47925649","tenant":"acme","type":"PARTICIPANT_HEALTH","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.003","aggregate_version":3,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"said":"serving","generation":1,"standing_revision":3,"beats_due":4,"beats_kept":2,"worst_load":0.10000000149011612,"worst_latency":null},"request_id":"","salt":"2bb0f67cb8d64d2b0164b722861a6948","leaf_hash":"sha256:f854a9dacd73984cffe04cbadeeff9dc3025f2b4e63d41d89e6b41c5f1b73187"}', '2026-11-30 00:27:50.280011+00'),
	('acme', 'event.01a229d9-dcaf-7310-88e0-4b76b926e445', 'participant/agent.customer-steward.003', 4, 'PARTICIPANT_FAILED', '{"event_id":"event.01a229d9-dcaf-7310-88e0-4b76b926e445","timestamp":"2026-11-30T00:27:53.391210Z","actor":"service:registry","participant":"agent.customer-steward.003","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_failed","previous_state":"degraded","new_state":"failed","correlation_id":"audit.corr.01a229d9-dcae-7286-a70a-fcad57ec9a8d","tenant":"acme","type":"PARTICIPANT_FAILED","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.003","aggregate_version":4,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"last_beat":"2026-11-30T00:27:46.373560Z","generation":1,"reason":"participant_failed","standing_revision":4,"beats_due":1,"beats_kept":0,"worst_load":0.10000000149011612,"worst_latency":null},"request_id":"","salt":"698ed1f51831be79ea18763b4d02b47e","leaf_hash":"sha256:476b74944d4911139a2bef3994845889da213d66109b1a8d971f62c2a5d71255"}', '2026-11-30 00:27:53.391627+00'),
	('acme', 'event.01a229d9-dce8-76b1-ba30-c7983d21f7eb', 'participant/agent.customer-steward.001', 4, 'PARTICIPANT_FAILED', '{"event_id":"event.01a229d9-dce8-76b1-ba30-c7983d21f7eb","timestamp":"2026-11-30T00:27:53.448435Z","actor":"service:registry","participant":"agent.customer-steward.001","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_failed","previous_state":"retiring","new_state":"retiring","correlation_id":"audit.corr.01a229d9-dce7-7563-b793-8acb8df883d6","tenant":"acme","type":"PARTICIPANT_FAILED","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.001","aggregate_version":4,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"last_beat":"2026-11-30T00:27:46.410505Z","generation":1,"reason":"participant_failed","standing_revision":4,"beats_due":6,"beats_kept":3,"worst_load":0.10000000149011612,"worst_latency":null},"request_id":"","salt":"7ac9cae5ac67e833300b52e391f2a083","leaf_hash":"sha256:fdc01cb99f56719558cf4f8fd4639423b016372d31b2b198db77da9b30161073"}', '2026-11-30 00:27:53.451185+00'),
	('acme', 'event.01a229d9-dd68-726c-996d-3cc2cec5bc28', 'discovery/discovery.01a229d9-dd68-71ad-9f16-2175920c3d02', 1, 'DISCOVERY_COMPLETED', '{"event_id":"event.01a229d9-dd68-726c-996d-3cc2cec5bc28","timestamp":"2026-11-30T00:27:53.576160Z","actor":"service:assignment","participant":"","task":"task.review.2","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"","previous_state":"","new_state":"","correlation_id":"audit.corr.01a229d9-a95a-7e7c-b261-ec664214ebdf","tenant":"acme","type":"DISCOVERY_COMPLETED","event_version":1,"service":"registry","aggregate":"discovery/discovery.01a229d9-dd68-71ad-9f16-2175920c3d02","aggregate_version":1,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"request":{"required_capabilities":["duplicate_detection"],"data_domains":["customer_master"],"risk_level":"low","policy_constraints":[],"task_id":"task.review.2","task_type":""},"candidates":[],"excluded":[{"participant_id":"agent.customer-steward.002","failed":"active","because":"agent.customer-steward.002 is failed.","policy_decision_id":""}]},"request_id":"","salt":"9ec5f9ce6a1fecf4705b6d70e2887543","leaf_hash":"sha256:a31577bc2e0fe6a0d73aa4054514dda0c56dbb3a6f86dcce4590091e872d3eba"}', '2026-11-30 00:27:53.576311+00'),
	('acme', 'event.01a229d9-ddbd-7713-9a20-1b7fa91cf4ca', 'participant/agent.customer-steward.001', 5, 'PARTICIPANT_RETIRED', '{"event_id":"event.01a229d9-ddbd-7713-9a20-1b7fa91cf4ca","timestamp":"2026-11-30T00:27:53.661463Z","actor":"service:assignment","participant":"agent.customer-steward.001","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_retirement","previous_state":"retiring","new_state":"retired","correlation_id":"audit.corr.01a229d9-b7a1-7db9-9ea8-3b972e0ec41c","tenant":"acme","type":"PARTICIPANT_RETIRED","event_version":1,"service":"registry","aggregate":"participant/agent.customer-steward.001","aggregate_version":5,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"record":{"active_tasks":["task.review.3","task.review.4"],"mode":"graceful","retirement_id":"retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040","handoff_outcomes":[{"target":"","handoff_id":"","outcome":"returned","task_id":"task.review.3"},{"target":"","handoff_id":"handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad","outcome":"waiting","task_id":"task.review.4"}]},"active_tasks":["task.review.3","task.review.4"],"mode":"graceful","retirement_id":"retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040","handoff_outcomes":[{"target":"","handoff_id":"","outcome":"returned","task_id":"task.review.3"},{"target":"","handoff_id":"handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad","outcome":"waiting","task_id":"task.review.4"}],"generation":1,"standing_revision":5},"request_id":"","salt":"a0d4b392210205cceea4171a1a1adb0b","leaf_hash":"sha256:499d9c906a2ddb808c6fd7ddea2a155364f430f580c921088974b9468688aa24"}', '2026-11-30 00:27:53.662266+00'),
	('acme', 'event.01a229d9-ddd8-7c36-90fc-b053a519780f', 'discovery/discovery.01a229d9-ddd8-7b83-bb32-360cc30a34e2', 1, 'DISCOVERY_COMPLETED', '{"event_id":"event.01a229d9-ddd8-7c36-90fc-b053a519780f","timestamp":"2026-11-30T00:27:53.688771Z","actor":"service:assignment","participant":"","task":"task.review.4","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"","previous_state":"","new_state":"","correlation_id":"audit.corr.01a229d9-b62d-7f1a-8c81-ae26f2df8635","tenant":"acme","type":"DISCOVERY_COMPLETED","event_version":1,"service":"registry","aggregate":"discovery/discovery.01a229d9-ddd8-7b83-bb32-360cc30a34e2","aggregate_version":1,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"request":{"required_capabilities":["duplicate_detection"],"data_domains":["customer_master"],"risk_level":"low","policy_constraints":[],"task_id":"task.review.4","task_type":""},"candidates":[],"excluded":[{"participant_id":"agent.customer-steward.002","failed":"active","because":"agent.customer-steward.002 is failed.","policy_decision_id":""},{"participant_id":"agent.customer-steward.003","failed":"active","because":"agent.customer-steward.003 is failed.","policy_decision_id":""}]},"request_id":"","salt":"246c57279a73c21232d97fcae4cb28a1","leaf_hash":"sha256:1530e989153d61044a2f958d6407e8dd9c064dabaa0b8992d4d90d7b4914a4f1"}', '2026-11-30 00:27:53.688888+00'),
	('acme', 'event.01a229d9-e350-7119-9630-b356083bead0', 'discovery/discovery.01a229d9-e350-7054-8a15-dd248e5c35f7', 1, 'DISCOVERY_COMPLETED', '{"event_id":"event.01a229d9-e350-7119-9630-b356083bead0","timestamp":"2026-11-30T00:27:55.088077Z","actor":"service:assignment","participant":"","task":"task.review.3","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"","previous_state":"","new_state":"","correlation_id":"audit.corr.01a229d9-b4ab-7984-b1b1-f886e03090f7","tenant":"acme","type":"DISCOVERY_COMPLETED","event_version":1,"service":"registry","aggregate":"discovery/discovery.01a229d9-e350-7054-8a15-dd248e5c35f7","aggregate_version":1,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"request":{"required_capabilities":["duplicate_detection"],"data_domains":["customer_master"],"risk_level":"low","policy_constraints":["human_approval_required_for_assignment"],"task_id":"task.review.3","task_type":""},"candidates":[],"excluded":[{"participant_id":"agent.customer-steward.002","failed":"active","because":"agent.customer-steward.002 is failed.","policy_decision_id":""},{"participant_id":"agent.customer-steward.003","failed":"active","because":"agent.customer-steward.003 is failed.","policy_decision_id":""}]},"request_id":"","salt":"b2306ca976abdbe10fc3069be7b7d9b0","leaf_hash":"sha256:de0238ff0c049ab656106f27906d7e03ba9b6ab8931a622b5809c01d6df38f4c"}', '2026-11-30 00:27:55.088213+00');

INSERT INTO registry.outbox_heads VALUES
	('globex', 'participant/agent.customer-steward.001', 2),
	('acme', 'participant/agent.customer-steward.005', 2),
	('acme', 'participant/agent.customer-steward.004', 4),
	('acme', 'participant/agent.customer-steward.002', 4),
	('acme', 'participant/agent.customer-steward.003', 4),
	('acme', 'participant/agent.customer-steward.001', 5);

INSERT INTO registry.participant VALUES
	('globex', 'agent.customer-steward.001', 'agent', 'data-governance', 'active', '', 'leased', 'enterprise-standard', 4, NULL, 1, 2, 2, '{duplicate_detection,policy_check}', '{customer,customer_contact,customer_master}', '{read_customer_master,suggest_merge}', '{}', '[]', '{"id": "agent.customer-steward.001", "cost": null, "type": "agent", "owner": "data-governance", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": ["read_customer_master", "suggest_merge"], "trust_score": null, "capabilities": ["duplicate_detection", "policy_check"], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', '', '2026-11-30 00:27:37.291511+00', '2026-11-30 00:27:37.620755+00'),
	('acme', 'agent.customer-steward.001', 'agent', 'data-governance', 'retired', 'participant_retirement', 'leased', 'enterprise-standard', 4, NULL, 1, 5, 5, '{duplicate_detection,policy_check}', '{customer,customer_contact,customer_master}', '{read_customer_master,suggest_merge}', '{}', '[]', '{"id": "agent.customer-steward.001", "cost": null, "type": "agent", "owner": "data-governance", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": ["read_customer_master", "suggest_merge"], "trust_score": null, "capabilities": ["duplicate_detection", "policy_check"], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', 'retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040', '2026-11-30 00:27:38.805313+00', '2026-11-30 00:27:53.66139+00'),
	('acme', 'human.data-steward.01', 'human', 'data-office', 'active', '', 'unleased', 'enterprise-standard', 4, NULL, 1, 1, 1, '{}', '{customer,customer_contact,customer_master}', '{}', '{}', '[]', '{"id": "human.data-steward.01", "cost": null, "type": "human", "owner": "data-office", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": [], "trust_score": null, "capabilities": [], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', '', '2026-11-30 00:27:39.023802+00', '2026-11-30 00:27:39.023802+00'),
	('acme', 'agent.customer-steward.002', 'agent', 'data-governance', 'failed', 'participant_failed', 'leased', 'enterprise-standard', 4, NULL, 1, 4, 4, '{duplicate_detection,policy_check}', '{customer,customer_contact,customer_master}', '{read_customer_master,suggest_merge}', '{}', '[]', '{"id": "agent.customer-steward.002", "cost": null, "type": "agent", "owner": "data-governance", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": ["read_customer_master", "suggest_merge"], "trust_score": null, "capabilities": ["duplicate_detection", "policy_check"], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', '', '2026-11-30 00:27:40.570548+00', '2026-11-30 00:27:52.659636+00'),
	('acme', 'agent.customer-steward.003', 'agent', 'data-governance', 'failed', 'participant_failed', 'leased', 'enterprise-standard', 4, NULL, 1, 4, 4, '{duplicate_detection,policy_check}', '{customer,customer_contact,customer_master}', '{read_customer_master,suggest_merge}', '{}', '[]', '{"id": "agent.customer-steward.003", "cost": null, "type": "agent", "owner": "data-governance", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": ["read_customer_master", "suggest_merge"], "trust_score": null, "capabilities": ["duplicate_detection", "policy_check"], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', '', '2026-11-30 00:27:41.311247+00', '2026-11-30 00:27:53.39103+00'),
	('acme', 'agent.customer-steward.005', 'agent', 'data-governance', 'active', '', 'leased', 'enterprise-standard', 4, NULL, 1, 2, 2, '{policy_check}', '{customer,customer_contact,customer_master}', '{read_customer_master,suggest_merge}', '{}', '[]', '{"id": "agent.customer-steward.005", "cost": null, "type": "agent", "owner": "data-governance", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": ["read_customer_master", "suggest_merge"], "trust_score": null, "capabilities": ["policy_check"], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', '', '2026-11-30 00:27:42.311626+00', '2026-11-30 00:27:42.388645+00'),
	('acme', 'agent.customer-steward.004', 'agent', 'data-governance', 'retired', 'participant_retirement', 'leased', 'enterprise-standard', 4, NULL, 1, 4, 4, '{policy_check}', '{customer,customer_contact,customer_master}', '{read_customer_master,suggest_merge}', '{}', '[]', '{"id": "agent.customer-steward.004", "cost": null, "type": "agent", "owner": "data-governance", "status": "", "capacity": 4, "endpoint": "", "liveness": "", "metadata": {}, "task_types": [], "permissions": ["read_customer_master", "suggest_merge"], "trust_score": null, "capabilities": ["policy_check"], "data_domains": ["customer"], "trust_policy": "", "state_location": "", "model_endpoints": []}', 'retire.01a229d9-b320-7a4a-a889-00ccfce52a65', '2026-11-30 00:27:42.492227+00', '2026-11-30 00:27:42.886847+00');

SELECT pg_catalog.setval('registry.directive_position_seq', 16, true);

ALTER TABLE ONLY registry.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY registry.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (tenant, key, receiver);

ALTER TABLE ONLY registry.directive
    ADD CONSTRAINT directive_pkey PRIMARY KEY (tenant, directive_id);

ALTER TABLE ONLY registry.edge
    ADD CONSTRAINT edge_pkey PRIMARY KEY (tenant, participant_id, kind, name);

ALTER TABLE ONLY registry.generation
    ADD CONSTRAINT generation_pkey PRIMARY KEY (tenant, participant_id, generation);

ALTER TABLE ONLY registry.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (tenant, principal, rpc, request_id);

ALTER TABLE ONLY registry.outbox_heads
    ADD CONSTRAINT outbox_heads_pkey PRIMARY KEY (tenant, aggregate);

ALTER TABLE ONLY registry.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (tenant, event_id);

ALTER TABLE ONLY registry.outbox
    ADD CONSTRAINT outbox_tenant_aggregate_aggregate_version_key UNIQUE (tenant, aggregate, aggregate_version);

ALTER TABLE ONLY registry.participant
    ADD CONSTRAINT participant_pkey PRIMARY KEY (tenant, id);

CREATE INDEX deliveries_free ON registry.deliveries USING btree (receiver, claimed_until);

CREATE INDEX directive_created ON registry.directive USING btree (created_at);

CREATE INDEX directive_waiting ON registry.directive USING btree (tenant, participant_id, "position") WHERE (acknowledged_at IS NULL);

CREATE INDEX edge_granted ON registry.edge USING btree (tenant, kind, name, participant_id) WHERE granted;

CREATE INDEX idempotency_created ON registry.idempotency USING btree (created_at);

CREATE INDEX outbox_created ON registry.outbox USING btree (created_at);

ALTER TABLE registry.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.directive ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.edge ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.generation ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.outbox_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE registry.participant ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON registry.deliveries TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.directive TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.edge TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.generation TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.idempotency TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.outbox TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.outbox_heads TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON registry.participant TO phoenix_registry USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY worker ON registry.deliveries TO phoenix_registry_worker USING (true);

CREATE POLICY worker ON registry.directive TO phoenix_registry_worker USING (true);

CREATE POLICY worker ON registry.idempotency TO phoenix_registry_worker USING (true);

CREATE POLICY worker ON registry.outbox TO phoenix_registry_worker USING (true);

CREATE POLICY worker ON registry.participant TO phoenix_registry_worker USING (true);

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.deliveries TO phoenix_registry;
GRANT DELETE ON TABLE registry.deliveries TO phoenix_registry_worker;
GRANT SELECT(tenant) ON TABLE registry.deliveries TO phoenix_registry_worker;
GRANT SELECT(key) ON TABLE registry.deliveries TO phoenix_registry_worker;
GRANT SELECT(receiver) ON TABLE registry.deliveries TO phoenix_registry_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE registry.deliveries TO phoenix_registry_worker;
GRANT SELECT(failures),UPDATE(failures) ON TABLE registry.deliveries TO phoenix_registry_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.directive TO phoenix_registry;
GRANT DELETE ON TABLE registry.directive TO phoenix_registry_worker;
GRANT SELECT(tenant) ON TABLE registry.directive TO phoenix_registry_worker;
GRANT SELECT(directive_id) ON TABLE registry.directive TO phoenix_registry_worker;
GRANT SELECT(created_at) ON TABLE registry.directive TO phoenix_registry_worker;
GRANT SELECT(acknowledged_at) ON TABLE registry.directive TO phoenix_registry_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.edge TO phoenix_registry;
GRANT SELECT,INSERT ON TABLE registry.generation TO phoenix_registry;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.idempotency TO phoenix_registry;
GRANT DELETE ON TABLE registry.idempotency TO phoenix_registry_worker;
GRANT SELECT(tenant) ON TABLE registry.idempotency TO phoenix_registry_worker;
GRANT SELECT(principal) ON TABLE registry.idempotency TO phoenix_registry_worker;
GRANT SELECT(rpc) ON TABLE registry.idempotency TO phoenix_registry_worker;
GRANT SELECT(request_id) ON TABLE registry.idempotency TO phoenix_registry_worker;
GRANT SELECT(created_at) ON TABLE registry.idempotency TO phoenix_registry_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.outbox TO phoenix_registry;
GRANT DELETE ON TABLE registry.outbox TO phoenix_registry_worker;
GRANT SELECT(tenant) ON TABLE registry.outbox TO phoenix_registry_worker;
GRANT SELECT(event_id) ON TABLE registry.outbox TO phoenix_registry_worker;
GRANT SELECT(document) ON TABLE registry.outbox TO phoenix_registry_worker;
GRANT SELECT(created_at) ON TABLE registry.outbox TO phoenix_registry_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.outbox_heads TO phoenix_registry;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registry.participant TO phoenix_registry;
GRANT SELECT(tenant) ON TABLE registry.participant TO phoenix_registry_worker;
GRANT SELECT(id) ON TABLE registry.participant TO phoenix_registry_worker;
GRANT SELECT(status) ON TABLE registry.participant TO phoenix_registry_worker;
GRANT SELECT(status_reason) ON TABLE registry.participant TO phoenix_registry_worker;
GRANT SELECT(liveness) ON TABLE registry.participant TO phoenix_registry_worker;
GRANT SELECT(generation) ON TABLE registry.participant TO phoenix_registry_worker;
