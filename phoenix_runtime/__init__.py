"""What every service of the runtime stands on."""
