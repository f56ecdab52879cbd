"""Neighbours' products, started beside the runtime where they are here; ``make bench-peers`` builds
them. None of them is needed: a row whose peer is absent has no ratio."""
