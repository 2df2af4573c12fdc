"""`issuers`: what each must have, and what two of them must not share.

Owns: the values of an issuer's keys and their combinations.
Must never know: where keys come from at run time, how a token is checked.
"""

from __future__ import annotations

from jwtmw.issuers.discovery import metadata_url
from jwtmw.issuers.fetch import url_problem
from jwtmw.issuers.keys import ASYMMETRIC, SYMMETRIC
from jwtmw.settings.check_consumers import algorithms_of_consumers, consumer_problems, has_consumers
from jwtmw.settings.check_places import location_problems
from jwtmw.settings.findings import Findings, audiences, each, one_of, plain_text, wrong
from jwtmw.settings.grammar import is_plain, is_positive, is_token, is_url_path, is_within, near
from jwtmw.settings.introspection import introspection_problems
from jwtmw.settings.keys import ENCODINGS, jwks_problem, public_key_problem, secret_problem
from jwtmw.settings.profiles import PROFILES
from jwtmw.settings.schema_issuers import IssuerTable

SOURCES = (
    *("jwks_url", "jwks_path", "discovery_url", "jwks", "jwks_file", "public_key", "public_key_file", "secret"),
    *("consumers", "consumer_store", "introspection", "vault"),
)
ALGORITHMS = (*sorted(ASYMMETRIC), *sorted(SYMMETRIC))
_URLS = ("jwks_url", "discovery_url")
FETCHED = (*_URLS, "jwks_path", "vault")
_OTHER_SOURCES = "jwks_url, jwks, jwks_file, public_key, public_key_file or secret"


def issuer_problems(issuers: tuple[IssuerTable, ...]) -> Findings:
    """Everything that is wrong with the issuers."""
    for index, issuer in enumerate(issuers):
        key = f"issuers[{index}]"
        yield from _identity_problems(issuer, key)
        yield from _audience_problems(issuer, key)
        yield from _source_problems(issuer, key)
        yield from _algorithm_problems(issuer, key)
        yield from _secret_problems(issuer, key)
        yield from _claim_problems(issuer, key)
        yield from _time_problems(issuer, key)
        yield from location_problems(issuer.token_from, f"{key}.token_from")
    yield from consumer_problems(issuers)
    yield from _duplicates([issuer.issuer for issuer in issuers], "issuer")
    yield from _duplicates([issuer_name(issuer) for issuer in issuers], "name")
    yield from _borrowed_names(issuers)


def issuer_name(issuer: IssuerTable) -> str | None:
    """What rules call it: its name, else the issuer itself."""
    return issuer.name if issuer.name is not None else issuer.issuer


def algorithms_of(issuer: IssuerTable) -> tuple[str, ...]:
    """The algorithms, with the defaults: HS256 for a secret, its consumers', every asymmetric one for other keys.

    An issuer that is asked about its tokens looks at signatures itself: any.
    """
    if issuer.algorithms is not None:
        return issuer.algorithms
    if issuer.introspection is not None:
        return ALGORITHMS
    if has_consumers(issuer):
        return algorithms_of_consumers(issuer)
    return tuple(sorted(ASYMMETRIC)) if issuer.secret is None else ("HS256",)


def _identity_problems(issuer: IssuerTable, key: str) -> Findings:
    yield from plain_text(issuer.issuer, f"{key}.issuer")
    yield from plain_text(issuer.name, f"{key}.name")
    if issuer.profile is not None:
        yield from one_of(issuer.profile, tuple(PROFILES), f"{key}.profile")
    if issuer.issuer is None and issuer.require_issuer and issuer.consumer_claim != "iss":
        cure = f"{wrong(f'{key}.issuer', '').cure}; for tokens without iss, require_issuer = false"
        yield wrong(f"{key}.issuer", "is missing", cure)
    elif issuer_name(issuer) is None:
        yield wrong(f"{key}.name", "is missing, and there is no issuer to name it after")


def _audience_problems(issuer: IssuerTable, key: str) -> Findings:
    if issuer.audience is None and issuer.require_audience:
        cure = f"{wrong(f'{key}.audience', '').cure}; to take tokens for anybody, require_audience = false"
        yield wrong(f"{key}.audience", "is missing", cure)
    yield from audiences(issuer.audience, f"{key}.audience")


