"""Which URLs are fetched, which answers count, and what a bad server can do: nothing beyond its deadline."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate
from time import monotonic

import httpcore2
import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.issuers import transport
from jwtmw.issuers.fetch import MOST_BYTES, Fetched, FetchFailed, HttpSettings, exchange, fetch, url_problem
from tests.issuers.servers import authority, drip, hang, reset, response, serving

QUICK = HttpSettings(timeout=0.3)
PATIENT = HttpSettings(timeout=5)


def failure(url: str, settings: HttpSettings = PATIENT, etag: str | None = None) -> FetchFailed:
    """How the fetch fails."""
    with pytest.raises(FetchFailed) as caught:
        fetch(url, etag, settings)
    return caught.value


def behind(error: BaseException) -> list[BaseException]:
    """The errors that a traceback, or a tool that looks deeper, would show behind this one."""
    nearer = [other for other in (error.__context__, error.__cause__) if other is not None]
    return nearer + [deeper for other in nearer for deeper in behind(other)]


# URLs and settings


FIT = ["https://id.example/jwks", "https://id.example:8443/a?b=c", "https://[2001:db8::1]/", "http://localhost:8080/"]
FIT += ["http://127.0.0.1/x", "http://127.9.9.9/x", "http://[::1]:81/x"]
UNFIT = {
    "http": "http://id.example/jwks",
    "http to a private address": "http://10.0.0.1/jwks",
    "http to a name that begins like loopback": "http://localhost.example/",
    "file": "file:///etc/passwd",
    "no host": "https:///jwks",
    "no scheme": "id.example/jwks",
    "user": "https://user:pw@id.example/jwks",
    "loopback as user": "http://127.0.0.1@id.example/",
    "fragment": "https://id.example/jwks#a",
    "empty fragment": "https://id.example/jwks#",
    "space": "https://id.example/a b",
    "newline": "https://id.example/a\r\nHost: b",
    "other script": "https://idé.example/",
    "port too large": "https://id.example:99999/",
    "port 0": "https://id.example:0/",
    "broken address": "https://[::1/",
    "empty": "",
}


@pytest.mark.parametrize("url", FIT)
def test_https_and_loopback_may_be_fetched(url):
    """https anywhere, http on this machine only."""
    assert None is url_problem(url)


@pytest.mark.parametrize("url", UNFIT.values(), ids=UNFIT)
def test_no_other_url_is_ever_fetched(url):
    """What is not https, or could be read differently, is refused before a connection, by a text without the URL."""
    problem = url_problem(url)
    assert problem == failure(url).reason
    assert "example" not in str(problem)


BAD_SETTINGS = {
    "timeout 0": ({"timeout": 0}, "http.timeout"),
    "timeout endless": ({"timeout": float("inf")}, "http.timeout"),
    "no ca_file": ({"ca_file": "/nowhere/ca.pem"}, "http.ca_file"),
    "ca_file without certificates": ({"ca_file": __file__}, "http.ca_file"),
    "proxy without a scheme": ({"proxy": "proxy:3128"}, "http.proxy"),
    "https proxy": ({"proxy": "https://proxy:3128"}, "http.proxy"),
    "socks proxy": ({"proxy": "socks5://proxy:1080"}, "http.proxy"),
    "proxy without a host": ({"proxy": "http://"}, "http.proxy"),
    "proxy with a space": ({"proxy": "http://a b"}, "http.proxy"),
}


@pytest.mark.parametrize(("settings", "offending"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_settings_that_cannot_work_do_not_start(settings, offending):
    """The error names the key."""
    with pytest.raises(ConfigurationError) as caught:
        HttpSettings(**settings)
    assert offending == caught.value.key


def test_the_proxys_password_is_not_shown():
    """repr leaves the proxy out."""
    assert "hunter2" not in repr(HttpSettings(proxy="http://me:hunter2@127.0.0.1:3128"))


def test_importing_loads_no_http_client():
    """The client is loaded by the first fetch, not by the import of all that leads there."""
    code = "import sys, jwtmw.issuers.remote, jwtmw.issuers.issuer; print({'httpx2', 'httpcore2'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()" == shown.stdout.strip()


# Answers that count


def test_a_good_answer():
    """A document comes with its ETag and max-age; the request asks for JSON and sends nothing about anybody."""
    with serving(response(b'{"keys": [1]}', ETag='"v1"', Cache_Control="public, max-age=120", Age="20")) as server:
        assert Fetched({"keys": [1]}, 100.0, '"v1"') == fetch(server.url("/a/jwks?b=c"), None, PATIENT)
    (request,) = server.requests
    assert [
        "GET /a/jwks?b=c HTTP/1.1",
        "accept-encoding: gzip",
        "accept: application/json",
        f"host: 127.0.0.1:{server.port}",
        "user-agent: jwtmw",
    ] == [request.splitlines()[0], *sorted(line.lower() for line in request.splitlines()[1:] if line)]


def test_an_unchanged_document_is_not_sent_again():
    """The ETag goes out as If-None-Match; 304 says that the document holds, and for how long."""
    with serving(response(b"", "304 Not Modified", Cache_Control="max-age=60")) as server:
        assert Fetched(None, 60.0, '"v1"', not_modified=True) == fetch(server.url(), '"v1"', PATIENT)
    assert 'if-none-match: "v1"' in server.requests[0].lower()


CACHING = {
    "none": ({}, None),
    "max-age": ({"Cache_Control": "max-age=600"}, 600.0),
    "quoted": ({"Cache_Control": 'max-age="600"'}, 600.0),
    "upper case among others": ({"Cache_Control": "Public,MAX-AGE=600,must-revalidate"}, 600.0),
    "s-maxage is not ours": ({"Cache_Control": "s-maxage=600"}, None),
    "zero": ({"Cache_Control": "max-age=0"}, 0.0),
    "no-store": ({"Cache_Control": "no-store, max-age=600"}, 0.0),
    "no-cache": ({"Cache_Control": "no-cache"}, 0.0),
    "older than its max-age": ({"Cache_Control": "max-age=60", "Age": "600"}, 0.0),
    "Age is garbage": ({"Cache_Control": "max-age=60", "Age": "old"}, 60.0),
    "negative": ({"Cache_Control": "max-age=-1"}, None),
    "garbage": ({"Cache_Control": "max-age=soon"}, None),
    "10^12": ({"Cache_Control": "max-age=1000000000000"}, None),
}


@pytest.mark.parametrize(("headers", "expected"), CACHING.values(), ids=CACHING)
def test_max_age(headers, expected):
    """max-age less Age, 0 where the answer must not be kept, None where it does not say."""
    with serving(response(**headers)) as server:
        assert expected == fetch(server.url(), None, PATIENT).max_age


ETAGS = {"weak": 'W/"a"', "empty": '""', "strong": '"a-1!"'}
NO_ETAGS = {"no quotes": "abc", "space": '"a b"', "too long": f'"{"a" * 257}"', "two": '"a", "b"', "empty": ""}


@pytest.mark.parametrize("etag", ETAGS.values(), ids=ETAGS)
def test_an_entity_tag_is_kept(etag):
    """RFC 9110 section 8.8.3."""
    with serving(response(ETag=etag)) as server:
        assert etag == fetch(server.url(), None, PATIENT).etag


@pytest.mark.parametrize("etag", NO_ETAGS.values(), ids=NO_ETAGS)
def test_what_is_no_entity_tag_is_dropped(etag):
    """What could not be sent back as a header is not kept."""
    with serving(response(ETag=etag)) as server:
        assert None is fetch(server.url(), None, PATIENT).etag


def test_gzip_is_understood():
    """A compressed document is inflated."""
    with serving(response(gzip.compress(b'{"keys": [2]}'), Content_Encoding="gzip")) as server:
        assert {"keys": [2]} == fetch(server.url(), None, PATIENT).document


def test_chunked_bodies_and_the_limit_itself():
    """A chunked body of exactly the limit is read."""
    body = b'"' + b"a" * (MOST_BYTES - 2) + b'"'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)) as server:
        assert "a" * (MOST_BYTES - 2) == fetch(server.url(), None, PATIENT).document


# Answers that are failures


JSON = "the body is not one strict JSON document in UTF-8"
TOO_LARGE = f"more than {MOST_BYTES} bytes"
NO_GZIP = f"not one gzip stream of at most {MOST_BYTES} bytes"
GZIPPED = gzip.compress(b"{}")
BAD = {
    "HTML": (response(b"<html>maintenance</html>", Content_Type="text/html"), JSON),
    "empty": (response(b""), JSON),
    "invalid UTF-8": (response(b'{"keys": "\xff"}'), JSON),
    "UTF-16": (response("{}".encode("utf-16")), JSON),
    "duplicate members": (response(b'{"keys": [], "keys": []}'), JSON),
    "deep": (response(b"[" * 400_000), JSON),
    "gzip that was not announced": (response(GZIPPED), JSON),
    "204": (response(b"", "204 No Content"), "status 204: not a success"),
    "unasked 304": (response(b"", "304 Not Modified"), "status 304: a redirect, which is not followed"),
    "404": (response(b"{}", "404 Not Found"), "status 404: not a success"),
    "500": (response(b"{}", "500 Oops"), "status 500: not a success"),
    "302": (
        response(b"", "302 Found", Location="http://127.0.0.1:1/"),
        "status 302: a redirect, which is not followed",
    ),
    "too large": (response(b" " * (MOST_BYTES + 1)), TOO_LARGE),
    "endless chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 12,
        TOO_LARGE,
    ),
    "gzip bomb": (response(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"), NO_GZIP),
    "gzip, just too large": (response(gzip.compress(b" " * (MOST_BYTES + 1)), Content_Encoding="gzip"), NO_GZIP),
    "gzip, cut": (response(GZIPPED[:-3], Content_Encoding="gzip"), NO_GZIP),
    "gzip, twice": (response(GZIPPED * 2, Content_Encoding="gzip"), NO_GZIP),
    "gzip, not": (response(b"{}", Content_Encoding="gzip"), NO_GZIP),
    "unknown encoding": (response(b"{}", Content_Encoding="br"), "a content encoding that was not asked for"),
    "two encodings": (response(b"{}", Content_Encoding="gzip, gzip"), "a content encoding that was not asked for"),
    "body shorter than it says": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        "the connection failed: RemoteProtocolError",
    ),
    "broken chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "the connection failed: RemoteProtocolError",
    ),
    "no HTTP": (b"SSH-2.0-OpenSSH_9\r\n", "the connection failed: RemoteProtocolError"),
    "closed at once": (b"", "the connection failed: RemoteProtocolError"),
    "endless header": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, "the connection failed: RemoteProtocolError"),
}


@pytest.mark.parametrize(("answer", "reason"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_a_failure(answer, reason):
    """One typed failure whose text is ours, with no error behind it that would quote the answer."""
    with serving(answer) as server:
        failed = failure(server.url())
    assert reason == failed.reason
    assert {str(error) for error in behind(failed)} <= {"not one strict JSON document in UTF-8"}


def test_a_304_answers_only_who_asked_conditionally():
    """With an ETag other statuses than 200 and 304 are failures all the same."""
    with serving(response(b"", "301 Moved", Location="/")) as server:
        assert "status 301: a redirect, which is not followed" == failure(server.url(), etag='"a"').reason


PATIENCE = {
    "none": (None, None),
    "seconds": ("17", 17.0),
    "garbage": ("soon", None),
    "negative": ("-1", None),
    "a date long ago": (formatdate(0, usegmt=True), 0.0),
    "a date beyond all dates": ("Fri, 31 Dec 99999 23:59:59 GMT", None),
}


@pytest.mark.parametrize(("header", "expected"), PATIENCE.values(), ids=PATIENCE)
def test_retry_after(header, expected):
    """Seconds or a date; anything else says nothing."""
    headers = {} if header is None else {"Retry_After": header}
    with serving(response(b"", "503 Unavailable", **headers)) as server:
        assert expected == failure(server.url()).retry_after


def test_retry_after_as_a_date():
    """The seconds until the date."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    with serving(response(b"", "429 Too Many Requests", Retry_After=soon)) as server:
        waiting = failure(server.url()).retry_after
    assert waiting is not None
    assert 90 < waiting <= 100


