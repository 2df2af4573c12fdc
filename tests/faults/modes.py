"""The faults: what the issuer does, and what callers must get, whatever state the keys were in before.

Owns: every mode with its expected rows. `CONTROLS` are sound issuers; a mode that no row tells from them is not
counted.
Must never know: how a row is run.

Bodies that come with a fault hold a key set that would serve if it were believed, so that believing it shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults import bodies, wire
from tests.faults.keyserver import JWKS, METADATA, Answer

STATES = ("cold", "warm", "stale")


class Expected(NamedTuple):
    """One row's columns that do not depend on time.

    known     what a token gets that is signed by the key published all along, after the fault has been met
    new       what a token gets that is signed by a key not published before; not asked in the cold state
    requests  how many requests the issuer has seen since the fault began
    keys      what is left: none, stale, or for how long they are fresh
    why       the last error, as an observer sees it
    """

    known: str
    new: str
    requests: int
    keys: str
    why: str


@dataclass(frozen=True)
class Mode:
    """`slow`: whoever has to wait waits until the deadline, and known keys are asked for meanwhile."""

    name: str
    answers: dict[str, Answer]
    expected: dict[str, Expected]
    slow: bool = False
    discovery: bool = False
    etag: bool = field(default=False)


def fails(why: str, requests: int = 1, patience: str = "") -> dict[str, Expected]:
    """The fault is a failure: without keys 503; with keys, fresh or stale, they serve, and a new kid is 503."""
    refused = f"503{patience}"
    return {
        "cold": Expected(refused, "-", requests, "none", why),
        "warm": Expected("200", refused, requests, "fresh 300 s", why),
        "stale": Expected("200", refused, requests, "stale", why),
    }


def serves(
    cold: str = "200", known: str = "200", new: str = "401", requests: int = 1, fresh: int = 300, again: int = 0
) -> dict[str, Expected]:
    """The answer counts. `again`: so many more requests for the sake of a kid that has gone, where none was made for
    an unknown kid just before.
    """
    kept = f"fresh {fresh} s"
    return {
        "cold": Expected(cold, "-", requests + again, kept, ""),
        "warm": Expected(known, new, requests, kept, ""),
        "stale": Expected(known, new, requests + again, kept, ""),
    }


def at_keys(name: str, answer: Answer, expected: dict[str, Expected], slow: bool = False, etag: bool = False) -> Mode:
    """The key set's own URL misbehaves."""
    return Mode(name, {JWKS: answer}, expected, slow, etag=etag)


def at_metadata(name: str, answer: Answer, expected: dict[str, Expected], slow: bool = False, **more: Answer) -> Mode:
    """The keys are found by discovery, and its document misbehaves."""
    return Mode(name, {METADATA: answer, **{f"/{path}": other for path, other in more.items()}}, expected, slow, True)


_JSON = "the body is not one strict JSON document in UTF-8"
_SET = "the key set was refused: not a JWK set: an object with a list named keys"
_NO_KEY = "the key set was refused: no usable key"
_PROTOCOL = "the connection failed: RemoteProtocolError"
_BROKEN = "the connection failed: ReadError"
_LARGE = "more than 524288 bytes"
_GZIP = "not one gzip stream of at most 524288 bytes"
_CODING = "a content encoding that was not asked for"
_LATE = "timed out"


def _status(code: int) -> str:
    return f"status {code}: {'a redirect, which is not followed' if 300 <= code < 400 else 'not a success'}"


CONTROLS = [
    at_keys("sound", wire.good, serves()),
    Mode("sound, by discovery", {}, serves(requests=2), discovery=True),
]

