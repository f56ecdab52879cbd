"""What callers send that they should not: tables of cases, and the ground they are tried on."""
