"""Half an hour at two thousand streams with tasks flowing: does anything grow that should not?"""
