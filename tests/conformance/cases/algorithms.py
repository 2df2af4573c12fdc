"""The key decides the algorithm, never the token: RFC 8725 sections 2.1, 3.1 and 3.2, RFC 7518."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from jwtmw.decision import Reason
from tests.conformance.keys import (
    EC256,
    EC256K,
    EC384,
    EC521,
    EC_FOREIGN,
    ED448,
    ED25519,
    ED_FOREIGN,
    RSA,
    RSA_NEXT,
    SECRET,
    SECRET_DECODED,
    SECRET_FOREIGN,
    Secret,
    Signer,
    b64,
    pss,
)
from tests.conformance.schema import Case, bearer, get, invalid, passes, refused
from tests.conformance.tokens import ALICE, GOOD, claims_of, encode, header_of, jws, signed, token

ALGORITHM = refused(Reason.ALGORITHM_REFUSED)
SIGNATURE = refused(Reason.SIGNATURE_INVALID)
AS_ALICE = passes(ALICE)
INPUT = b64(encode(header_of())) + b"." + b64(encode(claims_of()))


def by(key: Signer, alg: str = "", kid: str = "") -> bytes:
    """A good token signed with this algorithm of this key."""
    alg = alg or key.alg
    return jws(encode(header_of(key, alg=alg, kid=kid or key.kid)), encode(claims_of()), key, alg)


def claiming(alg: object, key: Signer = RSA) -> bytes:
    """A token whose header claims an algorithm; signed with the key's own."""
    return token(key, {"alg": alg})


def hs(secret: bytes, alg: str = "HS256", kid: str = RSA.kid) -> bytes:
    """A token signed with HMAC and something that everybody knows."""
    return by(Secret(kid, alg, secret), alg)


def with_signature(key: Signer, alg: str, signature: bytes) -> bytes:
    signing_input = b64(encode(header_of(key, alg=alg))) + b"." + b64(encode(claims_of()))
    return signing_input + b"." + b64(signature)


