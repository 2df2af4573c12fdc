"""What is a compact JWS of one strict JSON object each: RFC 7515, RFC 7519, RFC 8725 section 3."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.keys import RSA, RSA_FOREIGN, b64
from tests.conformance.schema import BAD_REQUEST, Case, Earlier, Expect, bearer, get, invalid, passes, refused
from tests.conformance.tokens import (
    ALICE,
    AUDIENCE,
    CORP,
    DROP,
    GOOD,
    NOW,
    Raw,
    claims_of,
    encode,
    flipped,
    header_of,
    jws,
    signed,
    token,
    with_header,
    with_payload,
)

FORMAT = refused(Reason.TOKEN_FORMAT)
JSON = refused(Reason.TOKEN_JSON)
HEADER = refused(Reason.HEADER_REFUSED)
SIGNATURE = refused(Reason.SIGNATURE_INVALID)
AS_ALICE = passes(ALICE)
HEAD, BODY, SIGN = GOOD.split(b".")


def unused_bits(segment: bytes) -> bytes:
    """Another spelling of the same bytes: the bits of the last character that carry nothing are set."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4 in (2, 3), "only a last group that is not full has unused bits"
    return segment[:-1] + alphabet[alphabet.index(segment[-1:]) | 1 :][:1]


def ending_unfull(make: Any) -> bytes:
    """The first of a family of JSON objects whose base64url has unused bits at its end."""
    return next(text for n in range(3) if len(text := b64(make("p" * n))) % 4)


ODD_HEAD = ending_unfull(lambda pad: encode(header_of() | {"pad": pad}))
ODD_BODY = ending_unfull(lambda pad: encode(claims_of(pad=pad)))
JWE = b".".join([b64(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), b64(b"key"), b64(b"iv"), b64(b"text"), b64(b"tag")])
PBES2 = b64(b'{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"AA"}') + b".AA.AA.AA.AA"

