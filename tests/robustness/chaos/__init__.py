"""Seeded traffic over three tenants while one fault after the other is brought about.

    python -m tests.robustness.chaos --seed 7 --minutes 5

Then `validate` reads tables and ledger, and whatever was acknowledged is looked for.
"""