_STATUSES = [
    *(
        at_keys(f"status {code}", wire.status(code), fails(_status(code)))
        for code in (201, 203, 204, 206, 300, 400, 401, 403, 404, 410, 418, 500, 501, 502, 503, 504, 599)
    ),
    at_keys("304 without having been asked", wire.status(304), fails(_status(304))),
    *(
        at_keys(f"redirect {code} to good keys", wire.redirect(code), fails(_status(code)))
        for code in (301, 302, 307, 308)
    ),
    at_keys("redirect in circles", wire.redirect(302, JWKS), fails(_status(302))),
    at_keys("429, Retry-After 45", wire.status(429, "Retry-After: 45"), fails(_status(429), 1, ", 45 s")),
    at_keys("503, Retry-After a year", wire.status(503, "Retry-After: 31536000"), fails(_status(503), 1, ", 60 s")),
    at_keys("503, Retry-After a date in a year", wire.next_year, fails(_status(503), 1, ", 60 s")),
    at_keys("503, Retry-After garbage", wire.status(503, "Retry-After: soon"), fails(_status(503))),
    at_keys("503, Retry-After negative", wire.status(503, "Retry-After: -5"), fails(_status(503))),
]
_SLOWNESS = [
    at_keys("hangs before it answers", wire.hang(), fails(_LATE), slow=True),
    at_keys("hangs in the head", wire.hang(b"HTTP/1.1 200 OK\r\nContent-"), fails(_LATE), slow=True),
    at_keys("hangs in the body", wire.hang(bodies.GOOD_HTTP[:-9]), fails(_LATE), slow=True),
    at_keys("hangs after a chunk", wire.hang(wire.CHUNKED + b'5\r\n{"key\r\n'), fails(_LATE), slow=True),
    at_keys("a byte at a time", wire.drip(bodies.GOOD_HTTP), fails(_LATE), slow=True),
    at_keys("a byte of the body at a time", wire.drip(bodies.GOOD, wire.head(bodies.GOOD)), fails(_LATE), slow=True),
    at_keys("early hints for ever", wire.drip_pieces(b"HTTP/1.1 103 Early Hints\r\n\r\n"), fails(_LATE), slow=True),
    at_keys("a body without end, slowly", wire.drip_pieces(b"1\r\n \r\n", wire.CHUNKED), fails(_LATE), slow=True),
]
_CONNECTION = [
    at_keys("closes at once", wire.octets(b""), fails(_PROTOCOL)),
    at_keys("closes in the head", wire.octets(b"HTTP/1.1 200 OK\r\nContent-"), fails(_PROTOCOL)),
    at_keys("closes in the body", wire.octets(bodies.GOOD_HTTP[:-9]), fails(_PROTOCOL)),
    at_keys("resets at once", wire.reset(b""), fails(_BROKEN)),
    at_keys("resets in the body", wire.reset(bodies.GOOD_HTTP[:-9]), fails(_BROKEN)),
    at_keys("no HTTP", wire.octets(b"SSH-2.0-OpenSSH_9\r\n"), fails(_PROTOCOL)),
    at_keys("a body without a head", wire.octets(bodies.GOOD), fails(_PROTOCOL)),
    at_keys("a header without end", wire.octets(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000), fails(_PROTOCOL)),
    at_keys(
        "a thousand headers", wire.body(bodies.GOOD, *[f"X-{n}: {'a' * 200}" for n in range(1000)]), fails(_PROTOCOL)
    ),
    at_keys("two lengths", wire.body(bodies.GOOD, "Content-Length: 5"), fails(_PROTOCOL)),
    at_keys(
        "a length that is no number", wire.octets(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), fails(_PROTOCOL)
    ),
    at_keys("a chunk that is no chunk", wire.octets(wire.CHUNKED + b"zz\r\n"), fails(_PROTOCOL)),
    at_keys("a length too short", wire.body(bodies.GOOD, length=len(bodies.GOOD) - 9), fails(_JSON)),
]
_SIZES = [
    at_keys("huge", wire.body(bodies.GOOD + b" " * 600_000), fails(_LARGE)),
    at_keys("huge in chunks", wire.octets(wire.CHUNKED + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 12), fails(_LARGE)),
    at_keys("a gzip bomb", wire.gzipped(bodies.BOMB), fails(_GZIP)),
    at_keys("gzip, cut", wire.gzipped(bodies.ZIPPED[:-4]), fails(_GZIP)),
    at_keys("gzip, twice in a row", wire.gzipped(bodies.ZIPPED * 2), fails(_GZIP)),
    at_keys("gzip that is none", wire.gzipped(bodies.GOOD), fails(_GZIP)),
    at_keys("gzip unannounced", wire.body(bodies.ZIPPED), fails(_JSON)),
    at_keys("deflate", wire.body(bodies.DEFLATED, "Content-Encoding: deflate"), fails(_CODING)),
    at_keys("brotli", wire.body(bodies.GOOD, "Content-Encoding: br"), fails(_CODING)),
    at_keys("gzip", wire.gzipped(bodies.ZIPPED), serves(new="200")),
]
_TEXTS = [at_keys(name, wire.body(octets), fails(_JSON)) for name, octets in bodies.NOT_JSON.items()]
_SHAPES = [at_keys(name, wire.body(octets), fails(_SET)) for name, octets in bodies.NO_SET.items()]
_KEYS = [
    *(at_keys(name, wire.keys(*jwks), fails(_NO_KEY)) for name, jwks in bodies.UNUSABLE.items()),
    at_keys("no keys", wire.keys(), fails(_NO_KEY)),
    at_keys("65 keys", wire.keys(*bodies.FLOOD), fails("the key set was refused: more than 64 keys")),
    *(
        at_keys(f"{name}, among good", wire.keys(bodies.GOOD_JWK, *jwks), serves())
        for name, jwks in bodies.UNUSABLE.items()
    ),
]
_ROTATION = [
    at_keys("a new key", wire.keys(bodies.GOOD_JWK, bodies.NEW_JWK), serves(new="200")),
    at_keys(
        "a new key for the old one", wire.keys(bodies.NEW_JWK), serves(cold="401", known="401", new="200", again=1)
    ),
    at_keys("the old kid for a new key", wire.keys(bodies.REUSED), serves(cold="401", known="401")),
    at_keys(
        "one kid for two keys",
        wire.keys(bodies.GOOD_JWK, bodies.REUSED, bodies.NEW_JWK),
        serves("401", "401", "200", again=1),
    ),
    at_keys("one key twice", wire.keys(bodies.GOOD_JWK, bodies.GOOD_JWK, bodies.NEW_JWK), serves(new="200")),
]
_CACHING = [
    at_keys(f"Cache-Control: {value}", wire.body(bodies.KNOWN_ONLY, f"Cache-Control: {value}"), serves(fresh=seconds))
    for value, seconds in {
        "no-store": 30,
        "no-cache": 30,
        "max-age=0": 30,
        "max-age=29, public": 30,
        "max-age=60": 60,
        "max-age=31536000": 300,
        "max-age=1000000000000": 300,
        "max-age=-1": 300,
        "max-age=soon": 300,
        "s-maxage=60": 300,
    }.items()
]
_CACHING += [
    at_keys(
        "older than its max-age",
        wire.body(bodies.KNOWN_ONLY, "Cache-Control: max-age=60", "Age: 600"),
        serves(fresh=30),
    ),
    at_keys("an ETag that is none", wire.body(bodies.KNOWN_ONLY, "ETag: a b"), serves()),
    at_keys("unchanged, by its ETag", wire.unchanged, serves(), etag=True),
]


