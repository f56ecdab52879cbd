"""What all benchmarks share: figures and bars, runtimes that count, load, tables."""