def _source_problems(issuer: IssuerTable, key: str) -> Findings:
    given = [source for source in SOURCES if getattr(issuer, source) is not None]
    if not given or given == ["discovery_url"]:
        yield from _discovery_problems(issuer, key)
    for source in given[1:]:
        yield wrong(f"{key}.{source}", f"an issuer has one source of keys, and {given[0]} is one", "Drop one of them")
    introspects = issuer.vault is not None and issuer.vault.verify == "introspection"
    if issuer.key_source is not None and given and (given[0] not in FETCHED or introspects):
        yield wrong(
            f"{key}.key_source", f"belongs to fetched keys, and {given[0]} is none of them", "Leave the key out"
        )
    yield from _source_values(issuer, key)
    yield from introspection_problems(issuer.introspection, f"{key}.introspection")


def _discovery_problems(issuer: IssuerTable, key: str) -> Findings:
    """The metadata must name the issuer; without discovery_url the issuer also says where they are."""
    if issuer.issuer is None:
        problem = "is missing, and OpenID discovery needs it to find keys"
        yield wrong(f"{key}.issuer", problem, f"Set issuer, or {_OTHER_SOURCES}")
    elif issuer.discovery_url is None and metadata_url(issuer.issuer) is None:
        problem = "is no URL at which OpenID discovery could find keys: https, without query and fragment"
        yield wrong(f"{key}.issuer", problem, f"Correct it, or set discovery_url, {_OTHER_SOURCES}")


def _source_values(issuer: IssuerTable, key: str) -> Findings:
    for source in _URLS:
        url = getattr(issuer, source)
        if url is not None and (problem := url_problem(url)):
            yield wrong(f"{key}.{source}", problem)
    if issuer.jwks_path is not None:
        yield from _path_problems(issuer, issuer.jwks_path, key)
    if issuer.jwks is not None and (problem := jwks_problem(issuer.jwks)):
        yield wrong(f"{key}.jwks", problem)
    if issuer.public_key is not None and (problem := public_key_problem(issuer.public_key)):
        yield wrong(f"{key}.public_key", problem, "Give the issuer's public key: -----BEGIN PUBLIC KEY----- ...")
    for source in ("jwks_file", "public_key_file"):
        yield from plain_text(getattr(issuer, source), f"{key}.{source}")


def _path_problems(issuer: IssuerTable, path: str, key: str) -> Findings:
    """The key set is below the issuer that is configured; a token's own `iss` never leads anywhere."""
    if not is_url_path(path):
        yield wrong(f"{key}.jwks_path", "must be a path below the issuer: /keys.json, not keys.json, not a URL")
    if issuer.issuer is None or metadata_url(issuer.issuer) is None:
        problem = "is no URL below which jwks_path could be: https, without query and fragment"
        yield wrong(f"{key}.issuer", problem, "Correct it, or set jwks_url")


def _algorithm_problems(issuer: IssuerTable, key: str) -> Findings:
    algorithms = issuer.algorithms
    yield from each(algorithms, f"{key}.algorithms", bool, "is empty")
    for index, name in enumerate(algorithms or ()):
        if name not in ALGORITHMS:
            yield wrong(f"{key}.algorithms[{index}]", *_unknown_algorithm(name))
    if has_consumers(issuer):
        return  # of either kind: each consumer's key does one of them alone
    symmetric = [name for name in algorithms or () if name in SYMMETRIC]
    asymmetric = [name for name in algorithms or () if name in ASYMMETRIC]
    if issuer.introspection is not None:
        return
    if symmetric and asymmetric:
        yield wrong(f"{key}.algorithms", "symmetric and asymmetric algorithms are mixed", "Make two issuers of it")
    elif symmetric and issuer.secret is None:
        yield wrong(
            f"{key}.algorithms", f"{symmetric[0]} works with a secret only", "Set secret, or drop the algorithm"
        )
    elif asymmetric and issuer.secret is not None:
        cure = f"Write one of {', '.join(sorted(SYMMETRIC))}, or give public keys instead of the secret"
        yield wrong(f"{key}.algorithms", f"{asymmetric[0]} does not work with a secret", cure)


