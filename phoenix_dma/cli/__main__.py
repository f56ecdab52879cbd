"""``python -m phoenix_dma.cli`` is ``phoenix-dma``."""

from phoenix_dma.cli import main

main()
