"""Phoenix DMA: the public Python package (client, adapters, command line)."""
