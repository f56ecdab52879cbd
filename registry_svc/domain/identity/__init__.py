"""Who may be whom: enrolments, their records, what may be ordered, and the audit events."""
