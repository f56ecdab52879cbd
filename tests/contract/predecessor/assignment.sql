SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE assignment.alembic_version (
    version_num character varying(32) NOT NULL
);

ALTER TABLE assignment.alembic_version OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.approvals (
    tenant text NOT NULL,
    approval_id text NOT NULL,
    task_id text NOT NULL,
    action text NOT NULL,
    subject_hash text NOT NULL,
    state text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    target text NOT NULL,
    handoff_id text NOT NULL,
    decided_by text NOT NULL,
    decider_type text NOT NULL,
    decider_status text NOT NULL,
    comment text NOT NULL,
    cancel_wanted boolean NOT NULL,
    next_poll_at timestamp with time zone,
    polls integer NOT NULL,
    claimed_until timestamp with time zone
);

ALTER TABLE ONLY assignment.approvals FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.approvals OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.authorizations (
    tenant text NOT NULL,
    task_id text NOT NULL,
    action text NOT NULL,
    subject_hash text NOT NULL,
    authorization_id text NOT NULL,
    kind text NOT NULL,
    domain text NOT NULL,
    approval_id text NOT NULL,
    decision_id text NOT NULL,
    participant_id text NOT NULL,
    epoch bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    event_id text NOT NULL,
    event_version bigint NOT NULL
);

ALTER TABLE ONLY assignment.authorizations FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.authorizations OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.bindings (
    tenant text NOT NULL,
    task_id text NOT NULL,
    epoch bigint NOT NULL,
    assignment_id text NOT NULL,
    participant_id text NOT NULL,
    owner text NOT NULL,
    generation bigint NOT NULL,
    standing_revision bigint NOT NULL,
    decision_id text NOT NULL,
    explanation text NOT NULL,
    bound_at timestamp with time zone NOT NULL,
    gained_by text NOT NULL,
    ended_at timestamp with time zone,
    ended_by text NOT NULL
);

ALTER TABLE ONLY assignment.bindings FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.bindings OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.contents (
    tenant text NOT NULL,
    hash text NOT NULL,
    content bytea NOT NULL
);

ALTER TABLE ONLY assignment.contents FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.contents OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.context_pointers (
    tenant text NOT NULL,
    task_id text NOT NULL,
    version bigint NOT NULL,
    hash text NOT NULL,
    size_bytes bigint NOT NULL,
    participant_id text NOT NULL,
    epoch bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    by_reference boolean NOT NULL,
    external_ref text NOT NULL
);