SHAPES = {
    "no-dot": b"abc",
    "one-dot": HEAD + b"." + BODY,
    "three-dots": GOOD + b".AA",
    "four-dots-jwe": JWE,
    "five-dots": b"a.b.c.d.e.f",
    "jwe-with-a-billion-iterations": PBES2,
    "dot": b".",
    "only-dots": b"..",
    "three-dots-alone": b"...",
    "leading-dot": b"." + GOOD,
    "trailing-dot": GOOD + b".",
    "empty-header": b"." + BODY + b"." + SIGN,
    "empty-payload-detached": HEAD + b".." + SIGN,
    "empty-signature": HEAD + b"." + BODY + b".",
    "signature-stripped-alg-none": b64(b'{"alg":"none"}') + b"." + BODY + b".",
    "padded-signature": GOOD + b"=",
    "padded-signature-twice": GOOD + b"==",
    "plus-in-signature": HEAD + b"." + BODY + b"." + SIGN[:-2] + b"+A",
    "slash-in-signature": HEAD + b"." + BODY + b"." + SIGN[:-2] + b"/A",
    "plus-in-payload": HEAD + b"." + BODY + b"+." + SIGN,
    "tilde-in-header": HEAD + b"~." + BODY + b"." + SIGN,
    "header-of-4n-plus-1": (b64(b"abc") + b"A") + b"." + BODY + b"." + SIGN,
    "payload-of-4n-plus-1": HEAD + b"." + (b64(b"abc") + b"A") + b"." + SIGN,
    "signature-of-4n-plus-1": HEAD + b"." + BODY + b"." + (b64(b"abc") + b"A"),
    "unused-bits-in-header": signed(unused_bits(ODD_HEAD) + b"." + BODY),
    "unused-bits-in-payload": signed(HEAD + b"." + unused_bits(ODD_BODY)),
    "unused-bits-in-signature": HEAD + b"." + BODY + b"." + unused_bits(SIGN),
    "sd-jwt": GOOD + b"~" + b64(b'["salt","name","value"]') + b"~",
}
NOT_ONE_B64TOKEN = {
    "padded-header": HEAD + b"=." + BODY + b"." + SIGN,
    "padded-payload": HEAD + b"." + BODY + b"=." + SIGN,
    "space-inside": HEAD + b". " + BODY + b"." + SIGN,
    "tab-inside": HEAD + b".\t" + BODY + b"." + SIGN,
    "line-feed-inside": HEAD + b".\n" + BODY + b"." + SIGN,
    "nul-in-signature": GOOD[:-1] + b"\x00",
    "non-ascii-in-payload": HEAD + b"." + BODY + "é".encode() + b"." + SIGN,
    "json-serialisation": b'{"protected":"' + HEAD + b'","payload":"' + BODY + b'","signature":"' + SIGN + b'"}',
    "exclamation-mark": GOOD + b"!",
}
SIGNATURES = {
    "signature-truncated": GOOD[:-2],
    "signature-extended": GOOD + b"AAAA",
    "signature-of-one-byte": HEAD + b"." + BODY + b".AA",
    "signature-first-character-flipped": flipped(GOOD, len(HEAD) + len(BODY) + 2),
    "signature-middle-flipped": flipped(GOOD, len(GOOD) - 100),
    "signature-of-zeros": HEAD + b"." + BODY + b"." + b64(bytes(256)),
    "signature-of-ones": HEAD + b"." + BODY + b"." + b64(b"\xff" * 256),
    "signature-of-another-token": HEAD + b"." + BODY + b"." + token(sub="bob-77aa").split(b".")[2],
    "payload-of-another-token": HEAD + b"." + token(sub="bob-77aa").split(b".")[1] + b"." + SIGN,
    "header-of-another-token": token(RSA, {"x": 1}).split(b".")[0] + b"." + BODY + b"." + SIGN,
    "signed-by-another-key": jws(encode(header_of()), encode(claims_of()), RSA_FOREIGN),
    "signed-without-the-dot": HEAD + b"." + BODY + b"." + b64(RSA.sign(HEAD + BODY)),
    "signed-over-decoded-payload": HEAD + b"." + BODY + b"." + b64(RSA.sign(HEAD + b"." + encode(claims_of()))),
}

OK_HEADER = encode(header_of())


def nested(levels: int) -> Raw:
    """A value that is this many arrays deep."""
    return Raw("[" * levels + "]" * levels)


def header_of_size(size: int) -> bytes:
    """A good header of exactly this many bytes."""
    return encode(header_of() | {"x": "y" * (size - len(encode(header_of() | {"x": ""})))})


