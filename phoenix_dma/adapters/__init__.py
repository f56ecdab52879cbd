"""Adapters of agent frameworks and protocols, one a sub-package, each behind an extra of its name.

``import phoenix_dma`` imports none of them, and this package imports none of its sub-packages.
"""
