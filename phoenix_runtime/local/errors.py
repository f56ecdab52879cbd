"""What can keep a house from standing; each text is a sentence for the person who started it."""


class HouseError(RuntimeError):
    """The house could not start, or could not go on."""
