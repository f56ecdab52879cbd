"""Adapters of agent frameworks and protocols, one a sub-package, each behind an extra of its name.

Modules beside the sub-packages are what adapters share; they import no framework.

``import phoenix_dma`` imports none of them, and this package imports none of its sub-packages.
"""
