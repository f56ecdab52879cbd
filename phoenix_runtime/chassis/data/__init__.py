"""PostgreSQL: connections, tenant tables, migrations, and transactions with their outbox."""
