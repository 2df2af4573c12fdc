"""A token for one request: when a method and a URL are those of a request."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw.proof.target import Target, is_bound, is_for, whole_path

ORIGIN = "https://orders.example"
ORDER = Target("POST", "/orders/7")


@pytest.mark.parametrize(
    ("claims", "bound"),
    [
        ({}, False),
        ({"sub": "a", "bdy": "b"}, False),
        ({"htm": "GET"}, True),
        ({"htu": "x"}, True),
        ({"htm": None}, True),
    ],
)
def test_a_token_says_that_it_is_bound(claims: dict[str, Any], bound: bool) -> None:
    """By either of the two claims, whatever stands there."""
    assert bound == is_bound(claims)


def test_a_token_that_says_nothing_fits_every_request() -> None:
    """Both claims are optional."""
    assert is_for({}, ORDER, ORIGIN)


@pytest.mark.parametrize(
    ("htm", "fits"), [("POST", True), ("post", False), ("GET", False), ("", False), (None, False), (["POST"], False)]
)
def test_a_method_is_exact(htm: object, fits: bool) -> None:
    """Methods have their exact case (RFC 9110 section 9.1)."""
    assert fits == is_for({"htm": htm}, ORDER, "")


SAME = [
    "https://orders.example/orders/7",
    "HTTPS://Orders.EXAMPLE/orders/7",
    "https://orders.example:443/orders/7",
    "https://orders.example:/orders/7",
    "https://orders.example/orders/%37",
    "https://orders.example/%6f%72ders/7",
    "https://orders.example/orders/7?page=2",
    "https://orders.example/orders/7#top",
    "https://orders.example/orders/7?next=https://evil.example/#x",
]
OTHER = [
    *("https://orders.example/orders/7/", "https://orders.example/orders", "https://orders.example/orders/70"),
    *("https://orders.example/Orders/7", "https://orders.example", "https://orders.example/orders%2F7"),
    *("https://orders.example//orders/7", "https://orders.example/x/../orders/7", "https://orders.example/orders/./7"),
    *("https://orders.example/orders/7%00", "https://orders.example/orders/7;a", "https://orders.example/orders/%zz"),
    *("https://orders.example/orders/7 ", " https://orders.example/orders/7", "https://orders.example/orders/7\n"),
    *("https://user@orders.example/orders/7", "https://orders.example\\@evil.example/orders/7", "https:///orders/7"),
    *(
        "/orders/7",
        "orders/7",
        "",
        "*",
        "wss://orders.example/orders/7",
        "urn:orders:7",
        "https://orders.example/örders/7",
    ),
]
ELSEWHERE = [
    *("http://orders.example/orders/7", "https://evil.example/orders/7", "https://orders.example:8443/orders/7"),
    *("https://orders.example.evil.example/orders/7", "https://orders.example./orders/7", "https://[::1]/orders/7"),
    *(
        "https://orders.example:80/orders/7",
        "https://orders.example:0443/orders/7",
        "http://orders.example:443/orders/7",
    ),
]


@pytest.mark.parametrize("origin", [ORIGIN, ""], ids=["with a host", "path only"])
@pytest.mark.parametrize("htu", SAME)
def test_one_url_has_several_spellings(htu: str, origin: str) -> None:
    """Case of scheme and host, the default port and percent-encoding do not count (RFC 3986 section 6.2)."""
    assert is_for({"htu": htu}, ORDER, origin)


@pytest.mark.parametrize("origin", [ORIGIN, ""], ids=["with a host", "path only"])
@pytest.mark.parametrize("htu", OTHER, ids=ascii)
def test_another_url_does_not_fit(htu: str, origin: str) -> None:
    """Nor does what is no URL, or one that two readers read differently."""
    assert not is_for({"htu": htu}, ORDER, origin)


@pytest.mark.parametrize("htu", ELSEWHERE)
def test_the_host_counts_where_it_is_configured(htu: str) -> None:
    """Without external_url nobody here knows by which name callers reach it: then only the path is compared."""
    assert (False, True) == (is_for({"htu": htu}, ORDER, ORIGIN), is_for({"htu": htu}, ORDER, ""))


@pytest.mark.parametrize(
    "htu", [None, True, 7, [SAME[0]], {"url": SAME[0]}, b"https://orders.example/orders/7"], ids=repr
)
def test_only_a_text_is_a_url(htu: object) -> None:
    """Another type refuses, and raises nothing."""
    assert not is_for({"htu": htu}, ORDER, "")


@pytest.mark.parametrize(
    ("htu", "path"),
    [
        ("https://a.example", "/"),
        ("https://a.example/", "/"),
        ("https://a.example?b", "/"),
        ("https://a.example/gr%C3%B6%C3%9Fe", "/größe"),
        ("https://a.example/gr%c3%b6%c3%9fe", "/größe"),
        ("https://a.example/a%20b", "/a b"),
        ("https://a.example/a%2Bb,c", "/a+b,c"),
        ("https://a.example/100%25", "/100%"),
    ],
)
def test_paths_are_decoded_once(htu: str, path: str) -> None:
    """As the router reads them; the root has no need of a slash."""
    assert is_for({"htu": htu}, Target("GET", path), "")


@pytest.mark.parametrize(("htu", "path"), [("https://a.example/%2525", "/%"), ("https://a.example/%FF", "/\ufffd")])
def test_paths_are_not_decoded_twice(htu: str, path: str) -> None:
    """Nor are bytes repaired that are no UTF-8."""
    assert not is_for({"htu": htu}, Target("GET", path), "")


def test_both_claims_must_fit() -> None:
    """The right URL does not make up for a wrong method, nor the other way round."""
    right = {"htm": "POST", "htu": SAME[0]}
    assert [True, False, False] == [
        is_for({**right, **wrong}, ORDER, ORIGIN) for wrong in ({}, {"htm": "PUT"}, {"htu": OTHER[0]})
    ]


@pytest.mark.parametrize(
    ("path", "root_path", "whole"),
    [
        ("/orders", "", "/orders"),
        ("/orders", "/api", "/api/orders"),
        ("/api/orders", "/api", "/api/orders"),
        ("/apis", "/api", "/api/apis"),
        ("/api", "/api", "/api"),
        ("/orders", "/api/", "/api/orders"),
        ("/api/orders", "/api/", "/api/orders"),
    ],
)
def test_the_path_is_whole(path: str, root_path: str, whole: str) -> None:
    """Where a server leaves the root path out of the path, callers have sent it all the same."""
    assert whole == whole_path(path, root_path)
