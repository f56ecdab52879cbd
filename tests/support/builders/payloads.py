"""Payloads as the paper prints them, byte for byte (section 7)."""

PARTICIPANT = b"""{
  "id": "agent.customer-steward.001",
  "type": "agent",
  "status": "active",
  "capabilities": ["customer_validation", "duplicate_detection", "policy_check"],
  "trust_score": 0.91,
  "owner": "data-governance",
  "permissions": ["read_customer_master", "suggest_merge"],
  "state_location": "phoenix://state/customer-steward-001",
  "endpoint": "https://agents.example.com/customer-steward",
  "metadata": {
    "framework": "langgraph",
    "data_domains": ["customer"],
    "risk_tier": "medium"
  }
}"""

TASK = b"""{
  "task_id": "task.customer-merge-review.8841",
  "objective": "Validate duplicate customer candidates and recommend merge action",
  "required_capabilities": ["duplicate_detection", "customer_validation"],
  "data_domains": ["customer_master"],
  "risk_level": "medium",
  "context_ref": "phoenix://context/task.customer-merge-review.8841",
  "policy_constraints": ["human_approval_required_for_merge"]
}"""
