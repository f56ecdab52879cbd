"""An engine's error, as the author of a rule reads it."""

import pytest

from governance_svc.adapters.policy_engines.policy_session import RegoError

PARSED = "phoenix_engine.rego:27: eval_builtin_error: rego.parse_module: "
EOF = 'own/a.rego:28: rego_parse_error: unexpected eof token\n\tdeny contains "x" if {\n\t       ^'

EOF_TOLD = 'own/a.rego:28: rego_parse_error: unexpected eof token: deny contains "x" if {'


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (f"{PARSED}1 error occurred: {EOF}", EOF_TOLD),
        (
            f"{PARSED}2 errors occurred:\nown/a.rego:1: rego_parse_error: no package\n{EOF}",
            f"own/a.rego:1: rego_parse_error: no package; {EOF_TOLD}",
        ),
        ("own/a.rego:3: rego_type_error: match error", None),
        ("the engine's process gave no answer", None),
        ("1 error occurred: ", None),
    ],
)
def test_an_error_is_one_line_about_the_file_of_its_author(raw: str, told: str | None) -> None:
    assert str(RegoError(raw)) == (raw if told is None else told)
