"""Which URLs may carry a token: exact origins, and one spelling that nobody reads in two ways."""

from __future__ import annotations

import pytest

from jwtmw.client.hosts import AllowedHosts, names, origin_of, require_no_proxy
from jwtmw.errors import ConfigurationError, NotAllowedHost

HERALD = AllowedHosts(
    ["https://herald.example", "https://census.example:8443/", "http://127.0.0.1:8000", "http://[::1]"]
)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://herald.example", "https://herald.example"),
        ("https://herald.example/a?b=https://evil.example#c", "https://herald.example"),
        ("https://herald.example:443/a", "https://herald.example"),
        ("HTTPS://HERALD.Example/A", "https://herald.example"),
        ("https://herald.example?x", "https://herald.example"),
        ("https://herald.example/@evil.example", "https://herald.example"),
        ("https://census.example:8443/", "https://census.example:8443"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_a_listed_origin_may_have_it(url: str, origin: str) -> None:
    """Scheme, host and port count, in any case, with the scheme's own port said or not."""
    assert origin == HERALD.origin(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://herald.example/",
        "https://herald.example:8443/",
        "https://herald.example:80/",
        "https://census.example/",
        "https://census.example:443/",
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "https://127.0.0.1:8000/",
        "https://www.herald.example/",
        "https://herald.example.evil.example/",
        "https://evilherald.example/",
        "https://herald.exampl/",
        "https://herald-example/",
        "https://xn--hrald-dva.example/",
        "https://[::1]/",
    ],
)
def test_any_other_origin_may_not(url: str) -> None:
    """Not another scheme, port, parent, child or look-alike; the error says which one it was."""
    with pytest.raises(NotAllowedHost, match="is not on the list of hosts"):
        HERALD.origin(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user@herald.example/",
        "https://user:word@herald.example/",
        "https://@herald.example/",
        "https://herald.example@evil.example/",
        "https://evil.example\\@herald.example/",
        "https://herald.example\\.evil.example/",
        "https://herald.example%2eevil.example/",
        "https://%68erald.example/",
        "https://herald.example:/",
        "https://herald.example:0443/",
        "https://herald.example:0/",
        "https://herald.example:65536/",
        "https://herald.example:443:80/",
        "https://herald.example./",
        "https://herald.example;a/",
        "https://herald.example\t/",
        "https://herald.example /",
        "https://herald.example\n",
        " https://herald.example/",
        "https://herald.example/a b",
        "https://héraldo.example/",
        "https://ｈerald.example/",
        "https:///herald.example/",
        "https:/herald.example/",
        "https:herald.example/",
        "//herald.example/",
        "herald.example",
        "ftp://herald.example/",
        "http+unix://herald.example/",
        "https://[::1/",
        "https://",
        "",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(url: str) -> None:
    """A user before the host, escapes, backslashes, blanks, odd ports, other letters: nothing of it is repaired."""
    assert None is origin_of(url)
    with pytest.raises(NotAllowedHost) as caught:
        HERALD.origin(url)
    assert "not plain http or https" in caught.value.reason
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("herald.example", "not the origin"),
        ("https://herald.example/path", "not the origin"),
        ("https://herald.example?x", "not the origin"),
        ("https://*.example", "not the origin"),
        ("https://u@herald.example", "not the origin"),
        ("https://herald.example:99999", "not the origin"),
        ("", "not the origin"),
        (7, "not the origin"),
        ("http://herald.example", "must be https"),
        ("HTTP://HERALD.EXAMPLE", "must be https"),
        ("http://10.0.0.1", "must be https"),
    ],
)
def test_a_list_holds_origins_only(host: str, problem: str) -> None:
    """A path, a pattern or plain http to another machine does not start; the error names the key and the cure."""
    with pytest.raises(ConfigurationError) as caught:
        AllowedHosts(["https://good.example", host], "outgoing.herald.hosts")
    assert "outgoing.herald.hosts" == caught.value.key
    assert problem in caught.value.problem
    assert "https://herald.example" in caught.value.cure


@pytest.mark.parametrize("hosts", [[], (), "https://herald.example"])
def test_no_host_at_all_does_not_start(hosts: list[str]) -> None:
    """An empty list, and a text where a list belongs."""
    with pytest.raises(ConfigurationError, match="names no host"):
        AllowedHosts(hosts)


def test_a_list_can_be_shown() -> None:
    """It holds nothing secret."""
    assert "AllowedHosts(['https://a.example', 'https://b.example:8443'])" == repr(
        AllowedHosts(["https://b.example:8443", "https://A.example:443/"])
    )


@pytest.mark.parametrize(
    ("host", "same"),
    [
        ("herald.example", True),
        ("HERALD.example:443", True),
        ("evil.example", False),
        ("herald.example:80", False),
        ("user@herald.example", False),
        ("herald.example/", False),
        ("herald.example?a", False),
        ("herald.example#a", False),
        ("", False),
    ],
)
def test_a_host_field_names_the_origin(host: str, same: bool) -> None:
    """In any case, with or without the default port, and nothing else."""
    assert same == names("https://herald.example", host)


@pytest.mark.parametrize(
    ("environment", "origin", "passes"),
    [
        ({}, "http://127.0.0.1:8000", True),
        ({"https_proxy": "http://proxy.example"}, "http://127.0.0.1:8000", True),
        ({"http_proxy": "http://proxy.example"}, "https://herald.example", True),
        ({"http_proxy": "http://proxy.example"}, "http://127.0.0.1:8000", False),
        ({"all_proxy": "http://proxy.example"}, "http://127.0.0.1:8000", False),
        ({"http_proxy": "http://proxy.example", "no_proxy": "127.0.0.1"}, "http://127.0.0.1:8000", True),
        *(
            ({"http_proxy": "http://proxy.example", "no_proxy": named}, origin, passes)
            for named, origin, passes in (
                ("other.example, 127.0.0.1", "http://127.0.0.1:8000", True),
                ("127.0.0.1", "http://127.0.0.1", True),
                ("LOCALHOST", "http://localhost:8000", True),
                ("::1", "http://[::1]:8000", True),
                ("::1", "http://[::1]", True),
                ("*", "http://127.0.0.1:8000", True),
                ("*,other.example", "http://127.0.0.1:8000", False),
                ("0.0.1", "http://127.0.0.1:8000", False),
                ("127.0.0.1:8000", "http://127.0.0.1:8000", False),
                ("127.0.0.0/8", "http://127.0.0.1:8000", False),
                ("other.example", "http://127.0.0.1:8000", False),
                ("", "http://127.0.0.1:8000", False),
            )
        ),
    ],
)
def test_plain_http_goes_through_no_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], origin: str, passes: bool
) -> None:
    """A proxy of the environment would read the token; in the tunnel of https it reads nothing."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if passes:
        require_no_proxy(origin)
    else:
        with pytest.raises(NotAllowedHost, match="NO_PROXY"):
            require_no_proxy(origin)
