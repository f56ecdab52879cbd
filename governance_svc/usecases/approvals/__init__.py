"""Requests, decides and ends approvals."""
