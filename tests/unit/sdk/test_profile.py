"""The profile: found by itself, resolved as curl's --resolve does, never plaintext by accident."""

from pathlib import Path

import pytest

from phoenix_dma.errors import ProfileError
from phoenix_dma.profile import Profile, find_profile, profile_path, read_profile
from phoenix_runtime.local.data_folder.profile import Profile as WrittenProfile
from phoenix_runtime.local.data_folder.profile import write_profile

PAPER = "https://phoenix.example.com"


def test_the_profile_that_the_runtime_writes_is_the_one_that_the_sdk_reads(tmp_path: Path) -> None:
    credential = tmp_path / "operator.jwt"
    credential.write_text("a token\n")
    written = WrittenProfile(
        grpc="127.0.0.1:50050",
        rest="http://127.0.0.1:8080",
        tenant="default",
        credential=credential,
        data=tmp_path / "data",
        resolve={PAPER: "127.0.0.1:50050"},
    )
    write_profile(tmp_path / "profile.toml", written)
    profile = read_profile(tmp_path / "profile.toml")
    assert (profile.grpc, profile.rest, profile.tenant) == (
        "127.0.0.1:50050",
        "http://127.0.0.1:8080",
        "default",
    )
    assert profile.enrolment() == "a token"
    assert profile.data == tmp_path / "data"
    assert profile.endpoint(PAPER).target == "127.0.0.1:50050"


def test_a_resolved_loopback_address_is_spoken_to_without_tls() -> None:
    profile = Profile(resolve={PAPER: "127.0.0.1:50050"})
    assert not profile.endpoint(PAPER + "/").tls


def test_a_resolved_remote_address_has_to_prove_the_name_that_the_code_asked_for() -> None:
    endpoint = Profile(resolve={PAPER: "10.0.0.7:8443"}).endpoint(PAPER)
    assert (endpoint.target, endpoint.tls, endpoint.authority) == (
        "10.0.0.7:8443",
        True,
        "phoenix.example.com",
    )


@pytest.mark.parametrize(
    ("address", "target", "tls"),
    [
        ("https://runtime.example.org", "runtime.example.org:443", True),
        ("runtime.example.org:50050", "runtime.example.org:50050", True),
        ("localhost:50050", "localhost:50050", False),
        ("[::1]:50050", "[::1]:50050", False),
        ("http://gateway:50050", "gateway:50050", False),
    ],
)
def test_tls_is_left_out_on_loopback_and_where_the_address_says_http(
    address: str,
    target: str,
    tls: bool,  # noqa: FBT001  # a parameter of the table
) -> None:
    endpoint = Profile().endpoint(address)
    assert (endpoint.target, endpoint.tls) == (target, tls)


@pytest.mark.parametrize("address", ["ftp://runtime", "runtime:port", "https://runtime/path", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ProfileError):
        Profile().endpoint(address)


def test_the_environment_goes_before_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "profile.toml"
    file.write_text('tenant = "default"\n[addresses]\ngrpc = "127.0.0.1:1"\n')
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(file))
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", "127.0.0.1:2")
    monkeypatch.setenv("PHOENIX_DMA_TOKEN", "given")
    profile = find_profile()
    assert (profile.grpc, profile.token, profile.tenant) == ("127.0.0.1:2", "given", "default")


def test_without_a_variable_the_profile_lies_in_the_config_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHOENIX_DMA_PROFILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profile_path() == tmp_path / "phoenix-dma" / "profile.toml"
    assert find_profile() == Profile(token="")


def test_a_profile_that_is_named_in_vain_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(tmp_path / "none.toml"))
    with pytest.raises(ProfileError, match="does not exist"):
        find_profile()


def test_a_file_that_is_no_profile_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "profile.toml"
    file.write_text("addresses = 3")
    with pytest.raises(ProfileError, match="table"):
        read_profile(file)


def test_a_credential_that_is_gone_is_written_anew_by_the_runtime_of_the_profile(
    tmp_path: Path,
) -> None:
    profile = Profile(credential=tmp_path / "gone.jwt", data=tmp_path / "data")
    with pytest.raises(ProfileError, match="cannot be read") as refused:
        profile.enrolment()
    assert f"phoenix-dma up --data {tmp_path / 'data'}" in refused.value.remedy


@pytest.mark.parametrize("follows", [["a"], ["b", "a"]], ids=["itself", "one that follows it"])
def test_profiles_that_follow_each_other_are_refused(follows: list[str], tmp_path: Path) -> None:
    for name, other in zip(["a", "b"], follows, strict=False):
        (tmp_path / f"{name}.toml").write_text(f'follows = "{other}.toml"\n')
    with pytest.raises(ProfileError, match="follows itself"):
        read_profile(tmp_path / "a.toml")


def test_a_credential_that_is_no_text_is_the_profiles_fault(tmp_path: Path) -> None:
    (tmp_path / "some.jwt").write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="cannot be read"):
        Profile(credential=tmp_path / "some.jwt").enrolment()


@pytest.mark.parametrize("text", ["", "\n", "\u00e4", "one\ntwo"])
def test_a_credential_that_no_header_carries_is_the_profiles_fault(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some.jwt").write_text(text)
    with pytest.raises(ProfileError, match="holds no credential"):
        Profile(credential=tmp_path / "some.jwt").enrolment()
    if text.strip():
        monkeypatch.setenv("PHOENIX_DMA_TOKEN", text)
        with pytest.raises(ProfileError, match="PHOENIX_DMA_TOKEN holds no credential"):
            find_profile()