HEADERS: dict[str, tuple[bytes, Expect]] = {
    "not-json": (b"alg=RS256", JSON),
    "bytes": (bytes(range(32)), JSON),
    "list": (b'["alg","RS256"]', JSON),
    "text": (b'"RS256"', JSON),
    "null": (b"null", JSON),
    "number": (b"7", JSON),
    "true": (b"true", JSON),
    "truncated": (OK_HEADER[:-1], JSON),
    "two-objects": (OK_HEADER * 2, JSON),
    "trailing-comma": (OK_HEADER[:-1] + b",}", JSON),
    "trailing-nul": (OK_HEADER + b"\x00", JSON),
    "comment": (OK_HEADER[:-1] + b"/* */}", JSON),
    "single-quotes": (OK_HEADER.replace(b'"', b"'"), JSON),
    "utf-16": (OK_HEADER.decode().encode("utf-16"), JSON),
    "utf-16-le": (OK_HEADER.decode().encode("utf-16-le"), JSON),
    "utf-16-be": (OK_HEADER.decode().encode("utf-16-be"), JSON),
    "utf-32": (OK_HEADER.decode().encode("utf-32"), JSON),
    "utf-32-be": (OK_HEADER.decode().encode("utf-32-be"), JSON),
    "byte-order-mark": (b"\xef\xbb\xbf" + OK_HEADER, JSON),
    "invalid-utf-8": (encode(header_of() | {"x": "y"}).replace(b"y", b"\xff"), JSON),
    "overlong-utf-8": (encode(header_of() | {"x": "y"}).replace(b"y", b"\xc0\xae"), JSON),
    "cesu-8-surrogates": (encode(header_of() | {"x": "y"}).replace(b"y", b"\xed\xa0\x80\xed\xb0\x80"), JSON),
    "lone-surrogate-escape": (encode(header_of() | {"x": Raw(r'"\ud800"')}), JSON),
    "lone-surrogate-in-kid": (encode(header_of() | {"kid": Raw(r'"\udfff"')}), JSON),
    "raw-control-character": (encode(header_of() | {"x": Raw('"a\nb"')}), JSON),
    "duplicate-alg": (b'{"alg":"none",' + OK_HEADER[1:], JSON),
    "duplicate-alg-the-same": (b'{"alg":"RS256",' + OK_HEADER[1:], JSON),
    "duplicate-alg-escaped": (rb'{"\u0061lg":"RS256",' + OK_HEADER[1:], JSON),
    "duplicate-kid": (b'{"kid":"other",' + OK_HEADER[1:], JSON),
    "duplicate-typ": (b'{"typ":"JWT",' + OK_HEADER[1:], JSON),
    "duplicate-other": (b'{"x":1,"x":1,' + OK_HEADER[1:], JSON),
    "duplicate-nested": (b'{"x":{"y":1,"y":2},' + OK_HEADER[1:], JSON),
    "not-a-number": (encode(header_of() | {"x": Raw("NaN")}), JSON),
    "infinity": (encode(header_of() | {"x": Raw("Infinity")}), JSON),
    "overflow": (encode(header_of() | {"x": Raw("1e999")}), JSON),
    "empty-object": (b"{}", HEADER),
    "three-deep": (encode(header_of() | {"x": {"y": {"z": 1}}}), invalid()),
    "deep": (encode(header_of() | {"x": nested(500)}), invalid()),
    "33-members": (encode(header_of() | {f"m{i}": i for i in range(30)}), HEADER),
    "over-2-kb": (encode(header_of() | {"x": "y" * 2048}), HEADER),
    "of-2048-bytes": (header_of_size(2048), AS_ALICE),
    "of-2049-bytes": (header_of_size(2049), HEADER),
}
MEMBERS: dict[str, tuple[dict[str, Any], Expect]] = {
    "alg-missing": ({"alg": DROP}, HEADER),
    "alg-number": ({"alg": 256}, HEADER),
    "alg-null": ({"alg": None}, HEADER),
    "alg-true": ({"alg": True}, HEADER),
    "alg-list": ({"alg": ["RS256"]}, HEADER),
    "alg-object": ({"alg": {"RS256": 1}}, HEADER),
    "alg-empty": ({"alg": ""}, invalid()),
    "alg-in-capitals-only": ({"alg": DROP, "ALG": "RS256"}, HEADER),
    "kid-number": ({"kid": 7}, HEADER),
    "kid-null": ({"kid": None}, HEADER),
    "kid-true": ({"kid": True}, HEADER),
    "kid-list": ({"kid": [RSA.kid]}, HEADER),
    "kid-object": ({"kid": {}}, HEADER),
    "kid-empty": ({"kid": ""}, invalid()),
    "typ-number": ({"typ": 1}, HEADER),
    "typ-null": ({"typ": None}, HEADER),
    "typ-list": ({"typ": ["at+jwt"]}, HEADER),
    "typ-true": ({"typ": True}, HEADER),
    "cty-number": ({"cty": 1}, HEADER),
    "cty-null": ({"cty": None}, HEADER),
    "cty-jwt": ({"cty": "JWT"}, HEADER),
    "cty-jwt-lower-case": ({"cty": "jwt"}, HEADER),
    "cty-jwt-mixed-case": ({"cty": "Jwt"}, HEADER),
    "crit-unknown": ({"crit": ["x"], "x": 1}, HEADER),
    "crit-empty": ({"crit": []}, HEADER),
    "crit-text": ({"crit": "b64"}, HEADER),
    "crit-null": ({"crit": None}, HEADER),
    "crit-exp": ({"crit": ["exp"], "exp": NOW + 600}, HEADER),
    "crit-alg": ({"crit": ["alg"]}, HEADER),
    "crit-absent-member": ({"crit": ["nothing"]}, HEADER),
    "crit-twice-the-same": ({"crit": ["b64", "b64"], "b64": True}, HEADER),
    "crit-dunder": ({"crit": ["__class__"]}, HEADER),
    "crit-number": ({"crit": 7}, HEADER),
    "b64-false": ({"b64": False, "crit": ["b64"]}, HEADER),
    "b64-false-alone": ({"b64": False}, HEADER),
    "b64-true": ({"b64": True}, HEADER),
    "b64-text": ({"b64": "false"}, HEADER),
    "b64-zero": ({"b64": 0}, HEADER),
    "b64-null": ({"b64": None}, HEADER),
    "zip-deflate": ({"zip": "DEF"}, HEADER),
    "zip-null": ({"zip": None}, HEADER),
    "cty-json": ({"cty": "json"}, AS_ALICE),
    "unknown-member": ({"x": 1, "y": "z"}, AS_ALICE),
    "nested-member": ({"x": {"y": 1}}, AS_ALICE),
    "thirty-two-members": ({f"m{i}": i for i in range(29)}, AS_ALICE),
    "jku": ({"jku": "https://attacker.example/keys"}, AS_ALICE),
    "jku-of-a-file": ({"jku": "file:///etc/passwd"}, AS_ALICE),
    "jku-of-any-type": ({"jku": 7}, AS_ALICE),
    "x5u": ({"x5u": "https://attacker.example/chain"}, AS_ALICE),
    "jwk": ({"jwk": RSA_FOREIGN.jwk()}, AS_ALICE),
    "x5c": ({"x5c": ["MIIB"]}, AS_ALICE),
}
INJECTED: dict[str, dict[str, Any]] = {
    "jwk-injected": {"jwk": RSA_FOREIGN.jwk()},
    "jwk-injected-with-its-kid": {"jwk": RSA_FOREIGN.jwk(), "kid": RSA_FOREIGN.kid},
    "jku-injected": {"jku": "https://attacker.example/keys"},
    "jku-injected-data": {"jku": "data:application/json,{}"},
    "x5c-injected": {"x5c": [RSA_FOREIGN.der().hex()]},
    "x5u-injected": {"x5u": "http://127.0.0.1:1/chain"},
}

