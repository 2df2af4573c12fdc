"""The extension by Flask's rules: where its policy comes from, and what does not start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from jwtmw import ConfigurationError, MarkError, Policy, public, requires
from jwtmw.testing import TestIssuer
from jwtmw.wsgi import JWTMiddleware
from jwtmw_flask import JWTAuth
from tests.flask.apps import ISSUER, Ran, ask, bearer, made, policy, protected, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


def service(ran: Ran) -> Flask:
    app = made()
    app.add_url_rule("/orders", view_func=ran.view())
    return app


def statuses(app: Flask) -> tuple[int, int]:
    return ask(app, "/orders").status_code, ask(app, "/orders", token()).status_code


def test_the_constructor_protects(ran: Ran) -> None:
    """`JWTAuth(app, policy)` is all that it takes."""
    app = service(ran)
    JWTAuth(app, policy())
    assert (401, 200) == statuses(app)
    assert ["view alice"] == ran.notes


@pytest.mark.parametrize("given", ["constructor", "init_app", "config", "config-policy"])
def test_a_factory_protects_wherever_the_policy_is_said(given: str, ran: Ran) -> None:
    """The policy comes from `init_app`, from the constructor, or from `app.config["JWTMW"]`, a Policy too."""
    auth = JWTAuth(policy=policy()) if given == "constructor" else JWTAuth()
    app = service(ran)
    if given.startswith("config"):
        app.config["JWTMW"] = policy() if given == "config-policy" else {"issuers": [ISSUER.settings()]}
    auth.init_app(app, policy() if given == "init_app" else None)
    assert 401 == ask(app, "/orders").status_code
    assert [] == ran.notes
    if given != "config":  # which has no place for the test's clock
        assert 200 == ask(app, "/orders", token()).status_code


def test_an_argument_goes_before_the_configuration(ran: Ran) -> None:
    """Sources never merge: what is given in code holds, even beside a Policy in the configuration."""
    app = service(ran)
    app.config["JWTMW"] = policy(default="deny")
    JWTAuth(app, policy())
    assert (401, 200) == statuses(app)


def test_a_file_may_be_named_by_the_configuration(tmp_path: Path, ran: Ran) -> None:
    """`app.config["JWTMW"]` may be the path of a TOML file."""
    file = tmp_path / "jwtmw.toml"
    file.write_text('default = "deny"\n[[issuers]]\nissuer = "https://id.example/"\naudience = ["orders"]\n')
    app = service(ran)
    app.config["JWTMW"] = file
    JWTAuth(app)
    assert 403 == ask(app, "/orders").status_code
    assert [] == ran.notes


def test_the_environment_is_the_last_source(
    jwtmw_serving_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch, ran: Ran
) -> None:
    """Without a word of configuration the variables hold, and keys are fetched when the first token comes."""
    for name, value in jwtmw_serving_issuer.environment().items():
        monkeypatch.setenv(name, value)
    app = service(ran)
    JWTAuth(app)
    assert 401 == ask(app, "/orders").status_code
    assert 200 == ask(app, "/orders", headers=bearer(jwtmw_serving_issuer.token())).status_code


def test_one_extension_protects_several_applications(ran: Ran) -> None:
    """Nothing of an application is kept on the extension, and each has its own policy."""
    auth, first, second = JWTAuth(), service(ran), service(ran)
    auth.init_app(first, policy())
    auth.init_app(second, policy(default="public"))
    assert (401, 200) == statuses(first)
    assert (200, 200) == statuses(second)
    assert not any(app in vars(auth).values() for app in (first, second))
    assert first.extensions["jwtmw"].policy is not second.extensions["jwtmw"].policy


def test_one_policy_may_protect_several_applications(ran: Ran) -> None:
    """A policy has no application in it either."""
    shared = policy()
    apps = [service(ran), service(ran)]
    for app in apps:
        JWTAuth(app, shared)
    assert [(401, 200), (401, 200)] == [statuses(app) for app in apps]


def test_twice_on_one_application_does_not_start(ran: Ran) -> None:
    """A second extension would judge everything twice."""
    app = protected(service(ran))
    with pytest.raises(ConfigurationError, match="protected already"):
        JWTAuth(app, policy())


def test_the_same_policy_around_and_inside_does_not_start(ran: Ran) -> None:
    """Nor does one policy as WSGI middleware and as an extension, wherever it stands in the stack."""
    app, shared = service(ran), policy()
    app.wsgi_app = Passing(JWTMiddleware(app.wsgi_app, shared))  # type: ignore[method-assign]
    with pytest.raises(ConfigurationError, match="applied twice"):
        JWTAuth(app, shared)
    assert "jwtmw" not in app.extensions


class Passing:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


def test_two_policies_must_both_allow(ran: Ran) -> None:
    """Another policy inside judges for itself."""
    app = service(ran)
    app.wsgi_app = JWTMiddleware(app.wsgi_app, policy(default="deny"))  # type: ignore[method-assign]
    protected(app)
    assert (401, 403) == statuses(app)
    assert [] == ran.notes


async def load_later(principal: object) -> object:
    raise AssertionError("nobody can wait for it")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param(policy(load_user=load_later), "load_user: an async load_user", id="async-load-user"),
        pytest.param(policy(token_from=[{"header": "X_Token"}]), "token_from: .*underscore", id="underscore"),
        pytest.param({"isuers": []}, "isuers", id="unknown-key"),
        pytest.param({}, "issuers", id="no-issuer"),
    ],
)
def test_what_cannot_work_does_not_start(given: Any, text: str, ran: Ran) -> None:
    """A configuration error is raised by `init_app`, and the application is left as it was."""
    app = service(ran)
    before = dict(vars(app))
    with pytest.raises(ConfigurationError, match=text):
        JWTAuth(app, given)
    assert before == vars(app)
    assert {} == app.extensions


def test_a_configuration_of_another_kind_does_not_start(ran: Ran) -> None:
    """`app.config["JWTMW"]` is checked before it is looked into."""
    app = service(ran)
    app.config["JWTMW"] = 7
    with pytest.raises(ConfigurationError, match=r"app\.config\['JWTMW'\]: is a int"):
        JWTAuth(app)


def test_marks_that_cannot_hold_do_not_start(ran: Ran) -> None:
    """Where routes are known, a mark on the wrong side is a start-up error."""
    app = made()
    view = ran.view()
    app.add_url_rule("/orders", view_func=view)
    requires("a")(view)
    with pytest.raises(MarkError, match="wrong side of the route decorator"):
        protected(app)


def test_a_late_mark_that_cannot_hold_is_a_500(ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """Where routes come later, the request fails loudly, and nothing is called."""
    app = protected(made())
    view = ran.view()
    app.add_url_rule("/orders", view_func=view)
    requires("a")(view)
    refused_with = ask(app, "/orders", token("a"))
    assert (500, []) == (refused_with.status_code, ran.notes)
    assert "wrong side of the route decorator" in caplog.text


def test_an_in_place_mark_may_stand_on_either_side(ran: Ran) -> None:
    """Flask's route decorator returns the function that it registers, so a mark above it is not lost."""
    app = protected(made())
    public(app.get("/health")(ran.view("health")))
    assert 200 == ask(app, "/health").status_code


def test_routes_may_come_after_the_first_request(ran: Ran) -> None:
    """What Flask lets in late, as tests do, is judged as everything is."""
    app = protected(service(ran))
    assert (401, 200) == statuses(app)
    app._got_first_request = False
    app.add_url_rule("/late", view_func=requires("a")(ran.view("late")))
    assert [401, 403, 200] == [ask(app, "/late", *who).status_code for who in ((), (token(),), (token("a"),))]


def test_the_policy_can_be_asked_for(ran: Ran) -> None:
    """`app.extensions["jwtmw"].policy` explains and counts."""
    app = protected(service(ran))
    statuses(app)
    found: Policy = app.extensions["jwtmw"].policy
    assert {"token_missing": 1} == found.metrics()["denied"]
