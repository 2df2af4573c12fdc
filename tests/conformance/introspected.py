"""What the issuer of the world says of tokens when it is asked.

Owns: the answers, by token; the first and every later one.
Must never know: jwtmw.
"""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.tokens import ALICE, AUDIENCE, CORP, DROP, GOOD, NOW, PARTNER


def says(**members: Any) -> bytes:
    """A good answer but for these members."""
    good = {"active": True, "iss": CORP, "aud": AUDIENCE, "sub": ALICE, "exp": NOW + 600, "client_id": "shop"}
    return json.dumps({name: value for name, value in (good | members).items() if value is not DROP}).encode()


INACTIVE = b'{"active":false}'
ANSWERS: dict[str, list[bytes]] = {
    "opaque-alice": [says()],
    "opaque+alice/~._-==": [says()],
    "opaque-once": [says(), INACTIVE],
    "opaque-reads": [says(scope="stock:read stock:write")],
    "opaque-inactive": [says(active=False)],
    "opaque-no-iss": [says(iss=DROP)],
    "opaque-other-iss": [says(iss=PARTNER)],
    "opaque-no-aud": [says(aud=DROP)],
    "opaque-other-aud": [says(aud=["billing"])],
    "opaque-no-exp": [says(exp=DROP)],
    "opaque-expired": [says(exp=NOW - 31)],
    "opaque-exp-text": [says(exp=str(NOW + 600))],
    "opaque-bound": [says(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})],
    "opaque-refresh": [says(token_type="refresh_token")],
    "opaque-active-text": [says(active="true")],
    "opaque-active-1": [says(active=1)],
    "opaque-active-missing": [says(active=DROP)],
    "opaque-list": [b"[true]"],
    GOOD.decode(): [says()],
}
