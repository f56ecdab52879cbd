"""What tests share: real servers, fresh tenants, callers."""
