"""Policy engines, bundles on disk and the ledger of this process."""