# Servers that are slow, gone or false


SLOW = {
    "says nothing": hang,
    "drips its head": drip(*(bytes([octet]) for octet in response())),
    "drips its body": drip(*[b" "] * 99, first=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
    "drips informational answers": drip(*[b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 99),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_one_deadline_covers_everything(answer):
    """However a server spreads its answer, the fetch is over at the timeout."""
    fetch_once()
    with serving(answer) as server:
        started = monotonic()
        assert "timed out after 0.3 s" == failure(server.url(), QUICK).reason
        assert monotonic() - started < 1.5


def fetch_once() -> None:
    """Load the HTTP client, so that its import is not part of what is measured."""
    with serving(response(b"{}")) as server:
        fetch(server.url(), None, PATIENT)


def test_a_tls_handshake_that_stalls_is_over_in_time():
    """The deadline holds during TLS too: this server never says hello."""
    fetch_once()
    with serving(hang) as server:
        started = monotonic()
        assert "timed out after 0.3 s" == failure(server.url(scheme="https"), QUICK).reason
        assert monotonic() - started < 1.5


def test_a_connection_that_resets():
    """A reset before or within the body is a failure, not an exception of the socket."""
    for sent in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"):
        with serving(reset(sent)) as server:
            assert "the connection failed: ReadError" == failure(server.url()).reason


def test_nobody_listens():
    """A refused connection is named by the kernel's own text."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert "no connection: [Errno 111] Connection refused" == failure(f"http://127.0.0.1:{port}/").reason


def test_a_name_that_nobody_has(monkeypatch):
    """The resolver's failures are failures, also its odd ones for odd names."""
    for error in (socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")):
        monkeypatch.setattr(socket, "getaddrinfo", failing(error))
        assert f"no connection: {error}" == failure("https://id.example/").reason
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: [])
    assert "no connection: the host has no address" == failure("https://id.example/").reason


def failing(error: Exception):
    def fail(*_args, **_named):
        raise error

    return fail


def test_each_address_of_a_name_is_tried(monkeypatch):
    """An address that refuses leaves the next one its chance."""
    with serving(response(b"{}")) as server:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, server.port)) for host in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, port, *args, **named: (
                addresses if host == "localhost" else [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
            ),
        )
        assert {} == fetch(server.url(host="localhost"), None, PATIENT).document


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch):
    """Of 4 s the first of two addresses gets 2; what it leaves is the second's."""
    given: list[float] = []

    def silent(self, host, port, timeout, *_others):
        given.append(timeout)
        raise httpcore2.ConnectTimeout

    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in ("192.0.2.1", "192.0.2.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: addresses)
    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", silent)
    assert "timed out after 4 s" == failure("https://id.example/", HttpSettings(timeout=4)).reason
    assert [2, 4] == [round(share) for share in given]


def test_the_deadline_that_has_passed_stops_every_operation():
    """No socket is asked to wait 0 seconds, which would mean not to block."""
    left, right = socket.socketpair()
    with left, right:
        backend = transport._DeadlineBackend(monotonic() - 1)
        with pytest.raises(httpcore2.ReadTimeout):
            backend.connect_tcp("127.0.0.1", 1)


# TLS and proxies


def test_a_private_authority_is_trusted_where_it_is_configured(tmp_path):
    """With ca_file its certificates count; without it, or for another address, they do not."""
    private = authority(tmp_path)
    trusting = HttpSettings(timeout=5, ca_file=str(private.ca_file))
    with serving(response(b'{"keys": [3]}'), private.context) as server:
        assert {"keys": [3]} == fetch(server.url(scheme="https"), None, trusting).document
        assert "certificate verify failed" in failure(server.url(scheme="https")).reason
        assert "certificate verify failed" in failure(server.url(scheme="https", host="localhost"), trusting).reason


def test_a_trust_store_that_has_gone_is_a_failure(tmp_path):
    """The file was there at the start and is unreadable now."""
    private = authority(tmp_path)
    settings = HttpSettings(timeout=5, ca_file=str(private.ca_file))
    private.ca_file.write_text("no longer")
    with serving(response()) as server:
        assert "the trust store cannot be read" == failure(server.url(scheme="https"), settings).reason


def test_plain_http_never_goes_to_the_proxy():
    """It is for this machine's loopback; a proxy would carry it over the network to its own."""
    with serving(response(b'{"keys": [4]}')) as server, serving(response(b'{"keys": [6]}')) as proxy:
        settings = HttpSettings(timeout=5, proxy=f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        assert {"keys": [4]} == fetch(server.url(), None, settings).document
    assert [] == proxy.requests


def test_tls_goes_through_the_proxy_as_a_tunnel(tmp_path):
    """For https the proxy only connects: the certificate is judged end to end."""
    private = authority(tmp_path)

    def tunnel(stream: socket.socket, proxy) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as onward:
            stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, stream))
            back.start()
            pump(stream, onward)
            back.join(5)

    with serving(response(b'{"keys": [5]}'), private.context) as server, serving(tunnel) as proxy:
        at = f"http://me:p%40ss@127.0.0.1:{proxy.port}"
        settings = HttpSettings(timeout=5, ca_file=str(private.ca_file), proxy=at)
        assert {"keys": [5]} == fetch(server.url(scheme="https"), None, settings).document
    assert f"CONNECT 127.0.0.1:{server.port} HTTP/1.1" == proxy.requests[0].splitlines()[0]
    assert "proxy-authorization: basic bwu6cebzcw==" in proxy.requests[0].lower()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the end, then say that it has ended."""
    while chunk := source.recv(4096):
        sink.sendall(chunk)
    sink.shutdown(socket.SHUT_WR)


def test_a_proxy_that_refuses_is_a_failure():
    """A proxy's own refusal of the tunnel is no answer of the issuer."""
    with serving(response(b"", "403 Forbidden")) as proxy:
        settings = HttpSettings(timeout=5, proxy=f"http://127.0.0.1:{proxy.port}")
        assert (
            "the proxy refuses; check http.proxy, and what it lets through"
            == failure("https://id.example/", settings).reason
        )


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    """HTTP_PROXY and its kin lead nowhere."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    with serving(response(b"{}")) as server:
        assert {} == fetch(server.url(), None, PATIENT).document


# Other requests than GET


def test_a_request_with_a_body() -> None:
    """Method, headers and body go out as they are given; an answer without a body is one too."""
    with serving(response(b"", "204 No Content")) as server:
        answer = exchange("PUT", server.url("/a"), [("X-Word", "b")], b"{}", PATIENT)
    (head,) = server.requests
    assert (204, b"") == (answer.status, answer.body)
    assert head.startswith("PUT /a HTTP/1.1\r\n")
    assert "\r\nx-word: b\r\n" in head.lower()
    assert "\r\ncontent-length: 2\r\n" in head.lower()


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """What was sent, credentials too, is never sent on to where a redirect leads."""
    with serving(response(b"", "307 Temporary Redirect", Location="http://127.0.0.1:1/")) as server:
        assert 307 == exchange("POST", server.url(), [("X-Vault-Token", "a")], b"{}", PATIENT).status
    assert 1 == len(server.requests)