def _metadata(name: str, why: str, **members: object) -> Mode:
    return at_metadata(f"discovery: {name}", wire.metadata(**members), fails(f"discovery: {why}"))


_OTHER = "the document is of another issuer"
_LEADS = "jwks_uri cannot be used: the URL must"
_DISCOVERY = [
    _metadata("another issuer", _OTHER, issuer="https://other.example"),
    _metadata("a slash behind the issuer", _OTHER, issuer="{issuer}/"),
    _metadata("the issuer in capitals", _OTHER, issuer="{ISSUER}"),
    _metadata("no issuer", _OTHER, issuer=None),
    _metadata("no jwks_uri", "the document has no jwks_uri", jwks_uri=None),
    _metadata("jwks_uri in a list", "the document has no jwks_uri", jwks_uri=["{issuer}/jwks"]),
    _metadata(
        "jwks_uri of plain http elsewhere", f"{_LEADS} be https (http only on loopback)", jwks_uri="http://id.example/"
    ),
    _metadata("jwks_uri of a file", "jwks_uri cannot be used: not a URL with a host", jwks_uri="file:///etc/passwd"),
    _metadata(
        "jwks_uri with a user", f"{_LEADS} have no user, password or fragment", jwks_uri="https://a:b@id.example/"
    ),
    at_metadata("discovery: HTML", wire.body(bodies.NOT_JSON["HTML"]), fails(f"discovery: {_JSON}")),
    at_metadata("discovery: a list", wire.body(b"[]"), fails("discovery: the document is no JSON object")),
    at_metadata("discovery: the issuer twice", wire.two_issuers, fails(f"discovery: {_JSON}")),
    at_metadata("discovery: status 404", wire.status(404), fails(f"discovery: {_status(404)}")),
    at_metadata(
        "discovery: 503, Retry-After 45",
        wire.status(503, "Retry-After: 45"),
        fails(f"discovery: {_status(503)}", 1, ", 45 s"),
    ),
    at_metadata("discovery: a redirect", wire.redirect(302), fails(f"discovery: {_status(302)}")),
    at_metadata("discovery: hangs", wire.hang(), fails(_LATE), slow=True),
    at_metadata(
        "discovery: slow, then the keys hang", wire.late_metadata, fails(_LATE, 2), slow=True, jwks=wire.hang()
    ),
    at_metadata("discovery: the keys redirect", wire.metadata(), fails(_status(302), 2), jwks=wire.redirect(302)),
    at_metadata("discovery: the keys have gone", wire.metadata(), fails(_status(404), 2), jwks=wire.status(404)),
    at_metadata(
        "discovery: the keys have moved",
        wire.metadata(jwks_uri="{issuer}/moved"),
        serves(new="200", requests=2),
        moved=wire.good_both,
    ),
    at_metadata(
        "discovery: algorithms none and HS256",
        wire.metadata(id_token_signing_alg_values_supported=["none", "HS256"]),
        serves(requests=2),
    ),
]

MODES = [
    *CONTROLS,
    *(*_STATUSES, *_SLOWNESS, *_CONNECTION, *_SIZES, *_TEXTS, *_SHAPES),
    *(*_KEYS, *_ROTATION, *_CACHING, *_DISCOVERY),
]


def counted() -> list[Mode]:
    """The modes that some row tells from the sound issuer of their kind."""
    sound = {control.discovery: control.expected for control in CONTROLS}
    return [mode for mode in MODES if mode.expected != sound[mode.discovery]]
