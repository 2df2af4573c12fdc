"""The hash that binds a body: its spelling, and that one bit more or less is another body."""

from __future__ import annotations

import pytest

from jwtmw.proof.body import BODY_HASHES, body_hash, matches

# FIPS 180-4 and RFC 1321: the digests of "abc", from the documents and not from hashlib.
OF_ABC = {
    "sha-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha-512": (
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
    "md5": "900150983cd24fb0d6963f7d28e17f72",
}


@pytest.mark.parametrize("name", sorted(OF_ABC))
def test_a_hash_is_lower_case_hex(name: str) -> None:
    """Each hash gives the digest that its own document gives for "abc"."""
    assert OF_ABC[name] == body_hash(b"abc", name)


def test_the_hashes_are_three_and_cannot_be_changed() -> None:
    """SHA-256, SHA-512 and MD5; nobody adds one at run time."""
    assert OF_ABC.keys() == BODY_HASHES.keys()
    with pytest.raises(TypeError):
        BODY_HASHES["sha-1"] = BODY_HASHES["md5"]  # type: ignore[index]


def test_the_default_is_sha_256() -> None:
    """Who names no hash gets SHA-256, to sign and to check."""
    assert OF_ABC["sha-256"] == body_hash(b"abc")
    assert matches(OF_ABC["sha-256"], body_hash(b"abc"))


def test_an_unknown_hash_is_an_error() -> None:
    """A name that is none never falls back to a hash."""
    with pytest.raises(KeyError):
        body_hash(b"abc", "sha-1")


@pytest.mark.parametrize("body", [b"abd", b"ab", b"abcd", b"", b"abc\n", b"ABC"])
def test_another_body_does_not_match(body: bytes) -> None:
    """One bit changed, truncated, appended or empty: none is the body that was bound."""
    assert not matches(OF_ABC["sha-256"], body_hash(body))


@pytest.mark.parametrize(
    "claim",
    [
        *(None, True, 0, b"", [OF_ABC["sha-256"]], {"sha-256": OF_ABC["sha-256"]}, ""),
        *(OF_ABC["sha-256"].upper(), OF_ABC["sha-256"][:-1], OF_ABC["sha-256"] + " ", f"sha-256:{OF_ABC['sha-256']}"),
        *(OF_ABC["md5"], OF_ABC["sha-512"], "\uff42" + OF_ABC["sha-256"][1:]),
    ],
    ids=ascii,
)
def test_only_the_exact_text_matches(claim: object) -> None:
    """Another type, another case, another hash or another spelling is refused, and raises nothing."""
    assert not matches(claim, OF_ABC["sha-256"])


@pytest.mark.parametrize("name", sorted(OF_ABC))
def test_the_hash_of_one_name_is_none_of_another(name: str) -> None:
    """The configuration names the hash, never the token."""
    assert [name] == [other for other in OF_ABC if matches(OF_ABC[name], body_hash(b"abc", other))]
