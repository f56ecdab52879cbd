"""Conflicts of interest: what people may do to others and never to their own, by any name."""

from phoenix_runtime.core.principal import Principal


def own_because(by: Principal, verb: str, participant: str, owner: str = "") -> str:
    """Why ``by`` may not do to ``participant`` what ``verb`` says (certifies); empty where it may.

    Whoever enrolled somebody can be that somebody, so a participant or its owner could do it by
    the name of whom they enrolled.
    """
    enrollers = by.descent.enrollers
    if participant in by.names:
        return f"Nobody {verb} itself"
    if owner in by.names:
        return f"Nobody {verb} what they own, and {participant} is {owner}'s"
    if participant in enrollers:
        return f"Nobody {verb} who enrolled them, and {participant} enrolled you"
    if owner in enrollers:
        return f"Nobody {verb} what belongs to who enrolled them, and {owner} enrolled you"
    return ""
