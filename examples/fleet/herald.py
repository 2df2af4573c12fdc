"""Herald, in Flask: announces what was ordered, and has census count it. Its own key is at /jwks."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
from flask import Flask, request
from hop import Hop, hop  # type: ignore[import-not-found]

from jwtmw import Policy
from jwtmw.mint import JWKS, Signer
from jwtmw_flask import JWTAuth, view

policy = Policy(Path(__file__).with_name("herald.toml"))
census = httpx2.Client(base_url=os.environ["CENSUS_URL"], auth=policy.outgoing("census").httpx2(), timeout=10)
app = Flask(__name__)


@app.post("/announcements")
def announce() -> tuple[Hop, int]:
    answer = census.post("/counts", json={"article": request.get_json()["article"], "number": 1})
    answer.raise_for_status()
    return hop("herald", then=answer.json()), 201


if policy.settings.secure:
    signer = Signer("EdDSA", key=Path(os.environ["HERALD_KEY_FILE"]).read_text())
    app.add_url_rule("/jwks", view_func=view(JWKS(signer)))
JWTAuth(app, policy)
