package phoenix.membership_test

import data.phoenix.fixtures_test as f

# ---- participant.join

joining := {"caller": f.steward_caller, "claims": f.steward_claims, "existing": null}

join(changes) := f.ask("participant.join", object.union(joining, changes))

test_the_papers_participant_joins_and_gets_what_it_claims_over_the_domain_tree if {
	verdict := join({})
	verdict.effect == "allow"
	verdict.policy == "phoenix.participant.join"
	verdict.grants == {
		"capabilities": ["customer_validation", "duplicate_detection", "policy_check"],
		"data_domains": ["customer", "customer_contact", "customer_master"],
		"permissions": ["read_customer_master", "suggest_merge"],
		"refused": [],
	}
}

test_top_level_domains_and_those_in_metadata_are_one_claim if {
	verdict := join({"claims": {"data_domains": ["reference_code"]}})
	verdict.grants.data_domains == ["customer", "customer_contact", "customer_master", "reference_code"]
}

test_a_claim_that_nobody_knows_is_refused_with_the_nearest_name_and_the_rest_is_granted if {
	verdict := join({"claims": {"capabilities": ["duplicate_detektion", "policy_check"]}})
	verdict.effect == "allow"
	verdict.grants.capabilities == ["policy_check"]
	some refused in verdict.grants.refused
	refused.name == "duplicate_detektion"
	contains(refused.reason, "nearest is duplicate_detection")
}

test_a_permission_outside_the_granted_domains_is_refused if {
	verdict := join({"claims": {"permissions": ["read_supplier", "suggest_merge"]}})
	verdict.grants.permissions == ["suggest_merge"]
	verdict.grants.refused == [{
		"kind": "permission",
		"name": "read_supplier",
		"reason": "Its data domains are not granted: supplier, supplier_master.",
	}]
}

test_an_owner_without_the_right_to_write_gets_no_writing_permission if {
	claims := {"owner": "somebody", "permissions": ["read_customer_master", "write_customer_master"]}
	verdict := join({"caller": {"owner": "somebody"}, "claims": claims})
	verdict.effect == "allow"
	verdict.grants.permissions == ["read_customer_master"]
	verdict.grants.refused[0].reason == "Owner somebody may not write."
}

test_an_owner_is_entitled_to_a_domain_and_what_it_contains_only if {
	owners := {"*": {
		"participant_types": ["*"],
		"capabilities": ["policy_check"],
		"data_domains": ["customer"],
		"actions": ["read"],
		"trust_policies": ["*"],
	}}
	claims := {"data_domains": ["customer_master", "supplier"], "metadata": {"data_domains": []}, "permissions": []}
	verdict := join({"claims": claims}) with data.catalogue.owners as owners
	verdict.grants.data_domains == ["customer_master"]
	verdict.grants.capabilities == ["policy_check"]
	{r.name | some r in verdict.grants.refused} == {"customer_validation", "duplicate_detection", "supplier"}
}

test_a_high_risk_capability_is_granted_and_the_answer_says_that_it_needs_a_certificate if {
	verdict := join({"claims": {"capabilities": ["reference_data_validation"]}})
	verdict.grants.capabilities == ["reference_data_validation"]
	verdict.remediation == ["Have reference_data_validation certified: high-risk capabilities are matched only then."]
}

test_an_unknown_type_is_refused_with_the_nearest_name if {
	verdict := join({"claims": {"type": "agents"}})
	verdict.effect == "deny"
	verdict.grants == null
	f.rules(verdict) == {"known_participant_type"}
	verdict.remediation == ["Use agent, or have agents added to the catalogue."]
}

test_nobody_registers_somebody_else if {
	verdict := join({"caller": {"participant": "agent.other", "subject": "agent.other"}})
	verdict.effect == "deny"
	f.rules(verdict) == {"identity"}
}

test_an_owner_that_the_credential_does_not_name_is_refused if {
	join({"caller": {"owner": "finance"}}).effect == "deny"
}

test_a_credential_for_an_agent_makes_no_human if {
	join({"claims": {"type": "human"}}).effect == "deny"
	join({"claims": {"type": "human"}, "caller": {"participant_type": "human"}}).effect == "allow"
	join({"caller": {"participant_type": "human"}}).effect == "deny"
}

