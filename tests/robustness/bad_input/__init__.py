"""What callers send that they should not: tables of cases, and the target they are tried on."""