ALTER TABLE ONLY assignment.context_pointers FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.context_pointers OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.deliveries (
    tenant text NOT NULL,
    key text NOT NULL,
    receiver text NOT NULL,
    claimed_until timestamp with time zone NOT NULL,
    failures smallint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY assignment.deliveries FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.deliveries OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.denials (
    tenant text NOT NULL,
    task_id text NOT NULL,
    participant_id text NOT NULL,
    point text NOT NULL,
    reasons_hash text NOT NULL
);

ALTER TABLE ONLY assignment.denials FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.denials OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.directive_outbox (
    tenant text NOT NULL,
    directive_id text NOT NULL,
    participant_id text NOT NULL,
    document text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY assignment.directive_outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.directive_outbox OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.gates (
    tenant text NOT NULL,
    participant_id text NOT NULL,
    capacity integer NOT NULL,
    used integer NOT NULL,
    standing_revision bigint NOT NULL,
    generation bigint NOT NULL,
    status text NOT NULL,
    retirement_id text NOT NULL
);

ALTER TABLE ONLY assignment.gates FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.gates OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.handoffs (
    tenant text NOT NULL,
    handoff_id text NOT NULL,
    task_id text NOT NULL,
    correlation_id text NOT NULL,
    source_binding jsonb NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    source_gone boolean NOT NULL,
    source_seated boolean NOT NULL,
    offer jsonb,
    parked jsonb,
    cleared_target text NOT NULL,
    approval_id text NOT NULL,
    decision_id text NOT NULL,
    target text NOT NULL,
    target_epoch bigint NOT NULL,
    received_hash text NOT NULL,
    accepted_obligations jsonb NOT NULL,
    failure_hash text NOT NULL,
    tries integer NOT NULL,
    next_try_at timestamp with time zone,
    last_event_id text NOT NULL,
    source text NOT NULL,
    offered_to text NOT NULL,
    wake_at timestamp with time zone,
    claimed_until timestamp with time zone
);

ALTER TABLE ONLY assignment.handoffs FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.handoffs OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.idempotency (
    tenant text NOT NULL,
    principal text NOT NULL,
    rpc text NOT NULL,
    request_id text NOT NULL,
    body_hash text NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY assignment.idempotency FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.idempotency OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.left_out (
    tenant text NOT NULL,
    task_id text NOT NULL,
    participant_id text NOT NULL,
    scope text NOT NULL,
    reason text NOT NULL,
    because text NOT NULL,
    tries integer NOT NULL,
    until timestamp with time zone,
    decision_id text NOT NULL
);

ALTER TABLE ONLY assignment.left_out FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.left_out OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.offers (
    tenant text NOT NULL,
    offer_id text NOT NULL,
    handoff_id text NOT NULL,
    task_id text NOT NULL,
    offer jsonb NOT NULL,
    made_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    ended_at timestamp with time zone
);

ALTER TABLE ONLY assignment.offers FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.offers OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.outbox (
    tenant text NOT NULL,
    event_id text NOT NULL,
    aggregate text NOT NULL,
    aggregate_version bigint NOT NULL,
    type text NOT NULL,
    document text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY assignment.outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.outbox OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.outbox_heads (
    tenant text NOT NULL,
    aggregate text NOT NULL,
    version bigint NOT NULL
);

ALTER TABLE ONLY assignment.outbox_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.outbox_heads OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.retirements (
    tenant text NOT NULL,
    retirement_id text NOT NULL,
    participant_id text NOT NULL,
    mode text NOT NULL,
    deadline timestamp with time zone NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    decision_id text NOT NULL,
    correlation_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    announced boolean NOT NULL,
    source_gone boolean NOT NULL,
    outcomes jsonb NOT NULL,
    version bigint NOT NULL,
    next_try_at timestamp with time zone,
    finished_at timestamp with time zone,
    last_event_id text NOT NULL,
    wake_at timestamp with time zone,
    claimed_until timestamp with time zone
);

ALTER TABLE ONLY assignment.retirements FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.retirements OWNER TO phoenix_assignment_owner;

CREATE TABLE assignment.tasks (
    tenant text NOT NULL,
    task_id text NOT NULL,
    objective text NOT NULL,
    required_capabilities jsonb NOT NULL,
    data_domains jsonb NOT NULL,
    risk_level text NOT NULL,
    policy_constraints jsonb NOT NULL,
    input_hash text NOT NULL,
    priority integer NOT NULL,
    deadline timestamp with time zone,
    start_timeout interval NOT NULL,
    attempt_timeout interval,
    max_attempts integer NOT NULL,
    parent_task_id text NOT NULL,
    detached boolean NOT NULL,
    degraded_allowed boolean NOT NULL,
    intent text NOT NULL,
    task_type text NOT NULL,
    submitter text NOT NULL,
    submitter_participant text NOT NULL,
    correlation_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    submit_event_id text NOT NULL,
    depth integer NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL,
    epoch bigint NOT NULL,
    attempt integer NOT NULL,
    binding jsonb,
    parked jsonb,
    pointer jsonb,
    obligations jsonb NOT NULL,
    result_hash text NOT NULL,
    reason text NOT NULL,
    handoff_id text NOT NULL,
    last_event_id text NOT NULL,
    failure_hash text NOT NULL,
    tries integer NOT NULL,
    next_try_at timestamp with time zone,
    start_by timestamp with time zone,
    attempt_by timestamp with time zone,
    resume_by timestamp with time zone,
    participant_id text NOT NULL,
    parked_target text NOT NULL,
    wake_at timestamp with time zone,
    claimed_until timestamp with time zone
);

ALTER TABLE ONLY assignment.tasks FORCE ROW LEVEL SECURITY;

ALTER TABLE assignment.tasks OWNER TO phoenix_assignment_owner;

INSERT INTO assignment.alembic_version VALUES
	('0001');

INSERT INTO assignment.approvals VALUES
	('acme', 'approval.01a229d9-a5bc-7ed2-ba9c-ead465a56f2b', 'task.review.1', 'merge', 'sha256:7d83af76781a18509fc7beab45c97de87ea2e1d7c3a1ed5f430ffe53ce8a977b', 'rejected', '2026-11-30 00:27:39.359202+00', '', '', 'human.data-steward.01', 'human', 'active', 'looked at it', false, NULL, 1, NULL),
	('acme', 'approval.01a229d9-a6f7-73be-96e1-0f2f048abcf6', 'task.review.1', 'merge', 'sha256:a00df60dd6dfffa4b7a5b75b8b4bdec3e8b986459811e87c751e8098c45a02f7', 'approved', '2026-11-30 00:27:39.651475+00', '', '', 'human.data-steward.01', 'human', 'active', 'looked at it', false, NULL, 1, NULL),
	('acme', 'approval.01a229d9-b5a4-753b-b8b1-d96faffbf212', 'task.review.3', 'assign', 'sha256:46dfedabab7c08b3a57370ff898db353f9e384b7197954a638ce590645be1b02', 'cancelled', '2026-11-30 00:27:43.413188+00', 'agent.customer-steward.001', '', '', '', '', 'its subject is gone', true, NULL, 1, NULL),
	('acme', 'approval.01a229d9-b9cd-73b1-b10e-eb49f9c4f09a', 'task.review.3', 'assign', 'sha256:54cfcbeb0f4c727917d3b365551f8b9b5f384552198c768703df3c6a93d6dd83', 'pending', '2026-11-30 00:27:44.507376+00', 'agent.customer-steward.002', '', '', '', '', '', true, '2026-11-30 00:27:49.893287+00', 0, '2026-11-30 00:28:01.505772+00');

INSERT INTO assignment.authorizations VALUES
	('acme', 'task.review.1', 'merge', 'sha256:a00df60dd6dfffa4b7a5b75b8b4bdec3e8b986459811e87c751e8098c45a02f7', 'authorization.01a229d9-a8a3-761d-a774-b22e13ef685a', 'final_action', 'customer_master', 'approval.01a229d9-a6f7-73be-96e1-0f2f048abcf6', 'opa.dec.01a229d9-a886-7a05-8518-8f4e0bbebbb5', 'agent.customer-steward.001', 1, '2026-11-30 00:27:40.045346+00', 'event.01a229d9-a8a3-78c0-8311-1ebfe28ab477', 6);

INSERT INTO assignment.bindings VALUES
	('globex', 'task.review.1', 1, 'assign.01a229d9-a1f2-7a8d-b5ed-cfee8f067c8b', 'agent.customer-steward.001', 'data-governance', 1, 2, 'opa.dec.01a229d9-a1e8-7265-a3cd-9ea67ae368e5', 'Participant has granted capability and approved customer master permissions.', '2026-11-30 00:27:38.346369+00', 'assign', '2026-11-30 00:27:38.737065+00', 'succeed'),
	('acme', 'task.review.1', 1, 'assign.01a229d9-a517-768e-968a-ef12dadafc62', 'agent.customer-steward.001', 'data-governance', 1, 2, 'opa.dec.01a229d9-a50b-7e69-8c75-8e094cdfac6f', 'Participant has granted capability and approved customer master permissions.', '2026-11-30 00:27:39.15278+00', 'assign', '2026-11-30 00:27:40.155216+00', 'succeed'),
	('acme', 'task.review.2', 1, 'assign.01a229d9-a9ee-705d-9db3-5935941a1d9c', 'agent.customer-steward.001', 'data-governance', 1, 2, 'opa.dec.01a229d9-a9d6-7364-9606-695c29efd9cc', 'Participant has granted capability and approved customer master permissions.', '2026-11-30 00:27:40.388824+00', 'assign', '2026-11-30 00:27:40.47635+00', 'decline'),
	('acme', 'task.review.2', 3, 'assign.01a229d9-ac59-74da-8800-01e7e5843cc2', 'agent.customer-steward.002', 'data-governance', 1, 2, 'opa.dec.01a229d9-ac48-79e8-a476-a03945a4fa3e', 'Participant has granted capability and approved customer master permissions.', '2026-11-30 00:27:41.011511+00', 'assign', '2026-11-30 00:27:41.877343+00', 'migrate'),
	('acme', 'task.review.2', 5, 'assign.01a229d9-b042-7183-b5a9-9a7c4604e621', 'agent.customer-steward.003', 'data-governance', 1, 2, 'opa.dec.01a229d9-b03d-7346-b4e5-df3791c61287', '', '2026-11-30 00:27:42.014534+00', 'rebind', '2026-11-30 00:27:53.479284+00', 'migrate'),
	('acme', 'task.review.4', 1, 'assign.01a229d9-b6bc-7f17-ad30-42381b972ae0', 'agent.customer-steward.001', 'data-governance', 1, 2, 'opa.dec.01a229d9-b6ae-75ee-a3ea-e3ff5d1fd0f2', 'Participant has granted capability and approved customer master permissions.', '2026-11-30 00:27:43.66502+00', 'assign', '2026-11-30 00:27:53.565637+00', 'migrate');

INSERT INTO assignment.contents VALUES
	('globex', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '\x7b7d'),
	('globex', 'sha256:3356d55299efa592478d49abda6b0322a87228bcb33ba0ea3f0daf4e2c5ee618', '\x7b226d6572676564223a5b5d7d'),
	('acme', 'sha256:e6eedab4d7d15352863f0cfcff9bfeec3612af6142258b74235b7b9baf1b8fb8', '\x7b2263616e64696461746573223a5b312c325d7d'),
	('acme', 'sha256:01ca704ee733b129d959b1be2e5d8c4cefb8ac5a6d8d21ecce3f0726ea759ab1', '\x7b226d6572676564223a5b22637573746f6d65722e33225d7d'),
	('acme', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '\x7b7d'),
	('acme', 'sha256:14b97b345f488e2374f541a90290444e38973589ee99cc1ad1504bc16b992ee4', '\x7b2263616e64696461746573223a5b335d7d');

INSERT INTO assignment.context_pointers VALUES
	('globex', 'task.review.1', 1, 'sha256:78d3da0d10c0c1f0a843ec079203bb67e253c4dd1ef5ea0fc4c5a69d3c7d9f80', 27, 'agent.customer-steward.001', 1, '2026-11-30 00:27:38.559608+00', false, ''),
	('acme', 'task.review.1', 1, 'sha256:78d3da0d10c0c1f0a843ec079203bb67e253c4dd1ef5ea0fc4c5a69d3c7d9f80', 27, 'agent.customer-steward.001', 1, '2026-11-30 00:27:39.25052+00', false, ''),
	('acme', 'task.review.1', 2, 'sha256:0000000000000000000000000000000000000000000000000000000000000000', 0, 'agent.customer-steward.001', 1, '2026-11-30 00:27:39.284081+00', true, 's3://contexts/state?versionId=1'),
	('acme', 'task.review.2', 1, 'sha256:27d8252bcab9e4a5eea0174474b79473e5ea3cda3ce1add38d0f1a375de274c0', 29, 'agent.customer-steward.002', 3, '2026-11-30 00:27:41.197352+00', false, ''),
	('acme', 'task.review.2', 2, 'sha256:121af142292ddc3d78cd5029b3bac9e9d5252fe3f049de8c6d6b56b211fc23ed', 31, 'agent.customer-steward.002', 3, '2026-11-30 00:27:41.603294+00', false, ''),
	('acme', 'task.review.4', 1, 'sha256:4d2961fd463f6f84b21ab2bc92e934f41d0c2b7c8123e996f2d57e7d5bcf452e', 57, 'agent.customer-steward.001', 1, '2026-11-30 00:27:43.885188+00', false, '');

INSERT INTO assignment.deliveries VALUES
	('acme', 'event.01a229d9-dd13-76ba-ad7d-0eaeda940a8c', 'ledger', '2026-11-30 00:27:57.219719+00', 2),
	('acme', 'event.01a229d9-dd63-767e-8a5f-2097947616c3', 'ledger', '2026-11-30 00:27:57.149139+00', 2),
	('acme', 'event.01a229d9-ddce-72ae-a86b-df38f989f045', 'ledger', '2026-11-30 00:27:57.179269+00', 2),
	('acme', 'event.01a229d9-dd21-77a2-ab01-371dbed498d4', 'ledger', '2026-11-30 00:27:57.225884+00', 2),
	('acme', 'event.01a229d9-dd7d-79fe-8242-db9d03f256b7', 'ledger', '2026-11-30 00:27:57.172974+00', 2),
	('acme', 'event.01a229d9-e368-737a-aa08-7bf264bcb285', 'ledger', '2026-11-30 00:27:57.118252+00', 1),
	('acme', 'event.01a229d9-cf12-774d-b4ec-dc1f7492128c', 'ledger', '2026-11-30 00:28:00.977868+00', 7);

INSERT INTO assignment.denials VALUES
	('acme', 'task.review.4', 'agent.customer-steward.001', 'data.operate/data_mutation/drop_table/sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 'sha256:26ea1ea379d16209ec1ddcc5a4dea515da4657a147c322d56af9f7914c192bfd');

INSERT INTO assignment.directive_outbox VALUES
	('acme', 'directive.01a229d9-b6d2-7175-8e07-cf8e5168a779', 'agent.customer-steward.001', '{"directive_id": "directive.01a229d9-b6d2-7175-8e07-cf8e5168a779", "action": "start_task", "participant_id": "agent.customer-steward.001", "task_id": "task.review.4", "epoch": 1, "handoff_id": "", "offer_id": "", "deadline": "2026-11-30T00:28:43.665020Z", "facts": {}}', '2026-11-30 00:27:43.704222+00'),
	('acme', 'directive.01a229d9-b807-79f1-8c11-261a08dd759f', 'agent.customer-steward.001', '{"directive_id": "directive.01a229d9-b807-79f1-8c11-261a08dd759f", "action": "drain", "participant_id": "agent.customer-steward.001", "task_id": "", "epoch": 0, "handoff_id": "", "offer_id": "", "deadline": "2026-11-30T00:32:43.965818Z", "facts": {"retirement_id": "retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040"}}', '2026-11-30 00:27:44.008285+00'),
	('acme', 'directive.01a229d9-b807-7a97-9042-34f90e013ce0', 'agent.customer-steward.001', '{"directive_id": "directive.01a229d9-b807-7a97-9042-34f90e013ce0", "action": "checkpoint_task", "participant_id": "agent.customer-steward.001", "task_id": "task.review.3", "epoch": 0, "handoff_id": "", "offer_id": "", "deadline": "2026-11-30T00:32:43.965818Z", "facts": {"retirement_id": "retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040"}}', '2026-11-30 00:27:44.008285+00'),
	('acme', 'directive.01a229d9-b807-7ab5-8fea-65e1b7ebc735', 'agent.customer-steward.001', '{"directive_id": "directive.01a229d9-b807-7ab5-8fea-65e1b7ebc735", "action": "checkpoint_task", "participant_id": "agent.customer-steward.001", "task_id": "task.review.4", "epoch": 0, "handoff_id": "", "offer_id": "", "deadline": "2026-11-30T00:32:43.965818Z", "facts": {"retirement_id": "retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040"}}', '2026-11-30 00:27:44.008285+00'),
	('acme', 'directive.01a229d9-dd21-7a94-93e8-6b56a3624dc7', 'agent.customer-steward.003', '{"directive_id": "directive.01a229d9-dd21-7a94-93e8-6b56a3624dc7", "action": "stop_task", "participant_id": "agent.customer-steward.003", "task_id": "task.review.2", "epoch": 5, "handoff_id": "", "offer_id": "", "deadline": null, "facts": {"reason": "participant_failed", "handoff_id": "handoff.01a229d9-dd13-74ee-951f-fb9b791273ae"}}', '2026-11-30 00:27:53.508242+00'),
	('acme', 'directive.01a229d9-dd7d-7d0d-9350-ff60fad28b77', 'agent.customer-steward.001', '{"directive_id": "directive.01a229d9-dd7d-7d0d-9350-ff60fad28b77", "action": "stop_task", "participant_id": "agent.customer-steward.001", "task_id": "task.review.4", "epoch": 1, "handoff_id": "", "offer_id": "", "deadline": null, "facts": {"reason": "participant_retirement", "handoff_id": "handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad"}}', '2026-11-30 00:27:53.610862+00');

INSERT INTO assignment.gates VALUES
	('globex', 'agent.customer-steward.001', 4, 0, 2, 1, 'active', ''),
	('acme', 'human.data-steward.01', 4, 0, 1, 1, 'active', ''),
	('acme', 'agent.customer-steward.005', 4, 0, 2, 1, 'active', ''),
	('acme', 'agent.customer-steward.004', 4, 0, 4, 1, 'retired', 'retire.01a229d9-b320-7a4a-a889-00ccfce52a65'),
	('acme', 'agent.customer-steward.002', 4, 0, 4, 1, 'failed', ''),
	('acme', 'agent.customer-steward.003', 4, 0, 4, 1, 'failed', ''),
	('acme', 'agent.customer-steward.001', 4, 0, 5, 1, 'retired', 'retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040');

INSERT INTO assignment.handoffs VALUES
	('acme', 'handoff.01a229d9-ae0f-79a9-afb8-38865a370702', 'task.review.2', 'audit.corr.01a229d9-a95a-7e7c-b261-ec664214ebdf', '{"epoch": 3, "owner": "data-governance", "bound_at": "2026-11-30T00:27:41.011511+00:00", "generation": 1, "decision_id": "opa.dec.01a229d9-ac48-79e8-a476-a03945a4fa3e", "explanation": "Participant has granted capability and approved customer master permissions.", "assignment_id": "assign.01a229d9-ac59-74da-8800-01e7e5843cc2", "participant_id": "agent.customer-steward.002", "standing_revision": 2}', 'requested', 'agent.customer-steward.002', '2026-11-30 00:27:41.453829+00', '2026-11-30 00:27:42.014534+00', 'completed', false, false, NULL, NULL, '', '', 'opa.dec.01a229d9-b03d-7346-b4e5-df3791c61287', 'agent.customer-steward.003', 5, 'sha256:121af142292ddc3d78cd5029b3bac9e9d5252fe3f049de8c6d6b56b211fc23ed', '[]', '', 0, NULL, 'event.01a229d9-b043-7db0-9e7b-f914103e3ba6', 'agent.customer-steward.002', '', NULL, NULL),
	('acme', 'handoff.01a229d9-dd13-74ee-951f-fb9b791273ae', 'task.review.2', 'audit.corr.01a229d9-a95a-7e7c-b261-ec664214ebdf', '{"epoch": 5, "owner": "data-governance", "bound_at": "2026-11-30T00:27:42.014534+00:00", "generation": 1, "decision_id": "opa.dec.01a229d9-b03d-7346-b4e5-df3791c61287", "explanation": "", "assignment_id": "assign.01a229d9-b042-7183-b5a9-9a7c4604e621", "participant_id": "agent.customer-steward.003", "standing_revision": 2}', 'participant_failed', 'engine', '2026-11-30 00:27:53.479284+00', '2026-11-30 00:27:57.879071+00', 'initiated', true, false, NULL, NULL, '', '', '', '', 0, '', '[]', '', 3, '2026-11-30 00:28:05.879071+00', 'event.01a229d9-dd13-76ba-ad7d-0eaeda940a8c', 'agent.customer-steward.003', '', '2026-11-30 00:28:05.879071+00', NULL),
	('acme', 'handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad', 'task.review.4', 'audit.corr.01a229d9-b62d-7f1a-8c81-ae26f2df8635', '{"epoch": 1, "owner": "data-governance", "bound_at": "2026-11-30T00:27:43.665020+00:00", "generation": 1, "decision_id": "opa.dec.01a229d9-b6ae-75ee-a3ea-e3ff5d1fd0f2", "explanation": "Participant has granted capability and approved customer master permissions.", "assignment_id": "assign.01a229d9-b6bc-7f17-ad30-42381b972ae0", "participant_id": "agent.customer-steward.001", "standing_revision": 2}', 'participant_retirement', 'engine', '2026-11-30 00:27:53.565637+00', '2026-11-30 00:27:57.887262+00', 'initiated', true, false, NULL, NULL, '', '', '', '', 0, '', '[]', '', 3, '2026-11-30 00:28:05.887262+00', 'event.01a229d9-dd63-767e-8a5f-2097947616c3', 'agent.customer-steward.001', '', '2026-11-30 00:28:05.887262+00', NULL);

INSERT INTO assignment.idempotency VALUES
	('globex', 'operator', '/phoenix_dma.v1.AssignmentService/SubmitTask', 'request.c3bc01e7-c88d-4347-9d3d-1d9b973e0c0a', 'sha256:d5b7380b040956880e8dcb041549ff0db6f73a76cf88403f621e286797cd56c6', '\x0ac7020a0d7461736b2e7265766965772e31124256616c6964617465206475706c696361746520637573746f6d65722063616e6469646174657320616e64207265636f6d6d656e64206d6572676520616374696f6e731a136475706c69636174655f646574656374696f6e220f637573746f6d65725f6d61737465722801321f70686f656e69783a2f2f636f6e746578742f7461736b2e7265766965772e3140015a2f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d64343031633565626630303970038a01477368613235363a34343133366661333535623336373861313134366164313666376538363439653934666234666332316665373765383331306330363066363163616166663861ba01086f70657261746f72ca010c08f985b3d80610b8f0a8c103d2010c08f985b3d80610b8f0a8c103e00101128f010a2c6f70612e6465632e30316132323964392d613033642d373436332d626134382d62336233306361346336363510011a2a6576656e742e30316132323964392d613035362d373666622d383638312d336565333739306135336639222f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d6434303163356562663030392801', '2026-11-30 00:27:37.970007+00'),
	('globex', 'agent.customer-steward.001', '/phoenix_dma.v1.AssignmentService/StartTask', 'request.beae78ae-bccb-4730-9929-4fb1ef453312', 'sha256:fe7bc94fe689c033747c6e3a6c61736c487a6436a557f6e98e174838db0099f3', '\x0ad6040ad7030a0d7461736b2e7265766965772e31124256616c6964617465206475706c696361746520637573746f6d65722063616e6469646174657320616e64207265636f6d6d656e64206d6572676520616374696f6e731a136475706c69636174655f646574656374696f6e220f637573746f6d65725f6d61737465722801321f70686f656e69783a2f2f636f6e746578742f7461736b2e7265766965772e3140034a89010a2b61737369676e2e30316132323964392d613166322d376138642d623565642d636665653866303637633862121a6167656e742e637573746f6d65722d737465776172642e303031180120012a2c6f70612e6465632e30316132323964392d613165382d373236352d613363642d396561363761653336386535320c08fa85b3d80610e8d794a5015a2f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d6434303163356562663030396801700378018a01477368613235363a34343133366661333535623336373861313134366164313666376538363439653934666234666332316665373765383331306330363066363163616166663861ba01086f70657261746f72ca010c08f985b3d80610b8f0a8c103d2010c08fa85b3d806109894cbd001e0010312001a780a1f70686f656e69783a2f2f636f6e746578742f7461736b2e7265766965772e3112477368613235363a34343133366661333535623336373861313134366164313666376538363439653934666234666332316665373765383331306330363066363163616166663861420c08f985b3d80610b8f0a8c103125f1a2a6576656e742e30316132323964392d613234362d373139632d613236302d643736643866356136323233222f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d6434303163356562663030392803', '2026-11-30 00:27:38.445617+00'),
	('globex', 'agent.customer-steward.001', '/phoenix_dma.v1.AssignmentService/RecordCheckpoint', 'request.316390ba-5ed6-4b84-a4f5-69df3591356f', 'sha256:e21db11f5c5000d210e519d4d0feb25e77756844f7f10875a349d90462623ea8', '\x0a9a010a1f70686f656e69783a2f2f73746174652f7461736b2e7265766965772e312f3112477368613235363a373864336461306431306330633166306138343365633037393230336262363765323533633464643165663565613066633463356136396433633764396638301801201b321a6167656e742e637573746f6d65722d737465776172642e3030313801420c08fa85b3d80610c0e1eb8a02125f1a2a6576656e742e30316132323964392d613264342d373061622d396666322d356566313464346238663966222f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d6434303163356562663030392804', '2026-11-30 00:27:38.584659+00'),
	('globex', 'agent.customer-steward.001', '/phoenix_dma.v1.AssignmentService/CompleteTask', 'request.752e9bf9-50a1-4222-988e-45e1ede72ddd', 'sha256:923cfd6f7c6646b81eb316e5e4f81410f706cdfdb14d61a9655e1d427ca410d4', '\x0ac3040a0d7461736b2e7265766965772e31124256616c6964617465206475706c696361746520637573746f6d65722063616e6469646174657320616e64207265636f6d6d656e64206d6572676520616374696f6e731a136475706c69636174655f646574656374696f6e220f637573746f6d65725f6d61737465722801321f70686f656e69783a2f2f636f6e746578742f7461736b2e7265766965772e314006529a010a1f70686f656e69783a2f2f73746174652f7461736b2e7265766965772e312f3112477368613235363a373864336461306431306330633166306138343365633037393230336262363765323533633464643165663565613066633463356136396433633764396638301801201b321a6167656e742e637573746f6d65722d737465776172642e3030313801420c08fa85b3d80610c0e1eb8a025a2f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d6434303163356562663030396801700378028a01477368613235363a3434313336666133353562333637386131313436616431366637653836343965393466623466633231666537376538333130633036306636316361616666386192010e0a0c0a066d6572676564120232009a01477368613235363a33333536643535323939656661353932343738643439616264613662303332326138373232386263623333626130656133663064616634653263356565363138ba01086f70657261746f72ca010c08f985b3d80610b8f0a8c103d2010c08fa85b3d80610a8f0badf02e00105128f010a2c6f70612e6465632e30316132323964392d613336652d376530622d626534332d64303834383235313366323110011a2a6576656e742e30316132323964392d613337662d373765332d613964352d373931373931373235343733222f61756469742e636f72722e30316132323964392d613035362d373533382d613261312d6434303163356562663030392805', '2026-11-30 00:27:38.765512+00');

INSERT INTO assignment.left_out VALUES
	('acme', 'task.review.2', 'agent.customer-steward.001', '', 'declined', 'it declined before; asked again at 00:28:10', 1, '2026-11-30 00:28:10.47635+00', '');

INSERT INTO assignment.offers VALUES
	('acme', 'offer.01a229d9-afb9-719d-8e8b-e64b6d2ae2a2', 'handoff.01a229d9-ae0f-79a9-afb8-38865a370702', 'task.review.2', '{"target": "agent.customer-steward.003", "deadline": "2026-11-30T00:27:49.877343+00:00", "offer_id": "offer.01a229d9-afb9-719d-8e8b-e64b6d2ae2a2", "generation": 1, "decision_id": "opa.dec.01a229d9-afb4-72dd-891d-4300051f5f55", "context_hash": "sha256:121af142292ddc3d78cd5029b3bac9e9d5252fe3f049de8c6d6b56b211fc23ed", "target_owner": "data-governance", "context_version": 2, "standing_revision": 2}', '2026-11-30 00:27:41.877343+00', 'completed', '2026-11-30 00:27:42.014534+00');

INSERT INTO assignment.outbox VALUES
	('globex', 'event.01a229d9-a056-76fb-8681-3ee3790a53f9', 'task/task.review.1', 1, 'TASK_SUBMITTED', '{"event_id":"event.01a229d9-a056-76fb-8681-3ee3790a53f9","timestamp":"2026-11-30T00:27:37.942444Z","actor":"operator","participant":"","task":"task.review.1","policy_decision":{"effect":"allow","decision_id":"opa.dec.01a229d9-a03d-7463-ba48-b3b30ca4c665","point":"task.submit","policy":"phoenix.task.submit","policy_revision":"sha256:4311acb3be21910c2c2be4405034dfefb135bf4c46c16456e2c301f0444f04c5","input_hash":"sha256:06eb13b73bd86cf4ddb7a5fc4bc844ff0e60800dd4c13f7d2bdcd94c18400a33","evaluated_at":"2026-11-30T00:27:37.917259+00:00","reasons":[{"rule":"submit","text":"operator may submit this task."}],"remediation":[],"obligations":[],"policy_score":1.0,"approvers":[],"facts":{}},"input_references":["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"],"output_references":[],"reason_code":"","previous_state":"","new_state":"pending","correlation_id":"audit.corr.01a229d9-a056-7538-a2a1-d401c5ebf009","tenant":"globex","type":"TASK_SUBMITTED","event_version":1,"service":"assignment","aggregate":"task/task.review.1","aggregate_version":1,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"task":{"task_id":"task.review.1","objective":"Validate duplicate customer candidates and recommend merge actions","required_capabilities":["duplicate_detection"],"data_domains":["customer_master"],"risk_level":"low","degraded_allowed":false,"policy_constraints":[],"task_type":"","parent_task_id":"","input_hash":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","submitter":"operator"},"priority":0,"parent_epoch":0,"depth":0},"request_id":"request.c3bc01e7-c88d-4347-9d3d-1d9b973e0c0a","salt":"1ec53c99b821f9215e7d27ba2e6c6bbc","leaf_hash":"sha256:1dff4312e1cd3a4b48849356688d13f13a40a4353f7c8f71caf31a28057cd216"}', '2026-11-30 00:27:37.970007+00'),
	('globex', 'event.01a229d9-a1fb-7ad3-afbb-305e993e11f7', 'task/task.review.1', 2, 'ASSIGNMENT_CREATED', '{"event_id":"event.01a229d9-a1fb-7ad3-afbb-305e993e11f7","timestamp":"2026-11-30T00:27:38.363703Z","actor":"service:assignment","participant":"agent.customer-steward.001","task":"task.review.1","policy_decision":{"effect":"allow","decision_id":"opa.dec.01a229d9-a1e8-7265-a3cd-9ea67ae368e5","point":"task.assign","policy":"phoenix.task.assign","policy_revision":"sha256:4311acb3be21910c2c2be4405034dfefb135bf4c46c16456e2c301f0444f04c5","input_hash":"sha256:684b49c7e5ed1c07b16c4cbc1fc89d83fe85ac2a51328f4ab1a1b3bc13789e86","evaluated_at":"2026-11-30T00:27:38.344112+00:00","reasons":[{"rule":"assignable","text":"Participant has granted capability and approved customer master permissions."}],"remediation":[],"obligations":[],"policy_score":1.0,"approvers":[],"facts":{"certified":[],"trust":{"duplicate_detection":{"terms":[{"name":"identity_assurance","value":0.85,"because":"credential proved by local, owner certified","weight":0.15,"evidence":["event.01a229d9-9dcb-79ea-915e-6c8030c3fa2b"]},{"name":"capability_certification","value":0.0,"because":"duplicate_detection is not certified","weight":0.25,"evidence":[]},{"name":"historical_reliability","value":0.5,"because":"no task on record yet","weight":0.2,"evidence":[]},{"name":"policy_compliance","value":1.0,"because":"no denial as actor","weight":0.15,"evidence":[]},{"name":"runtime_health","value":1.0,"because":"1 of 1 beats on time","weight":0.15,"evidence":["event.01a229d9-9f14-7d63-a8aa-6c8a6108b11f"]},{"name":"human_review_confidence","value":0.5,"because":"no proposal reviewed yet","weight":0.1,"evidence":[]}],"total":0.5775}}},"trust":0.5775},"input_references":[],"output_references":[],"reason_code":"","previous_state":"pending","new_state":"assigned","correlation_id":"audit.corr.01a229d9-a056-7538-a2a1-d401c5ebf009","tenant":"globex","type":"ASSIGNMENT_CREATED","event_version":1,"service":"assignment","aggregate":"task/task.review.1","aggregate_version":2,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"assignment_id":"assign.01a229d9-a1f2-7a8d-b5ed-cfee8f067c8b","epoch":1,"generation":1,"standing_revision":2,"score":{"total":0.754375,"terms":[{"name":"capability_match","value":0.6,"weight":0.3,"because":"0 of 1 required capabilities certified, the rest granted"},{"name":"availability","value":0.9,"weight":0.2,"because":"0 of 4 seats taken, load 0.10"},{"name":"trust","value":0.5775,"weight":0.25,"because":"least trust over the required capabilities is 0.58"},{"name":"cost_efficiency","value":1.0,"weight":0.1,"because":"no candidate names a cost"},{"name":"policy_score","value":1.0,"weight":0.15,"because":"policy phoenix.participant.discover scores it 1.00"}]},"alternatives":[],"standing_age_seconds":0.114,"decision_age_seconds":0.031,"gate":{"capacity":4,"used":1,"standing_revision":2},"approval_id":""},"request_id":"","salt":"cefc95a81e9df11ce88857c6b7feb229","leaf_hash":"sha256:161bbda9cab5df4257d9054614120a913c7768cc2268b1f6d2db27dff4c9760e"}', '2026-11-30 00:27:38.376832+00'),
	('acme', 'event.01a229d9-dd13-76ba-ad7d-0eaeda940a8c', 'task/task.review.2', 13, 'HANDOFF_INITIATED', '{"event_id":"event.01a229d9-dd13-76ba-ad7d-0eaeda940a8c","timestamp":"2026-11-30T00:27:53.491429Z","actor":"service:assignment","participant":"agent.customer-steward.003","task":"task.review.2","policy_decision":{},"input_references":["phoenix://state/task.review.2/2"],"output_references":[],"reason_code":"participant_failed","previous_state":"active","new_state":"active","correlation_id":"audit.corr.01a229d9-a95a-7e7c-b261-ec664214ebdf","tenant":"acme","type":"HANDOFF_INITIATED","event_version":1,"service":"assignment","aggregate":"task/task.review.2","aggregate_version":13,"caused_by":"","on_behalf_of":"","handoff":"handoff.01a229d9-dd13-74ee-951f-fb9b791273ae","detail":{"source":"agent.customer-steward.003","source_epoch":5,"reason":"participant_failed","context_reference":"phoenix://state/task.review.2/2","context_version":2,"context_hash":"sha256:121af142292ddc3d78cd5029b3bac9e9d5252fe3f049de8c6d6b56b211fc23ed","why":"agent.customer-steward.003 is failed","source_gone":true,"handoff_state":{"previous":"","new":"initiated"}},"request_id":"","salt":"ddc6c2c32cd41198443f79b41a6cffd1","leaf_hash":"sha256:36afefde4101a8d53549a9e22275a1c064adf6905be6e026d0b6e8410c381fbc"}', '2026-11-30 00:27:53.508242+00'),
	('acme', 'event.01a229d9-dd21-77a2-ab01-371dbed498d4', 'task/task.review.2', 14, 'TASK_MIGRATING', '{"event_id":"event.01a229d9-dd21-77a2-ab01-371dbed498d4","timestamp":"2026-11-30T00:27:53.505507Z","actor":"service:assignment","participant":"agent.customer-steward.003","task":"task.review.2","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_failed","previous_state":"active","new_state":"migrating","correlation_id":"audit.corr.01a229d9-a95a-7e7c-b261-ec664214ebdf","tenant":"acme","type":"TASK_MIGRATING","event_version":1,"service":"assignment","aggregate":"task/task.review.2","aggregate_version":14,"caused_by":"","on_behalf_of":"","handoff":"handoff.01a229d9-dd13-74ee-951f-fb9b791273ae","detail":{"burnt_epoch":5,"why":"agent.customer-steward.003 is failed"},"request_id":"","salt":"2844c6c52616cdcb630cccf8e4693486","leaf_hash":"sha256:d8635b932b1ed6ce5ba742d7d840710482313b6e3faad889b1a0f2d6b45120e7"}', '2026-11-30 00:27:53.508242+00'),
	('acme', 'event.01a229d9-ddce-72ae-a86b-df38f989f045', 'retirement/retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040', 2, 'RETIREMENT_FINISHED', '{"event_id":"event.01a229d9-ddce-72ae-a86b-df38f989f045","timestamp":"2026-11-30T00:27:53.678195Z","actor":"service:assignment","participant":"agent.customer-steward.001","task":"","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_retirement","previous_state":"draining","new_state":"finished","correlation_id":"audit.corr.01a229d9-b7a1-7db9-9ea8-3b972e0ec41c","tenant":"acme","type":"RETIREMENT_FINISHED","event_version":1,"service":"assignment","aggregate":"retirement/retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040","aggregate_version":2,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"retirement_id":"retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040","mode":"graceful","active_tasks":["task.review.3","task.review.4"],"handoff_outcomes":[{"task_id":"task.review.3","outcome":"returned","target":"","handoff_id":""},{"task_id":"task.review.4","outcome":"waiting","target":"","handoff_id":"handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad"}]},"request_id":"","salt":"cf6e2f40db62d845de519fab3bd7b405","leaf_hash":"sha256:23dfa977f841007818379602d9528071cdcb0acef73906ee17c22f2cdf8fef7b"}', '2026-11-30 00:27:53.685565+00'),
	('acme', 'event.01a229d9-e368-737a-aa08-7bf264bcb285', 'task/task.review.3', 6, 'ASSIGNMENT_FAILED', '{"event_id":"event.01a229d9-e368-737a-aa08-7bf264bcb285","timestamp":"2026-11-30T00:27:55.112250Z","actor":"service:assignment","participant":"","task":"task.review.3","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"no_eligible_participant","previous_state":"pending","new_state":"pending","correlation_id":"audit.corr.01a229d9-b4ab-7984-b1b1-f886e03090f7","tenant":"acme","type":"ASSIGNMENT_FAILED","event_version":1,"service":"assignment","aggregate":"task/task.review.3","aggregate_version":6,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"failed":[{"participant_id":"agent.customer-steward.002","failed":"active","because":"agent.customer-steward.002 is failed.","score":null,"policy_decision_id":""},{"participant_id":"agent.customer-steward.003","failed":"active","because":"agent.customer-steward.003 is failed.","score":null,"policy_decision_id":""}],"tries":1},"request_id":"","salt":"c3d2e56242c8d59a63c3b8ffb6199d4e","leaf_hash":"sha256:da1f4b6c0cd89eaea324c8b7f2426b039afc9f6af917b7c53966306e2a790433"}', '2026-11-30 00:27:55.114894+00'),
	('acme', 'event.01a229d9-cf12-774d-b4ec-dc1f7492128c', 'task/task.review.3', 5, 'TASK_UNPARKED', '{"event_id":"event.01a229d9-cf12-774d-b4ec-dc1f7492128c","timestamp":"2026-11-30T00:27:49.906491Z","actor":"service:assignment","participant":"agent.customer-steward.002","task":"task.review.3","policy_decision":{},"input_references":["sha256:54cfcbeb0f4c727917d3b365551f8b9b5f384552198c768703df3c6a93d6dd83"],"output_references":[],"reason_code":"gate_closed","previous_state":"awaiting_approval","new_state":"pending","correlation_id":"audit.corr.01a229d9-b4ab-7984-b1b1-f886e03090f7","tenant":"acme","type":"TASK_UNPARKED","event_version":1,"service":"assignment","aggregate":"task/task.review.3","aggregate_version":5,"caused_by":"","on_behalf_of":"","handoff":"","detail":{"action":"assign","subject_hash":"sha256:54cfcbeb0f4c727917d3b365551f8b9b5f384552198c768703df3c6a93d6dd83","approval_id":"approval.01a229d9-b9cd-73b1-b10e-eb49f9c4f09a","target":"agent.customer-steward.002","why":"its target is degraded"},"request_id":"","salt":"90d1ded967c7447dc916d6762e940699","leaf_hash":"sha256:e59f6c02fde560861fe681711c47ec111c21f8f1424fc2a0e31fdd5cf0568cd6"}', '2026-11-30 00:27:49.91124+00'),
	('acme', 'event.01a229d9-dd63-767e-8a5f-2097947616c3', 'task/task.review.4', 6, 'HANDOFF_INITIATED', '{"event_id":"event.01a229d9-dd63-767e-8a5f-2097947616c3","timestamp":"2026-11-30T00:27:53.571413Z","actor":"service:assignment","participant":"agent.customer-steward.001","task":"task.review.4","policy_decision":{},"input_references":["phoenix://state/task.review.4/1"],"output_references":[],"reason_code":"participant_retirement","previous_state":"active","new_state":"active","correlation_id":"audit.corr.01a229d9-b62d-7f1a-8c81-ae26f2df8635","tenant":"acme","type":"HANDOFF_INITIATED","event_version":1,"service":"assignment","aggregate":"task/task.review.4","aggregate_version":6,"caused_by":"","on_behalf_of":"","handoff":"handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad","detail":{"source":"agent.customer-steward.001","source_epoch":1,"reason":"participant_retirement","context_reference":"phoenix://state/task.review.4/1","context_version":1,"context_hash":"sha256:4d2961fd463f6f84b21ab2bc92e934f41d0c2b7c8123e996f2d57e7d5bcf452e","why":"its participant retires","source_gone":true,"handoff_state":{"previous":"","new":"initiated"}},"request_id":"","salt":"ff9cc975debb5db35290a27544976af9","leaf_hash":"sha256:d4c80efa39dbf3383a46d9e96c49ac4273937434059a4ce58a99455c53f67517"}', '2026-11-30 00:27:53.610862+00'),
	('acme', 'event.01a229d9-dd7d-79fe-8242-db9d03f256b7', 'task/task.review.4', 7, 'TASK_MIGRATING', '{"event_id":"event.01a229d9-dd7d-79fe-8242-db9d03f256b7","timestamp":"2026-11-30T00:27:53.597656Z","actor":"service:assignment","participant":"agent.customer-steward.001","task":"task.review.4","policy_decision":{},"input_references":[],"output_references":[],"reason_code":"participant_retirement","previous_state":"active","new_state":"migrating","correlation_id":"audit.corr.01a229d9-b62d-7f1a-8c81-ae26f2df8635","tenant":"acme","type":"TASK_MIGRATING","event_version":1,"service":"assignment","aggregate":"task/task.review.4","aggregate_version":7,"caused_by":"","on_behalf_of":"","handoff":"handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad","detail":{"burnt_epoch":1,"why":"its participant retires"},"request_id":"","salt":"99ebb474e2175a456bff12a813c4bfa4","leaf_hash":"sha256:3bc826f3f3bb7ac5b957cb623caa6fca5055d925ad283b517f2a709a829bb128"}', '2026-11-30 00:27:53.610862+00');

INSERT INTO assignment.outbox_heads VALUES
	('globex', 'task/task.review.1', 5),
	('acme', 'task/task.review.1', 7),
	('acme', 'retirement/retire.01a229d9-b320-7a4a-a889-00ccfce52a65', 2),
	('acme', 'task/task.waiting', 2),
	('acme', 'task/task.review.2', 14),
	('acme', 'task/task.review.4', 7),
	('acme', 'retirement/retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040', 2),
	('acme', 'task/task.review.3', 6);

INSERT INTO assignment.retirements VALUES
	('acme', 'retire.01a229d9-b320-7a4a-a889-00ccfce52a65', 'agent.customer-steward.004', 'graceful', '2026-11-30 00:32:42.710466+00', 'its work is done', 'operator', 'opa.dec.01a229d9-b2e8-7d2d-8042-038c3658ba19', 'audit.corr.01a229d9-b2a0-723f-a6f2-6c29be9e54a9', '2026-11-30 00:27:42.710466+00', 'finished', true, false, '[]', 2, NULL, '2026-11-30 00:27:42.915622+00', 'event.01a229d9-b3cf-714d-86f8-92e211bb0e9c', NULL, NULL),
	('acme', 'retire.01a229d9-b7f5-7970-b44e-ef43a6b4a040', 'agent.customer-steward.001', 'graceful', '2026-11-30 00:32:43.965818+00', 'replaced', 'operator', 'opa.dec.01a229d9-b7dc-77bb-af8f-0e3103020fb8', 'audit.corr.01a229d9-b7a1-7db9-9ea8-3b972e0ec41c', '2026-11-30 00:27:43.965818+00', 'finished', true, true, '[{"target": "", "outcome": "returned", "task_id": "task.review.3", "handoff_id": ""}, {"target": "", "outcome": "waiting", "task_id": "task.review.4", "handoff_id": "handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad"}]', 2, NULL, '2026-11-30 00:27:53.675852+00', 'event.01a229d9-ddce-72ae-a86b-df38f989f045', NULL, NULL);

INSERT INTO assignment.tasks VALUES
	('globex', 'task.review.1', 'Validate duplicate customer candidates and recommend merge actions', '["duplicate_detection"]', '["customer_master"]', 'low', '[]', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 0, NULL, '00:01:00', NULL, 3, '', false, false, 'automatic', '', 'operator', '', 'audit.corr.01a229d9-a056-7538-a2a1-d401c5ebf009', '2026-11-30 00:27:37.942291+00', 'event.01a229d9-a056-76fb-8681-3ee3790a53f9', 0, '2026-11-30 00:27:38.737065+00', 'succeeded', 5, 2, 1, NULL, NULL, '{"hash": "sha256:78d3da0d10c0c1f0a843ec079203bb67e253c4dd1ef5ea0fc4c5a69d3c7d9f80", "epoch": 1, "task_id": "task.review.1", "version": 1, "size_bytes": 27, "recorded_at": "2026-11-30T00:27:38.559608+00:00", "by_reference": false, "external_ref": "", "participant_id": "agent.customer-steward.001"}', '[]', 'sha256:3356d55299efa592478d49abda6b0322a87228bcb33ba0ea3f0daf4e2c5ee618', '', '', 'event.01a229d9-a37f-77e3-a9d5-791791725473', '', 0, NULL, NULL, NULL, NULL, '', '', NULL, NULL),
	('acme', 'task.review.2', 'Validate duplicate customer candidates and recommend merge actions', '["duplicate_detection"]', '["customer_master"]', 'low', '[]', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 0, NULL, '00:01:00', NULL, 3, '', false, false, 'automatic', '', 'operator', '', 'audit.corr.01a229d9-a95a-7e7c-b261-ec664214ebdf', '2026-11-30 00:27:40.250883+00', 'event.01a229d9-a95a-7fde-b4bb-733ffa9d76b9', 0, '2026-11-30 00:27:53.479284+00', 'migrating', 14, 6, 1, NULL, NULL, '{"hash": "sha256:121af142292ddc3d78cd5029b3bac9e9d5252fe3f049de8c6d6b56b211fc23ed", "epoch": 3, "task_id": "task.review.2", "version": 2, "size_bytes": 31, "recorded_at": "2026-11-30T00:27:41.603294+00:00", "by_reference": false, "external_ref": "", "participant_id": "agent.customer-steward.002"}', '[]', '', 'participant_failed', 'handoff.01a229d9-dd13-74ee-951f-fb9b791273ae', 'event.01a229d9-dd21-77a2-ab01-371dbed498d4', '', 0, NULL, NULL, NULL, NULL, '', '', NULL, NULL),
	('acme', 'task.review.4', 'Validate duplicate customer candidates and recommend merge actions', '["duplicate_detection"]', '["customer_master"]', 'low', '[]', 'sha256:14b97b345f488e2374f541a90290444e38973589ee99cc1ad1504bc16b992ee4', 0, NULL, '00:01:00', NULL, 3, '', false, false, 'automatic', '', 'operator', '', 'audit.corr.01a229d9-b62d-7f1a-8c81-ae26f2df8635', '2026-11-30 00:27:43.533921+00', 'event.01a229d9-b62e-7077-b1e1-3be644e1b137', 0, '2026-11-30 00:27:53.565637+00', 'migrating', 7, 2, 1, NULL, NULL, '{"hash": "sha256:4d2961fd463f6f84b21ab2bc92e934f41d0c2b7c8123e996f2d57e7d5bcf452e", "epoch": 1, "task_id": "task.review.4", "version": 1, "size_bytes": 57, "recorded_at": "2026-11-30T00:27:43.885188+00:00", "by_reference": false, "external_ref": "", "participant_id": "agent.customer-steward.001"}', '[]', '', 'participant_retirement', 'handoff.01a229d9-dd63-74e7-aaf8-7d56d446c5ad', 'event.01a229d9-dd7d-79fe-8242-db9d03f256b7', '', 0, NULL, NULL, NULL, NULL, '', '', NULL, NULL),
	('acme', 'task.waiting', 'Validate duplicate customer candidates and recommend merge actions', '["record_merge"]', '["customer_master"]', 'low', '[]', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 0, NULL, '00:01:00', NULL, 3, '', false, false, 'automatic', '', 'operator', '', 'audit.corr.01a229d9-b444-7a13-8140-50586ea049b0', '2026-11-30 00:27:43.044604+00', 'event.01a229d9-b444-7b83-851b-2550415c024d', 0, '2026-11-30 00:27:43.132494+00', 'pending', 2, 0, 0, NULL, NULL, NULL, '[]', '', 'no_eligible_participant', '', 'event.01a229d9-b49e-7c33-940a-9f395192ca7b', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 5, '2026-11-30 00:28:25.844367+00', NULL, NULL, NULL, '', '', '2026-11-30 00:28:25.844367+00', NULL),
	('acme', 'task.review.3', 'Validate duplicate customer candidates and recommend merge actions', '["duplicate_detection"]', '["customer_master"]', 'low', '["human_approval_required_for_assignment"]', 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 0, NULL, '00:01:00', NULL, 3, '', false, false, 'automatic', '', 'operator', '', 'audit.corr.01a229d9-b4ab-7984-b1b1-f886e03090f7', '2026-11-30 00:27:43.147572+00', 'event.01a229d9-b4ab-7ac7-b85f-79b2b5462101', 0, '2026-11-30 00:27:55.111269+00', 'pending', 6, 0, 0, NULL, NULL, NULL, '[]', '', 'no_eligible_participant', '', 'event.01a229d9-e368-737a-aa08-7bf264bcb285', 'sha256:d33f3a329304ab43c52a5c2eaa491cddc2e9e948454d1c8b21c1b40e1956825d', 2, '2026-11-30 00:28:01.203606+00', NULL, NULL, NULL, '', '', '2026-11-30 00:28:01.203606+00', NULL),
	('acme', 'task.review.1', 'Validate duplicate customer candidates and recommend merge actions', '["duplicate_detection"]', '["customer_master"]', 'low', '["human_approval_required_for_merge"]', 'sha256:e6eedab4d7d15352863f0cfcff9bfeec3612af6142258b74235b7b9baf1b8fb8', 0, NULL, '00:01:00', NULL, 3, '', false, false, 'automatic', '', 'operator', '', 'audit.corr.01a229d9-a4d2-7aac-a095-950a59c0f16f', '2026-11-30 00:27:39.090623+00', 'event.01a229d9-a4d2-7c3f-9645-49ab3420c41b', 0, '2026-11-30 00:27:40.155216+00', 'succeeded', 7, 2, 1, NULL, NULL, '{"hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "epoch": 1, "task_id": "task.review.1", "version": 2, "size_bytes": 0, "recorded_at": "2026-11-30T00:27:39.284081+00:00", "by_reference": true, "external_ref": "s3://contexts/state?versionId=1", "participant_id": "agent.customer-steward.001"}', '[{"id": "human_approval_required_for_merge", "due": "always", "text": "A human approves exactly this merge before it is carried out.", "fulfilled": false, "decision_id": "opa.dec.01a229d9-a50b-7e69-8c75-8e094cdfac6f"}, {"id": "approved_content", "due": "always", "text": "Carry out exactly the content that was approved.", "fulfilled": false, "decision_id": "opa.dec.01a229d9-a886-7a05-8518-8f4e0bbebbb5"}]', 'sha256:01ca704ee733b129d959b1be2e5d8c4cefb8ac5a6d8d21ecce3f0726ea759ab1', '', '', 'event.01a229d9-a913-7612-b384-e9521099b786', '', 0, NULL, NULL, NULL, NULL, '', '', NULL, NULL);

ALTER TABLE ONLY assignment.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY assignment.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (tenant, approval_id);

ALTER TABLE ONLY assignment.authorizations
    ADD CONSTRAINT authorizations_pkey PRIMARY KEY (tenant, task_id, action, subject_hash);

ALTER TABLE ONLY assignment.authorizations
    ADD CONSTRAINT authorizations_tenant_authorization_id_key UNIQUE (tenant, authorization_id);

ALTER TABLE ONLY assignment.bindings
    ADD CONSTRAINT bindings_pkey PRIMARY KEY (tenant, task_id, epoch);

ALTER TABLE ONLY assignment.bindings
    ADD CONSTRAINT bindings_tenant_assignment_id_key UNIQUE (tenant, assignment_id);

ALTER TABLE ONLY assignment.contents
    ADD CONSTRAINT contents_pkey PRIMARY KEY (tenant, hash);

ALTER TABLE ONLY assignment.context_pointers
    ADD CONSTRAINT context_pointers_pkey PRIMARY KEY (tenant, task_id, version);

ALTER TABLE ONLY assignment.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (tenant, key, receiver);

ALTER TABLE ONLY assignment.denials
    ADD CONSTRAINT denials_pkey PRIMARY KEY (tenant, task_id, participant_id, point);

ALTER TABLE ONLY assignment.directive_outbox
    ADD CONSTRAINT directive_outbox_pkey PRIMARY KEY (tenant, directive_id);

ALTER TABLE ONLY assignment.gates
    ADD CONSTRAINT gates_pkey PRIMARY KEY (tenant, participant_id);

ALTER TABLE ONLY assignment.handoffs
    ADD CONSTRAINT handoffs_pkey PRIMARY KEY (tenant, handoff_id);

ALTER TABLE ONLY assignment.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (tenant, principal, rpc, request_id);

ALTER TABLE ONLY assignment.left_out
    ADD CONSTRAINT left_out_pkey PRIMARY KEY (tenant, task_id, participant_id, scope);

ALTER TABLE ONLY assignment.offers
    ADD CONSTRAINT offers_pkey PRIMARY KEY (tenant, offer_id);

ALTER TABLE ONLY assignment.outbox_heads
    ADD CONSTRAINT outbox_heads_pkey PRIMARY KEY (tenant, aggregate);

ALTER TABLE ONLY assignment.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (tenant, event_id);

ALTER TABLE ONLY assignment.outbox
    ADD CONSTRAINT outbox_tenant_aggregate_aggregate_version_key UNIQUE (tenant, aggregate, aggregate_version);

ALTER TABLE ONLY assignment.retirements
    ADD CONSTRAINT retirements_pkey PRIMARY KEY (tenant, retirement_id);

ALTER TABLE ONLY assignment.retirements
    ADD CONSTRAINT retirements_tenant_participant_id_key UNIQUE (tenant, participant_id);

ALTER TABLE ONLY assignment.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (tenant, task_id);

CREATE INDEX approvals_due ON assignment.approvals USING btree (next_poll_at) WHERE (next_poll_at IS NOT NULL);

CREATE INDEX approvals_of_task ON assignment.approvals USING btree (tenant, task_id);

CREATE INDEX deliveries_free ON assignment.deliveries USING btree (receiver, claimed_until);

CREATE INDEX directive_outbox_created ON assignment.directive_outbox USING btree (created_at);

CREATE INDEX handoffs_due ON assignment.handoffs USING btree (wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX handoffs_from ON assignment.handoffs USING btree (tenant, source) WHERE (status = ANY (ARRAY['initiated'::text, 'awaiting_approval'::text, 'offered'::text]));

CREATE INDEX handoffs_newest ON assignment.handoffs USING btree (tenant, created_at, handoff_id);

CREATE INDEX handoffs_of_task ON assignment.handoffs USING btree (tenant, task_id);

CREATE UNIQUE INDEX handoffs_one_open ON assignment.handoffs USING btree (tenant, task_id) WHERE (status = ANY (ARRAY['initiated'::text, 'awaiting_approval'::text, 'offered'::text]));

CREATE INDEX handoffs_to ON assignment.handoffs USING btree (tenant, offered_to) WHERE (offered_to <> ''::text);

CREATE INDEX idempotency_created ON assignment.idempotency USING btree (created_at);

CREATE INDEX offers_of_handoff ON assignment.offers USING btree (tenant, handoff_id);

CREATE INDEX outbox_created ON assignment.outbox USING btree (created_at);

CREATE INDEX retirements_due ON assignment.retirements USING btree (wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX retirements_newest ON assignment.retirements USING btree (tenant, created_at, retirement_id);

CREATE INDEX tasks_correlation ON assignment.tasks USING btree (tenant, correlation_id);

CREATE INDEX tasks_due ON assignment.tasks USING btree (wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX tasks_family ON assignment.tasks USING btree (tenant, parent_task_id) WHERE (parent_task_id <> ''::text);

CREATE INDEX tasks_held ON assignment.tasks USING btree (tenant, participant_id) WHERE (participant_id <> ''::text);

CREATE INDEX tasks_newest ON assignment.tasks USING btree (tenant, submitted_at, task_id);

CREATE INDEX tasks_parked ON assignment.tasks USING btree (tenant, parked_target) WHERE (parked_target <> ''::text);

CREATE INDEX tasks_waiting ON assignment.tasks USING btree (tenant, next_try_at) WHERE (next_try_at IS NOT NULL);

ALTER TABLE assignment.approvals ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.authorizations ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.bindings ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.contents ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.context_pointers ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.denials ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.directive_outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.gates ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.handoffs ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.left_out ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.offers ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.outbox_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.retirements ENABLE ROW LEVEL SECURITY;

ALTER TABLE assignment.tasks ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON assignment.approvals TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.authorizations TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.bindings TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.contents TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.context_pointers TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.deliveries TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.denials TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.directive_outbox TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.gates TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.handoffs TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.idempotency TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.left_out TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.offers TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.outbox TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.outbox_heads TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.retirements TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY tenant ON assignment.tasks TO phoenix_assignment USING ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))) WITH CHECK ((tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text)));

CREATE POLICY worker ON assignment.approvals TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.deliveries TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.directive_outbox TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.gates TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.handoffs TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.idempotency TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.outbox TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.retirements TO phoenix_assignment_worker USING (true);

CREATE POLICY worker ON assignment.tasks TO phoenix_assignment_worker USING (true);

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.approvals TO phoenix_assignment;
GRANT SELECT(tenant) ON TABLE assignment.approvals TO phoenix_assignment_worker;
GRANT SELECT(approval_id) ON TABLE assignment.approvals TO phoenix_assignment_worker;
GRANT SELECT(next_poll_at) ON TABLE assignment.approvals TO phoenix_assignment_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE assignment.approvals TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.authorizations TO phoenix_assignment;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.bindings TO phoenix_assignment;
GRANT SELECT,INSERT ON TABLE assignment.contents TO phoenix_assignment;
GRANT SELECT,INSERT ON TABLE assignment.context_pointers TO phoenix_assignment;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.deliveries TO phoenix_assignment;
GRANT DELETE ON TABLE assignment.deliveries TO phoenix_assignment_worker;
GRANT SELECT(tenant) ON TABLE assignment.deliveries TO phoenix_assignment_worker;
GRANT SELECT(key) ON TABLE assignment.deliveries TO phoenix_assignment_worker;
GRANT SELECT(receiver) ON TABLE assignment.deliveries TO phoenix_assignment_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE assignment.deliveries TO phoenix_assignment_worker;
GRANT SELECT(failures),UPDATE(failures) ON TABLE assignment.deliveries TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.denials TO phoenix_assignment;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.directive_outbox TO phoenix_assignment;
GRANT DELETE ON TABLE assignment.directive_outbox TO phoenix_assignment_worker;
GRANT SELECT(tenant) ON TABLE assignment.directive_outbox TO phoenix_assignment_worker;
GRANT SELECT(directive_id) ON TABLE assignment.directive_outbox TO phoenix_assignment_worker;
GRANT SELECT(document) ON TABLE assignment.directive_outbox TO phoenix_assignment_worker;
GRANT SELECT(created_at) ON TABLE assignment.directive_outbox TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.gates TO phoenix_assignment;
GRANT SELECT(tenant) ON TABLE assignment.gates TO phoenix_assignment_worker;
GRANT SELECT(participant_id) ON TABLE assignment.gates TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.handoffs TO phoenix_assignment;
GRANT SELECT(tenant) ON TABLE assignment.handoffs TO phoenix_assignment_worker;
GRANT SELECT(handoff_id) ON TABLE assignment.handoffs TO phoenix_assignment_worker;
GRANT SELECT(wake_at) ON TABLE assignment.handoffs TO phoenix_assignment_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE assignment.handoffs TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.idempotency TO phoenix_assignment;
GRANT DELETE ON TABLE assignment.idempotency TO phoenix_assignment_worker;
GRANT SELECT(tenant) ON TABLE assignment.idempotency TO phoenix_assignment_worker;
GRANT SELECT(principal) ON TABLE assignment.idempotency TO phoenix_assignment_worker;
GRANT SELECT(rpc) ON TABLE assignment.idempotency TO phoenix_assignment_worker;
GRANT SELECT(request_id) ON TABLE assignment.idempotency TO phoenix_assignment_worker;
GRANT SELECT(created_at) ON TABLE assignment.idempotency TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.left_out TO phoenix_assignment;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.offers TO phoenix_assignment;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.outbox TO phoenix_assignment;
GRANT DELETE ON TABLE assignment.outbox TO phoenix_assignment_worker;
GRANT SELECT(tenant) ON TABLE assignment.outbox TO phoenix_assignment_worker;
GRANT SELECT(event_id) ON TABLE assignment.outbox TO phoenix_assignment_worker;
GRANT SELECT(document) ON TABLE assignment.outbox TO phoenix_assignment_worker;
GRANT SELECT(created_at) ON TABLE assignment.outbox TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.outbox_heads TO phoenix_assignment;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.retirements TO phoenix_assignment;
GRANT SELECT(tenant) ON TABLE assignment.retirements TO phoenix_assignment_worker;
GRANT SELECT(retirement_id) ON TABLE assignment.retirements TO phoenix_assignment_worker;
GRANT SELECT(wake_at) ON TABLE assignment.retirements TO phoenix_assignment_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE assignment.retirements TO phoenix_assignment_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE assignment.tasks TO phoenix_assignment;
GRANT SELECT(tenant) ON TABLE assignment.tasks TO phoenix_assignment_worker;
GRANT SELECT(task_id) ON TABLE assignment.tasks TO phoenix_assignment_worker;
GRANT SELECT(priority) ON TABLE assignment.tasks TO phoenix_assignment_worker;
GRANT SELECT(wake_at) ON TABLE assignment.tasks TO phoenix_assignment_worker;
GRANT SELECT(claimed_until),UPDATE(claimed_until) ON TABLE assignment.tasks TO phoenix_assignment_worker;
