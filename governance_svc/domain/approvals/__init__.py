"""Approvals: the aggregate, its audit events and what a request has to be like."""
