"""examples/consumers: callers that are rows of a table, over Starlette and a database file."""

from __future__ import annotations

import runpy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from jwtmw.testing import Signer

APP = Path(__file__).parents[2] / "examples" / "consumers" / "app.py"
JACK, ROSE = Signer("HS256", kid=""), Signer("ES256", kid="")


class World(NamedTuple):
    client: TestClient
    example: dict[str, Any]


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The service with two shops in its table; its database is closed behind it."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'shops.db'}")
    example = runpy.run_path(str(APP), run_name="shops")
    shop = example["Shop"]
    with Session(example["engine"]) as session, session.begin():
        session.add(shop(key="jack-key", name="jack", custom_id="7", secret=JACK.secret.decode()))
        session.add(shop(key="rose-key", name="rose", algorithm="ES256", public_key=ROSE.public_pem))
    with TestClient(example["app"]) as client:
        yield World(client, example)
    example["engine"].dispose()


def ask(world: World, signer: Signer | None, key: str = "", path: str = "/orders", **headers: str) -> Any:
    now = int(time.time())
    if signer is not None:
        token = signer.sign({"key": key, "iat": now, "exp": now + 60}, {"typ": "JWT", "kid": None})
        headers["Authorization"] = f"Bearer {token}"
    return world.client.get(path, headers=headers)


def test_shops_are_known_by_their_keys(shops: World) -> None:
    """By a secret and by a public key; the application reads who it is from headers that only jwtmw sets."""
    forged = {"X-Consumer-Custom-ID": "1", "X_Consumer_Username": "admin"}
    assert {"of": "jack", "header": "7"} == ask(shops, JACK, "jack-key", **forged).json()
    assert {"of": "rose", "header": None} == ask(shops, ROSE, "rose-key", **forged).json()
    assert {"for": "jack"} == ask(shops, JACK, "jack-key", "/catalogue", **forged).json()
    assert {"for": "everybody"} == ask(shops, None, "", "/catalogue", **forged).json()


def test_strangers_are_refused_alike(shops: World) -> None:
    """No token, no such shop, another's key: whoever asks cannot tell which shops there are."""
    assert 401 == ask(shops, None).status_code
    answers = [
        ask(shops, JACK, "nobody"),
        ask(shops, JACK, "rose-key"),
        ask(shops, ROSE, "jack-key"),
        ask(shops, Signer("HS256", kid=""), "jack-key"),
        ask(shops, JACK, "JACK-KEY"),
        ask(shops, JACK, "' OR key = 'jack-key"),
        ask(shops, JACK, "nobody", "/catalogue"),
    ]
    assert {(401, answers[0].text, answers[0].headers["content-length"])} == {
        (answer.status_code, answer.text, answer.headers["content-length"]) for answer in answers
    }


def test_a_shop_that_is_known_serves_while_the_database_is_away(shops: World) -> None:
    """Others are told to come again (503), and nobody is told why."""
    assert 200 == ask(shops, JACK, "jack-key").status_code
    with shops.example["engine"].begin() as connection:
        connection.execute(text("ALTER TABLE shops RENAME TO away"))
    assert 200 == ask(shops, JACK, "jack-key").status_code
    refused = ask(shops, ROSE, "rose-key")
    assert (503, "2") == (refused.status_code, refused.headers["retry-after"])
    assert "shops" not in refused.text
    assert "the store raised OperationalError" == shops.example["policy"].issuers()["shops"]["last_error"]


def test_a_shop_that_goes_is_asked_for_no_more_than_its_time(shops: World) -> None:
    """Until then its answer is remembered: the table is read once."""
    shop = shops.example["Shop"]
    assert 200 == ask(shops, JACK, "jack-key").status_code
    with Session(shops.example["engine"]) as session, session.begin():
        session.execute(delete(shop))
    assert 200 == ask(shops, JACK, "jack-key").status_code
    assert 401 == ask(shops, ROSE, "rose-key").status_code