RIGHT = [
    *((RSA, alg) for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    (EC256, "ES256"),
    (EC384, "ES384"),
    (EC521, "ES512"),
    (ED25519, "EdDSA"),
    (ED25519, "Ed25519"),
    (RSA_NEXT, "RS256"),
]
NONE = ("none", "None", "NONE", "nOnE", "none ", " none", "none\x00", "noNE")
ODD_NAMES = (
    "rs256",
    "RS256 ",
    "Rs256",
    "RS257",
    "RS1",
    "SHA256",
    "RSA",
    "RS256\x00",
    "ＲＳ２５６",
    "ES256K",
    "dir",
    "A256KW",
    "ML-DSA-44",
)
PUBLIC = {
    "pem": RSA.pem().encode(),
    "pem-without-last-newline": RSA.pem().encode().rstrip(b"\n"),
    "pem-with-crlf": RSA.pem().replace("\n", "\r\n").encode(),
    "der": RSA.der(),
    "jwk-json": json.dumps(RSA.jwk()).encode(),
    "jwk-json-compact": json.dumps(RSA.jwk(), separators=(",", ":")).encode(),
    "jwks-json": json.dumps({"keys": [RSA.jwk()]}).encode(),
    "jwk-array": json.dumps([RSA.jwk()]).encode(),
    "jwk-json-with-bom": b"\xef\xbb\xbf" + json.dumps(RSA.jwk()).encode(),
    "modulus-text": RSA.jwk()["n"].encode(),
    "empty-key": b"",
    "kid": RSA.kid.encode(),
}


def ecdsa_forms(signing_input: bytes) -> dict[str, bytes]:
    raw = EC256.sign(signing_input)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return {
        "der": encode_dss_signature(r, s),
        "zeros": bytes(64),
        "r-zero": bytes(32) + raw[32:],
        "s-zero": raw[:32] + bytes(32),
        "r-is-order": order.to_bytes(32, "big") + raw[32:],
        "s-plus-order": raw[:32] + ((s + order) % 2**256).to_bytes(32, "big"),
        "ones": b"\xff" * 64,
        "one-byte-short": raw[:-1],
        "one-byte-long": raw + b"\x00",
        "empty-but-a-byte": b"\x00",
        "halves-swapped": raw[32:] + raw[:32],
        "padded-to-p384": raw[:32].rjust(48, b"\x00") + raw[32:].rjust(48, b"\x00"),
        "by-a-foreign-key": EC_FOREIGN.sign(signing_input),
    }


ES_INPUT = b64(encode(header_of(EC256))) + b"." + b64(encode(claims_of()))
ED_INPUT = b64(encode(header_of(ED25519))) + b"." + b64(encode(claims_of()))
PS_INPUT = b64(encode(header_of(RSA, alg="PS256"))) + b"." + b64(encode(claims_of()))
ED_ORDER = 2**252 + 27742317777372353535851937790883648493
ED_RAW = ED25519.sign(ED_INPUT)
EDDSA = {
    "s-plus-order": ED_RAW[:32] + (int.from_bytes(ED_RAW[32:], "little") + ED_ORDER).to_bytes(32, "little"),
    "zeros": bytes(64),
    "identity-point": b"\x01" + bytes(63),
    "truncated": ED_RAW[:-1],
    "extended": ED_RAW + b"\x00",
    "by-a-foreign-key": ED_FOREIGN.sign(ED_INPUT),
}
S256, S1, S512 = hashes.SHA256(), hashes.SHA1(), hashes.SHA512()
PSS = {
    "salt-of-no-length": pss(RSA.private, PS_INPUT, S256, S256, 0),
    "salt-one-shorter": pss(RSA.private, PS_INPUT, S256, S256, 31),
    "salt-one-longer": pss(RSA.private, PS_INPUT, S256, S256, 33),
    "mgf-of-sha1": pss(RSA.private, PS_INPUT, S256, S1, 32),
    "hash-sha1": pss(RSA.private, PS_INPUT, S1, S1, 20),
    "hash-sha512": pss(RSA.private, PS_INPUT, S512, S512, 64),
    "pkcs1-instead": RSA.sign(PS_INPUT, "RS256"),
}
CASES = [
    *(Case(f"right-key-{alg.lower()}-{key.kid}", get(bearer(by(key, alg))), AS_ALICE) for key, alg in RIGHT),
    *(Case(f"alg-none-{i}", get(bearer(claiming(alg))), ALGORITHM) for i, alg in enumerate(NONE)),
    *(Case(f"alg-odd-name-{i}", get(bearer(claiming(alg))), ALGORITHM) for i, alg in enumerate(ODD_NAMES)),
    *(Case(f"hs256-with-public-{name}", get(bearer(hs(key))), ALGORITHM) for name, key in PUBLIC.items()),
    *(
        Case(f"pinned-hs256-with-public-{name}", get(bearer(hs(key))), ALGORITHM, "rs256-only")
        for name, key in PUBLIC.items()
    ),
    Case("hs512-with-public-pem", get(bearer(hs(PUBLIC["pem"], "HS512"))), ALGORITHM),
    Case("hs256-with-public-p256-pem", get(bearer(hs(EC256.pem().encode(), kid=EC256.kid))), ALGORITHM),
    Case("hs256-with-public-ed25519-bytes", get(bearer(hs(ED25519.raw_public(), kid=ED25519.kid))), ALGORITHM),
    Case("hs256-against-pem-policy", get(bearer(hs(PUBLIC["pem"]))), ALGORITHM, "pem"),
    Case("hs256-against-pem-ed25519-policy", get(bearer(hs(ED25519.raw_public()))), ALGORITHM, "pem-ed25519"),
    # The allow-list.
    Case("pinned-rs256", get(bearer(GOOD)), AS_ALICE, "rs256-only"),
    Case("pinned-refuses-rs512-by-the-same-key", get(bearer(by(RSA, "RS512"))), ALGORITHM, "rs256-only"),
    Case("pinned-refuses-ps256-by-the-same-key", get(bearer(by(RSA, "PS256"))), ALGORITHM, "rs256-only"),
    Case("pinned-refuses-es256", get(bearer(by(EC256))), ALGORITHM, "rs256-only"),
    Case("pinned-es256", get(bearer(by(EC256))), AS_ALICE, "es256-only"),
    Case("pinned-es256-refuses-rs256", get(bearer(GOOD)), ALGORITHM, "es256-only"),
    Case("pinned-es256-with-p384-key", get(bearer(by(EC384, "ES256"))), invalid(), "es256-only"),
    Case("pinned-ed25519-takes-eddsa", get(bearer(by(ED25519, "EdDSA"))), AS_ALICE, "ed25519-only"),
    Case("pinned-ed25519-takes-ed25519", get(bearer(by(ED25519, "Ed25519"))), AS_ALICE, "ed25519-only"),
    Case("pinned-ed25519-refuses-ed448", get(bearer(by(ED448))), invalid(), "ed25519-only"),
    # The key's own alg.
    Case("jwk-alg-right", get(bearer(GOOD)), AS_ALICE, "jwk-alg"),
    Case("jwk-alg-refuses-another-of-its-kind", get(bearer(by(RSA, "RS512"))), invalid(), "jwk-alg"),
    Case("jwk-alg-refuses-pss", get(bearer(by(RSA, "PS256"))), invalid(), "jwk-alg"),
    Case("jwk-alg-alone-refuses-another", get(bearer(by(RSA, "RS384"))), invalid(), "jwk-alone-rs256"),
    Case("jwk-alg-ed25519-takes-eddsa", get(bearer(by(ED25519, "EdDSA"))), AS_ALICE, "jwk-ed25519-alg"),
    Case("jwk-alg-ed25519-takes-ed25519", get(bearer(by(ED25519, "Ed25519"))), AS_ALICE, "jwk-ed25519-alg"),
    Case("jwk-without-alg-takes-rs512", get(bearer(by(RSA, "RS512"))), AS_ALICE, "jwk-alone"),
    Case("jwk-without-alg-takes-ps384", get(bearer(by(RSA, "PS384"))), AS_ALICE, "jwk-alone"),
    # Algorithms and keys that do not belong together.
    Case("es256-with-p384-key", get(bearer(by(EC384, "ES256"))), invalid()),
    Case("es384-with-p256-key", get(bearer(by(EC256, "ES384"))), invalid()),
    Case("es512-with-p256-key", get(bearer(by(EC256, "ES512"))), invalid()),
    Case("es256-with-p521-key", get(bearer(by(EC521, "ES256"))), invalid()),
    Case("es256k-not-known", get(bearer(by(EC256K))), ALGORITHM),
    Case("es256k-posing-as-es256", get(bearer(by(EC256K, "ES256", EC256.kid))), SIGNATURE),
    Case("ed448-not-known", get(bearer(by(ED448))), invalid()),
    Case("ed448-named", get(bearer(by(ED448, "Ed448", ED25519.kid))), invalid()),
    Case("ed448-posing-as-ed25519", get(bearer(by(ED448, "EdDSA", ED25519.kid))), SIGNATURE),
    Case("rs256-with-kid-of-a-p256-key", get(bearer(by(RSA, "RS256", EC256.kid))), invalid()),
    Case("es256-with-kid-of-an-rsa-key", get(bearer(by(EC256, "ES256", RSA.kid))), invalid()),
    Case("eddsa-with-kid-of-an-rsa-key", get(bearer(by(ED25519, "EdDSA", RSA.kid))), invalid()),
    Case("rs256-claimed-ps256-signed", get(bearer(signed(INPUT, RSA, "PS256"))), SIGNATURE),
    Case("rs256-claimed-sha1-signed", get(bearer(signed(INPUT, RSA, "RS1"))), SIGNATURE),
    Case("rs256-claimed-rs512-signed", get(bearer(signed(INPUT, RSA, "RS512"))), SIGNATURE),
    *(Case(f"pss-{name}", get(bearer(with_signature(RSA, "PS256", made))), SIGNATURE) for name, made in PSS.items()),
    *(
        Case(f"ecdsa-{name}", get(bearer(with_signature(EC256, "ES256", made))), SIGNATURE)
        for name, made in ecdsa_forms(ES_INPUT).items()
    ),
    *(
        Case(f"eddsa-{name}", get(bearer(with_signature(ED25519, "EdDSA", made))), SIGNATURE)
        for name, made in EDDSA.items()
    ),
    # Secrets.
    Case("secret-hs256", get(bearer(by(SECRET))), AS_ALICE, "secret"),
    Case("secret-refuses-hs512-by-default", get(bearer(by(SECRET, "HS512"))), ALGORITHM, "secret"),
    Case("secret-refuses-hs384-by-default", get(bearer(by(SECRET, "HS384"))), ALGORITHM, "secret"),
    Case("secret-hs384-configured", get(bearer(by(SECRET, "HS384"))), AS_ALICE, "secret-all"),
    Case("secret-hs512-configured", get(bearer(by(SECRET, "HS512"))), AS_ALICE, "secret-all"),
    Case("secret-foreign", get(bearer(by(SECRET_FOREIGN))), SIGNATURE, "secret"),
    Case("secret-foreign-with-kid", get(bearer(by(SECRET_FOREIGN, kid=SECRET.kid))), SIGNATURE, "secret"),
    Case(
        "secret-hs512-posing-as-hs256",
        get(bearer(jws(encode(header_of(SECRET)), encode(claims_of()), SECRET, "HS512"))),
        SIGNATURE,
        "secret",
    ),
    Case("secret-refuses-rs256", get(bearer(GOOD)), ALGORITHM, "secret"),
    Case("secret-refuses-none", get(bearer(claiming("none"))), ALGORITHM, "secret"),
    Case("secret-signature-empty-hmac", get(bearer(by(Secret("x", "HS256", b"")))), SIGNATURE, "secret"),
    Case("secret-base64-decoded", get(bearer(by(SECRET_DECODED))), AS_ALICE, "secret-base64"),
    Case("secret-base64-not-its-text", get(bearer(by(SECRET))), SIGNATURE, "secret-base64"),
    Case("secret-text-not-decoded", get(bearer(by(SECRET_DECODED))), SIGNATURE, "secret"),
]
