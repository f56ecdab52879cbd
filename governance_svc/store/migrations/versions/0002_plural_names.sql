-- Tables are named by the plural; instants end in _at (it happened, it falls due) or _until (the end
-- of a validity or a claim); identifiers of other rows end in _id. Values, rights and policies stay.

ALTER TABLE approval RENAME TO approvals;
ALTER TABLE approvals RENAME COLUMN create_time TO created_at;
ALTER TABLE approvals RENAME COLUMN expire_time TO expires_at;
ALTER TABLE approvals RENAME COLUMN decide_time TO decided_at;
ALTER TABLE approvals RENAME CONSTRAINT approval_pkey TO approvals_pkey;
ALTER TABLE approvals RENAME CONSTRAINT approval_tenant_task_id_action_subject_hash_round_key
    TO approvals_tenant_task_id_action_subject_hash_round_key;
ALTER INDEX approval_created RENAME TO approvals_created;
ALTER INDEX approval_pending RENAME TO approvals_pending;

ALTER TABLE certification RENAME TO certifications;
ALTER TABLE certifications RENAME COLUMN grant_time TO granted_at;
ALTER TABLE certifications RENAME COLUMN expire_time TO valid_until;
ALTER TABLE certifications RENAME COLUMN revoke_time TO revoked_at;
ALTER TABLE certifications RENAME CONSTRAINT certification_pkey TO certifications_pkey;
ALTER INDEX certification_granted RENAME TO certifications_granted;
ALTER INDEX certification_participant RENAME TO certifications_participant;

ALTER TABLE ledger_event RENAME TO ledger_events;
ALTER TABLE ledger_events RENAME COLUMN timestamp TO occurred_at;
ALTER TABLE ledger_events RENAME COLUMN participant TO participant_id;
ALTER TABLE ledger_events RENAME COLUMN task TO task_id;
ALTER TABLE ledger_events RENAME COLUMN handoff TO handoff_id;
ALTER TABLE ledger_events RENAME CONSTRAINT ledger_event_pkey TO ledger_events_pkey;
ALTER TABLE ledger_events RENAME CONSTRAINT ledger_event_tenant_event_id_key
    TO ledger_events_tenant_event_id_key;
ALTER TABLE ledger_events
    RENAME CONSTRAINT ledger_event_tenant_service_aggregate_aggregate_version_key
    TO ledger_events_tenant_service_aggregate_aggregate_version_key;
ALTER INDEX ledger_event_correlation_id_idx RENAME TO ledger_events_correlation_id_idx;
ALTER INDEX ledger_event_decision_id_idx RENAME TO ledger_events_decision_id_idx;
ALTER INDEX ledger_event_handoff_idx RENAME TO ledger_events_handoff_id_idx;
ALTER INDEX ledger_event_participant_idx RENAME TO ledger_events_participant_id_idx;
ALTER INDEX ledger_event_task_idx RENAME TO ledger_events_task_id_idx;
ALTER INDEX ledger_event_type_idx RENAME TO ledger_events_type_idx;

ALTER TABLE ledger_head RENAME TO ledger_heads;
ALTER TABLE ledger_heads RENAME CONSTRAINT ledger_head_pkey TO ledger_heads_pkey;

ALTER TABLE policy_activation RENAME TO policy_activations;
ALTER TABLE policy_activations RENAME COLUMN activate_time TO activated_at;
ALTER TABLE policy_activations RENAME CONSTRAINT policy_activation_pkey TO policy_activations_pkey;

ALTER TABLE trust_cursor RENAME TO trust_cursors;
ALTER TABLE trust_cursors RENAME COLUMN model TO rules;
ALTER TABLE trust_cursors RENAME CONSTRAINT trust_cursor_pkey TO trust_cursors_pkey;

ALTER TABLE trust_evidence RENAME TO trust_projections;
ALTER TABLE trust_projections RENAME CONSTRAINT trust_evidence_pkey TO trust_projections_pkey;
