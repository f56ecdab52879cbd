"""The catalogue: what a bundle's data document defines."""
