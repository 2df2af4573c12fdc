"""The contract that an adapter builds on. A package of its own imports this and `jwtmw`, and nothing else of jwtmw.

An adapter presents a `Request`, asks `policy.engine.decide_now`, drives what that leaves open with `run` or `arun`,
notes `judge` and `allow` on the request, sets `judged_request` to it while the application runs, and copies what
`policy.renderer` makes of a `Deny`, also of the one in a `jwtmw.Denied` that the application raises. One that sees
endpoints asks `mark_of` for their marks. It translates; it never decides.

An environ's facts are a `WSGIRequest`, an ASGI scope's an `ASGIRequest`; `read_body` reads what an environ carries,
`admit_environ` tells it who the caller is, and `refuse_unfit` what no WSGI server can do. An `Endpoint` of jwtmw's own
is a view that asks `answer` or `aanswer`.

Owns: the names of the contract. Must never know: who builds on it.
"""

from jwtmw.asgi import ASGIRequest
from jwtmw.challenge import Response
from jwtmw.compose import Policy, PolicySource
from jwtmw.current import judged_request
from jwtmw.decision import Allow, Code, Decision, Deny, Reason
from jwtmw.drive import arun, run
from jwtmw.endpoints.endpoint import Asked, Endpoint, aanswer, answer
from jwtmw.endpoints.mounts import wsgi as wsgi_endpoint
from jwtmw.engine import PASS, Engine
from jwtmw.environ import WSGIRequest, native, octets, read_body
from jwtmw.errors import BodyUnreadable
from jwtmw.overview import Complaint, loaded, overview
from jwtmw.policy.marks import Mark, mark_of, marked_objects
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Ask, Rule
from jwtmw.policy.wording import ask_in_words
from jwtmw.records import record_unforeseen
from jwtmw.request import Request
from jwtmw.table import table
from jwtmw.wsgi import admit as admit_environ
from jwtmw.wsgi import no_store, refuse_unfit
from jwtmw.wsgi import send_response as start_refusal

__all__ = [
    "PASS",
    "ASGIRequest",
    "Access",
    "Allow",
    "Ask",
    "Asked",
    "BodyUnreadable",
    "Code",
    "Complaint",
    "Decision",
    "Deny",
    "Endpoint",
    "Engine",
    "Mark",
    "Policy",
    "PolicySource",
    "Reason",
    "Request",
    "Requirement",
    "Response",
    "Rule",
    "WSGIRequest",
    "aanswer",
    "admit_environ",
    "answer",
    "arun",
    "ask_in_words",
    "judged_request",
    "loaded",
    "mark_of",
    "marked_objects",
    "native",
    "no_store",
    "octets",
    "overview",
    "read_body",
    "record_unforeseen",
    "refuse_unfit",
    "run",
    "start_refusal",
    "table",
    "wsgi_endpoint",
]