OK_PAYLOAD = encode(claims_of())
PAYLOADS: dict[str, tuple[bytes, Expect]] = {
    "not-json": (b"iss=" + CORP.encode(), JSON),
    "bytes": (bytes(range(64)), JSON),
    "list": (b"[1]", JSON),
    "list-of-claims": (b"[" + OK_PAYLOAD + b"]", JSON),
    "text": (b'"claims"', JSON),
    "null": (b"null", JSON),
    "number": (b"1", JSON),
    "blank": (b" ", JSON),
    "truncated": (OK_PAYLOAD[:-1], JSON),
    "two-objects": (OK_PAYLOAD + OK_PAYLOAD, JSON),
    "trailing-brace": (OK_PAYLOAD + b"}", JSON),
    "trailing-comma": (OK_PAYLOAD[:-1] + b",}", JSON),
    "trailing-nul": (OK_PAYLOAD + b"\x00", JSON),
    "comment": (b"/* */" + OK_PAYLOAD, JSON),
    "single-quotes": (OK_PAYLOAD.replace(b'"', b"'"), JSON),
    "utf-16": (OK_PAYLOAD.decode().encode("utf-16"), JSON),
    "utf-16-le": (OK_PAYLOAD.decode().encode("utf-16-le"), JSON),
    "utf-16-be": (OK_PAYLOAD.decode().encode("utf-16-be"), JSON),
    "utf-32-le": (OK_PAYLOAD.decode().encode("utf-32-le"), JSON),
    "utf-32-be": (OK_PAYLOAD.decode().encode("utf-32-be"), JSON),
    "utf-7": (OK_PAYLOAD[:-1] + b',"x":"+AGE-\xa0"}', JSON),
    "byte-order-mark": (b"\xef\xbb\xbf" + OK_PAYLOAD, JSON),
    "invalid-utf-8": (encode(claims_of(x="y-z")).replace(b"y-z", b"\xff"), JSON),
    "latin-1": (encode(claims_of(x="größe")).decode().encode("latin-1"), JSON),
    "overlong-utf-8": (encode(claims_of(x="y-z")).replace(b"y-z", b"\xc1\x81"), JSON),
    "cesu-8-surrogates": (encode(claims_of(x="y-z")).replace(b"y-z", b"\xed\xa0\xbd\xed\xb8\x80"), JSON),
    "utf-8-beyond-unicode": (encode(claims_of(x="y-z")).replace(b"y-z", b"\xf4\x90\x80\x80"), JSON),
    "raw-control-character": (encode(claims_of(x=Raw('"a\x01b"'))), JSON),
    "raw-line-feed": (encode(claims_of(x=Raw('"a\nb"'))), JSON),
    "bad-escape": (encode(claims_of(x=Raw(r'"\x41"'))), JSON),
    "lone-high-surrogate": (encode(claims_of(x=Raw(r'"\ud83d"'))), JSON),
    "lone-low-surrogate": (encode(claims_of(x=Raw(r'"\ude00"'))), JSON),
    "swapped-surrogates": (encode(claims_of(x=Raw(r'"\ude00\ud83d"'))), JSON),
    "lone-surrogate-in-a-name": (encode(claims_of())[:-1] + rb',"\ud800":1}', JSON),
    "lone-surrogate-in-a-list": (encode(claims_of(x=Raw(r'["\ud800"]'))), JSON),
    "not-a-number": (encode(claims_of(x=Raw("NaN"))), JSON),
    "infinity": (encode(claims_of(x=Raw("Infinity"))), JSON),
    "minus-infinity": (encode(claims_of(x=Raw("-Infinity"))), JSON),
    "not-a-number-nested": (encode(claims_of(x=Raw('{"y":[NaN]}'))), JSON),
    "overflow": (encode(claims_of(x=Raw("1e999"))), JSON),
    "overflow-negative": (encode(claims_of(x=Raw("-1e999"))), JSON),
    "leading-zero": (encode(claims_of(x=Raw("01"))), JSON),
    "leading-plus": (encode(claims_of(x=Raw("+1"))), JSON),
    "hexadecimal": (encode(claims_of(x=Raw("0x10"))), JSON),
    "duplicate-iss": (b'{"iss":"https://attacker.example",' + OK_PAYLOAD[1:], JSON),
    "duplicate-iss-last": (OK_PAYLOAD[:-1] + b',"iss":"https://attacker.example"}', JSON),
    "duplicate-exp": (OK_PAYLOAD[:-1] + b',"exp":%d}' % (NOW + 9999), JSON),
    "duplicate-aud": (b'{"aud":"x",' + OK_PAYLOAD[1:], JSON),
    "duplicate-sub": (b'{"sub":"root",' + OK_PAYLOAD[1:], JSON),
    "duplicate-sub-the-same": (OK_PAYLOAD[:-1] + b',"sub":"' + ALICE.encode() + b'"}', JSON),
    "duplicate-sub-escaped": (OK_PAYLOAD[:-1] + rb',"\u0073ub":"root"}', JSON),
    "duplicate-other": (encode(claims_of(x=1))[:-1] + b',"x":2}', JSON),
    "duplicate-nested": (encode(claims_of(x=Raw('{"roles":["a"],"roles":["admin"]}'))), JSON),
    "duplicate-nested-in-list": (encode(claims_of(x=Raw('[{"a":1,"a":2}]'))), JSON),
    "33-deep": (encode(claims_of(x=nested(32))), JSON),
    "33-deep-objects": (encode(claims_of(x=Raw('{"y":' * 32 + "1" + "}" * 32))), JSON),
    "2000-deep": (encode(claims_of(x=nested(2000))), JSON),
    "2000-deep-unclosed": (OK_PAYLOAD[:-1] + b',"x":' + b"[" * 4000, JSON),
    "900-deep-objects": (encode(claims_of(x=Raw('{"":' * 900 + "1" + "}" * 900))), JSON),
}
GOOD_PAYLOADS: dict[str, bytes] = {
    "32-deep": encode(claims_of(x=nested(31))),
    "surrogate-pair-escape": encode(claims_of(x=Raw(r'"\ud83d\ude00"'))),
    "emoji": encode(claims_of(x="😀")),
    "escaped-backslash-u": encode(claims_of(x=Raw(r'"\\ud800"'))),
    "white-space": b' {\n"iss" : "' + CORP.encode() + b'" ,\t' + OK_PAYLOAD.split(b",", 1)[1] + b"\r\n",
    "big-integer": encode(claims_of(x=2**200)),
    "same-name-at-two-levels": encode(claims_of(x={"sub": "bob-77aa", "iss": "x"})),
    "many-members": encode(claims_of(**{f"m{i}": i for i in range(300)})),
    "empty-name": encode(claims_of(**{"": 1})),
    "prototype-names": encode(claims_of(__class__="x", __proto__={"admin": True})),
    "capital-names-are-other-claims": encode(claims_of(EXP=1, Aud="x", ISS=7, Nbf="never")),
    "unknown-claims": encode(claims_of(email="alice@corp.example", nonce="n", at_hash="h", act={"sub": "b"})),
    "audience-again-in-list": encode(claims_of(aud=[AUDIENCE, AUDIENCE])),
}
SEEN = Earlier(get(bearer(GOOD)), 200)
CASES = [
    Case("good-token", get(bearer(GOOD)), AS_ALICE),
    *(Case(f"shape-{name}", get(bearer(made)), FORMAT) for name, made in SHAPES.items()),
    *(Case(f"spelling-{name}", get(bearer(made)), BAD_REQUEST) for name, made in NOT_ONE_B64TOKEN.items()),
    *(Case(name, get(bearer(made)), SIGNATURE) for name, made in SIGNATURES.items()),
    *(Case(f"header-{name}", get(bearer(with_header(made))), expect) for name, (made, expect) in HEADERS.items()),
    *(Case(f"header-{name}", get(bearer(token(RSA, made))), expect) for name, (made, expect) in MEMBERS.items()),
    *(
        Case(name, get(bearer(jws(encode(header_of() | made), encode(claims_of()), RSA_FOREIGN))), invalid())
        for name, made in INJECTED.items()
    ),
    *(Case(f"payload-{name}", get(bearer(with_payload(made))), expect) for name, (made, expect) in PAYLOADS.items()),
    *(Case(f"payload-ok-{name}", get(bearer(with_payload(made))), AS_ALICE) for name, made in GOOD_PAYLOADS.items()),
    # A seen token is known by its exact bytes: neighbours of it are strangers.
    *(
        Case(f"seen-then-{name}", get(bearer(made)), expect, before=(SEEN,))
        for name, made, expect in (
            ("padded", GOOD + b"=", FORMAT),
            ("last-bit-flipped", HEAD + b"." + BODY + b"." + unused_bits(SIGN), FORMAT),
            ("signature-exchanged", HEAD + b"." + BODY + b"." + token(sub="bob-77aa").split(b".")[2], SIGNATURE),
            ("truncated", GOOD[:-2], SIGNATURE),
            ("cut-to-two-segments", HEAD + b"." + BODY, FORMAT),
        )
    ),
]
