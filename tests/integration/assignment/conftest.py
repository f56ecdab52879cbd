"""What the tests of assignment stand on."""

from tests.support.assignment_house import house

__all__ = ["house"]