test_an_operator_registers_for_others if join({"caller": f.operator}).effect == "allow"

test_a_submitter_does_not if join({"caller": f.submitter}).effect == "deny"

test_a_retired_identity_cannot_join_again if {
	verdict := join({"existing": {"owner": "data-governance", "status": "retired"}})
	verdict.effect == "deny"
	f.rules(verdict) == {"retired"}
}

test_a_suspended_identity_waits_for_its_operator if {
	join({"existing": {"owner": "data-governance", "status": "suspended"}}).effect == "deny"
	join({"existing": {"owner": "data-governance", "status": "failed"}}).effect == "allow"
}

test_an_identity_keeps_its_owner if {
	verdict := join({"existing": {"owner": "finance", "status": "failed"}})
	verdict.effect == "deny"
	f.rules(verdict) == {"owner"}
}

test_a_participant_without_an_owner_is_refused if {
	join({"caller": f.operator, "claims": {"owner": ""}}).effect == "deny"
}

test_a_barred_owner_is_refused if {
	join({}).effect == "deny" with data.catalogue.owners["data-governance"].barred as true
}

test_an_unknown_trust_policy_is_refused if {
	f.rules(join({"claims": {"trust_policy": "regulatet"}})) == {"known_trust_policy"}
	join({"claims": {"trust_policy": "regulated"}}).effect == "allow"
}

test_a_join_that_does_not_say_whether_the_id_is_known_is_refused if {
	f.ask("participant.join", {"caller": f.steward_caller, "claims": f.steward_claims}).effect == "deny"
}

# ---- capability.update

updating := {
	"caller": f.steward_caller,
	"participant": f.steward,
	"claims": {"capabilities": ["policy_check", "sorcery"], "data_domains": ["customer_master"], "permissions": []},
}

update(changes) := f.ask("capability.update", object.union(updating, changes))

test_an_update_grants_what_holds_of_the_new_claims if {
	verdict := update({})
	verdict.effect == "allow"
	verdict.grants.capabilities == ["policy_check"]
	verdict.grants.data_domains == ["customer_master"]
	{r.name | some r in verdict.grants.refused} == {"sorcery"}
}

test_only_the_participant_or_an_operator_updates if {
	update({"caller": f.operator}).effect == "allow"
	update({"caller": f.reviewer}).effect == "deny"
}

test_a_suspended_participant_does_not_update if update({"participant": {"status": "suspended"}}).effect == "deny"

test_an_update_of_unknown_standing_is_refused if {
	f.ask("capability.update", object.union(updating, {"participant": {"status": null}})).effect == "deny"
}

# ---- participant.remain

remain(changes) := f.ask("participant.remain", object.union(
	{"caller": f.service, "participant": f.steward, "trust": f.steward_trust},
	changes,
))

test_a_trusted_participant_remains if {
	verdict := remain({})
	verdict.effect == "allow"
	verdict.trust == 0.5775
	verdict.grants == null
}

test_grants_are_judged_anew_where_the_claims_are_sent if {
	verdict := remain({"participant": {"claims": f.steward_claims}})
	verdict.grants.permissions == ["read_customer_master", "suggest_merge"]
}

test_trust_below_the_floor_ends_a_membership if {
	verdict := remain({"trust": {"general": 0.1}})
	verdict.effect == "deny"
	f.rules(verdict) == {"trust_ok"}
}

test_a_type_that_policy_no_longer_knows_ends_a_membership if remain({"participant": {"type": "robot"}}).effect == "deny"

test_without_trust_nobody_remains_by_silence if {
	f.ask("participant.remain", {"participant": f.steward}).effect == "deny"
}

# ---- participant.retire

retire(changes) := f.ask("participant.retire", object.union(
	{"caller": f.steward_caller, "participant": f.steward, "mode": "graceful"},
	changes,
))

test_a_participant_retires_itself if retire({}).effect == "allow"

test_an_operator_retires_others if retire({"caller": f.operator, "mode": "immediate"}).effect == "allow"

test_nobody_else_retires_a_participant if f.rules(retire({"caller": f.submitter})) == {"identity"}

test_retirement_is_graceful_or_immediate if f.rules(retire({"mode": "brutal"})) == {"mode"}
