# The rules of an installation of its own, in one package for each decision point (phoenix.own.data_operate
# for data.operate): deny, ask and obligations, each a set. They are added to what the shipped rules answer:
# a denial overrides everything, a question overrides an allow, and nothing turns a denial into an allow.
package phoenix.own_rules

import data.catalogue
import data.phoenix.gates

exist(point) if data.phoenix.own[replace(point, ".", "_")]

with_own(point, one, verdict) := denied(point, verdict, denials) if {
	denials := entries(point, one, "deny")
	count(denials) > 0
} else := asked(point, obliged(verdict, owed), questions) if {
	questions := open_questions(point, one)
	owed := obligations(point, one, questions)
	count(questions) > 0
	verdict.effect in {"allow", "require_approval"}
} else := obliged(verdict, obligations(point, one, entries(point, one, "ask")))

package_of(point) := replace(point, ".", "_")

# A rule that is undefined says nothing. What is no set says no: it would be lost otherwise.
entries(point, one, name) := {entry(point, raw) | some raw in found} if {
	found := data.phoenix.own[package_of(point)][name] with input as one
	is_set(found)
} else := {entry(point, "A rule of the installation does not answer a set.")} if {
	found := data.phoenix.own[package_of(point)][name] with input as one
	not is_set(found)
} else := set()

entry(point, raw) := raw if {
	is_object(raw)
} else := {"rule": package_of(point), "text": raw} if {
	is_string(raw)
} else := {"rule": package_of(point), "text": sprintf("%v", [raw])}

# ---- denials

denied(point, verdict, denials) := object.union(verdict, {
	"effect": "deny",
	"policy": sprintf("phoenix.own.%s", [package_of(point)]),
	"reasons": array.concat(reasons(point, denials), kept(verdict, "deny")),
	"remediation": sort({r.remedy | some r in denials; object.get(r, "remedy", "") != ""}),
	"obligations": [],
	"approvers": [],
	"grants": null,
})

reasons(point, found) := [{"rule": pair[0], "text": pair[1]} |
	some pair in sort([[object.get(r, "rule", package_of(point)), r.text] | some r in found])
]

# The reasons of the shipped rules, where these come to the same.
kept(verdict, effect) := verdict.reasons if {
	verdict.effect == effect
} else := []

# ---- questions: until a human has approved exactly this

open_questions(point, one) := entries(point, one, "ask") if {
	not gates.approved(object.union({"approvals": []}, one), facts(point, one))
} else := set()

facts(point, one) := {"point": point, "name": lower(object.get(one, "name", ""))}

# Whom an installation's rule names decides; a reviewer it is in any case (approval.decide).
asked(point, verdict, questions) := object.union(verdict, {
	"effect": "require_approval",
	"policy": sprintf("phoenix.own.%s", [package_of(point)]),
	"reasons": array.concat(reasons(point, questions), kept(verdict, "require_approval")),
	"remediation": [],
	"approvers": approvers({a | some q in questions; some a in object.get(q, "approvers", [])}),
})

approvers(named) := sort(named) if {
	count(named) > 0
} else := catalogue.approvals.approvers

# ---- obligations

obliged(verdict, owed) := verdict if {
	verdict.effect == "deny"
} else := verdict if {
	count(owed) == 0
} else := object.union(verdict, {"obligations": array.concat(verdict.obligations, sort([o | some o in owed]))})

obligations(point, one, questions) := entries(point, one, "obligations") | {o |
	count(questions) > 0
	point == "data.operate"
	o := {
		"id": "approved_content",
		"text": "Carry out exactly the content that was approved.",
		"due": "always",
	}
}
