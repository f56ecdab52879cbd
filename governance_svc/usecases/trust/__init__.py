"""Assesses trust and certifies participants."""
