"""Values that nobody should send: ids, names, texts, addresses, documents."""

from __future__ import annotations

from typing import Any, Final

IDS: Final = {
    "in the style of SQL": "x'; DROP TABLE tasks; --",
    "that is always true in SQL": "1 OR 1=1",
    "in upper case": "Agent.Steward",
    "with a Cyrillic look-alike": "\u0430gent.steward",
    "in full-width letters": "\uff41gent.steward",
    "with U+0000": "agent\0steward",
    "with a bidirectional control": "agent\u202estrawets",
    "with a character of no width": "agent\u200bsteward",
    "with a space": "agent steward",
    "with a line break": "agent\nsteward",
    "that climbs": "../../etc/passwd",
    "with two dots": "agent..steward",
    "with Arabic digits": "agent.\u0663",
    "with a combining accent": "age\u0301nt",
    "with an emoji": "agent.\U0001f525",
    "in the style of a template": "${jndi:ldap://x}",
    "in the style of markup": "<script>alert(1)</script>",
    "with a percent sign": "agent%2esteward",
    "of 129 characters": "a" * 129,
    "of 100,000 characters": "a" * 100_000,
}
FEW_IDS: Final = {
    kind: IDS[kind]
    for kind in (
        "in the style of SQL",
        "with a Cyrillic look-alike",
        "with U+0000",
        "with a bidirectional control",
        "of 129 characters",
    )
}
NAMES: Final = {
    "in upper case": "Duplicate_Detection",
    "that begins with a digit": "1_detection",
    "with a hyphen": "duplicate-detection",
    "with a look-alike": "duplic\u0430te_detection",
    "with U+0000": "duplicate\0detection",
    "with a bidirectional control": "duplicate\u2066detection",
    "in the style of SQL": "x') OR ('1'='1",
    "of 65 characters": "a" * 65,
    "that is empty": "",
}
FEW_NAMES: Final = {
    kind: NAMES[kind] for kind in ("with a look-alike", "in the style of SQL", "of 65 characters")
}
TEXTS: Final = {
    "with U+0000": "all is\0well",
    "with a bidirectional control": "all is \u202ellew",
    "with an escape of a terminal": "all is \x1b[2Jwell",
}
PLACES: Final = {
    "that climbs": "phoenix://state/../secrets",
    "that climbs by an escape": "phoenix://state/%2e%2e/secrets",
    "of a file": "file:///etc/passwd",
    "of a script": "javascript:alert(1)",
    "of a foreign scheme": "gopher://example.com/1",
    "with a space": "https://example.com/a b",
    "with a look-alike": "https://ex\u0430mple.com/",
    "without a scheme": "//example.com/steward",
    "of 2,049 characters": "https://example.com/" + "a" * 2029,
}
TOKENS: Final = {
    "that is no base64": "!!!",
    "that is no JSON": "AAAA",
    "of other filters": "WyIwMDAwMDAwMDAwMDAwMDAwIixbIngiXV0",
    "in the style of SQL": "' OR 1=1 --",
    "of 20,000 characters": "A" * 20_000,
    "that holds an object": "e30",
}


def deep(levels: int) -> dict[str, Any]:
    """An object of so many levels."""
    made: dict[str, Any] = {}
    for _ in range(levels - 1):
        made = {"a": made}
    return made


def numbered(count: int) -> list[str]:
    """So many names that are all different."""
    return [f"capability_{number}" for number in range(count)]
