"""What every call passes before it reaches a servicer; the same for all four kinds of handler."""
