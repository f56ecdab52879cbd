"""What the runtime costs: ``make bench``, or ``python -m tests.benchmarks``.

One module for each family of rows, `catalogue` lists them, `frame` is what they share, `peers` are
the neighbours' products that rows are compared with in the same run.
"""
