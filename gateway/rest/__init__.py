"""The paper's REST surface, made from the ``google.api.http`` annotations of the contract."""