def _unknown_algorithm(name: str) -> tuple[str, str]:
    if name.lower() == "none":
        return "none would take unsigned tokens", f"Name the algorithms: {', '.join(ALGORITHMS)}"
    meant = near(name, ALGORITHMS)
    cure = f'Did you mean "{meant}"? The case counts' if meant else f"The algorithms are {', '.join(ALGORITHMS)}"
    return "is no algorithm", cure


def _secret_problems(issuer: IssuerTable, key: str) -> Findings:
    if issuer.secret is None:
        short = issuer.allow_short_secret and issuer.consumers is None
        for name, given in (("secret_encoding", issuer.secret_encoding), ("allow_short_secret", short)):
            if given:
                yield wrong(f"{key}.{name}", "belongs to secret, which is not given", "Leave the key out")
        return
    if issuer.secret_encoding is not None:
        yield from one_of(issuer.secret_encoding, ENCODINGS, f"{key}.secret_encoding")
    problem = secret_problem(issuer.secret, issuer.secret_encoding, algorithms_of(issuer), issuer.allow_short_secret)
    if problem:
        cure = 'Make one with `openssl rand -hex 64` and name it by a reference, as in secret = "$ENV://ORDERS_SECRET"'
        yield wrong(f"{key}.secret", problem, cure)


def _claim_problems(issuer: IssuerTable, key: str) -> Findings:
    for name in ("scope_claim", "subjects"):
        yield from each(getattr(issuer, name), f"{key}.{name}", is_plain, "must be text, and not empty")
    yield from each(issuer.required_claims or None, f"{key}.required_claims", is_plain, "must be text, and not empty")
    yield from each(issuer.token_types, f"{key}.token_types", _is_type, 'must be a media type or ""')
    yield from plain_text(issuer.roles_claim, f"{key}.roles_claim")
    for index, subject in enumerate(issuer.subjects or ()):
        if "*" in subject[:-1]:
            yield wrong(f"{key}.subjects[{index}]", "has a * that is not the last character")


def _is_type(text: str) -> bool:
    return text == "" or all(is_token(part) for part in text.split("/"))


def _time_problems(issuer: IssuerTable, key: str) -> Findings:
    if issuer.leeway is not None and not is_within(issuer.leeway, 0, 300):
        yield wrong(f"{key}.leeway", "must be 0 to 300 seconds")
    for name in ("max_lifetime", "max_age"):
        seconds = getattr(issuer, name)
        if seconds is not None and not is_positive(seconds):
            yield wrong(f"{key}.{name}", "must be a number of seconds above 0")
    if issuer.max_lifetime is not None and not issuer.require_expiry:
        cure = "Drop max_lifetime, or leave require_expiry at true"
        yield wrong(f"{key}.max_lifetime", "a token without exp has no lifetime", cure)
    source = issuer.key_source
    if source is not None:
        for name in ("ttl", "cooldown"):
            if not is_positive(getattr(source, name)):
                yield wrong(f"{key}.key_source.{name}", "must be a number of seconds above 0")
        if not is_within(source.max_stale, 0):
            yield wrong(f"{key}.key_source.max_stale", "must be a number of seconds, 0 or more")


def _borrowed_names(issuers: tuple[IssuerTable, ...]) -> Findings:
    """Whose tokens have no `iss` is known by its name, to rules and to whoever tells callers apart by `issuer`."""
    owners = {issuer.issuer: index for index, issuer in enumerate(issuers) if issuer.issuer is not None}
    for index, issuer in enumerate(issuers):
        owner = index if issuer.name is None else owners.get(issuer.name, index)
        if owner != index:
            problem = f"is the issuer of issuers[{owner}], and its callers would be taken for that one's"
            yield wrong(f"issuers[{index}].name", problem, "Name it otherwise")


def _duplicates(values: list[str | None], name: str) -> Findings:
    for index, value in enumerate(values):
        if value is not None and value in values[:index]:
            first = f"issuers[{values.index(value)}]"
            yield wrong(
                f"issuers[{index}].{name}", f"{first} has the same", "One entry per issuer, each with its own name"
            )
