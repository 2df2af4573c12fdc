"""`consumers` and what goes with them: each by itself, and what two of them must not share.

Owns: the values of a consumer's keys and their combinations.
Must never know: how a consumer is found, how a token is checked.
"""

from __future__ import annotations

from jwtmw.issuers.consumers import LONGEST_IDENTIFIER
from jwtmw.issuers.keys import ASYMMETRIC, ED25519_ALGORITHMS, SYMMETRIC
from jwtmw.settings.findings import Findings, one_of, plain_text, wrong
from jwtmw.settings.grammar import is_positive, is_within, near
from jwtmw.settings.keys import ENCODINGS, public_key_problem, secret_problem
from jwtmw.settings.schema_issuers import ConsumerTable, IssuerTable

MATERIAL = ("secret", "public_key", "public_key_file")
_SECRET_CURE = 'Make one with `openssl rand -hex 64` and name it by a reference, as in secret = "$ENV://SHOP_SECRET"'


def has_consumers(issuer: IssuerTable) -> bool:
    """Whether its tokens are signed by consumers, wherever these are."""
    return issuer.consumers is not None or issuer.consumer_store is not None


def algorithms_of_consumers(issuer: IssuerTable) -> tuple[str, ...]:
    """Every algorithm that a token of the issuer may have: each consumer's key decides which one its own have."""
    if issuer.consumers is None:
        return tuple(sorted(ASYMMETRIC | SYMMETRIC))
    return tuple(sorted({name for consumer in issuer.consumers for name in consumer_algorithms(consumer)}))


def consumer_algorithms(consumer: ConsumerTable) -> tuple[str, ...]:
    """The consumer's algorithm, else the default: HS256 for a secret, every asymmetric one for a public key."""
    if consumer.algorithm is not None:
        return (consumer.algorithm,)
    return ("HS256",) if consumer.secret is not None else tuple(ASYMMETRIC)


def consumer_problems(issuers: tuple[IssuerTable, ...]) -> Findings:
    """Everything that is wrong with the issuers' consumers."""
    for index, issuer in enumerate(issuers):
        key = f"issuers[{index}]"
        yield from _belonging_problems(issuer, key)
        yield from _claim_problems(issuer, key)
        yield from _list_problems(issuer, key)
        if issuer.consumer_claim == "iss":
            yield from _iss_problems(issuer, key, issuers)
        yield from _store_problems(issuer, key)
    yield from _second("consumer_store", issuers, "Policy(consumers=...) gives one store")
    yield from _second("anonymous_consumer", issuers, "a caller without a token is of no issuer, so one is enough")


def _belonging_problems(issuer: IssuerTable, key: str) -> Findings:
    if issuer.consumer_claim is not None and not has_consumers(issuer):
        yield wrong(f"{key}.consumer_claim", "belongs to consumers, which are not given", "Leave the key out")
    if issuer.anonymous_consumer is not None and issuer.consumers is None:
        cure = "Leave the key out, or give the consumers"
        yield wrong(f"{key}.anonymous_consumer", "is the name of one of consumers, which are not given", cure)


def _claim_problems(issuer: IssuerTable, key: str) -> Findings:
    yield from plain_text(issuer.consumer_claim, f"{key}.consumer_claim")
    if issuer.consumer_claim != "iss":
        return
    if issuer.issuer is not None:
        problem = "iss names a consumer here, so there can be no other issuer"
        yield wrong(f"{key}.issuer", problem, "Leave issuer out and give the entry a name")
    if not issuer.require_issuer:
        problem = "iss names a consumer here, so every token needs one"
        yield wrong(f"{key}.require_issuer", problem, "Leave the key out")


def _iss_problems(issuer: IssuerTable, key: str, issuers: tuple[IssuerTable, ...]) -> Findings:
    """No consumer may pass for another issuer: its tokens would go there, or its callers be taken for that one's."""
    others = {other.issuer or other.name for other in issuers if other is not issuer}
    for index, consumer in enumerate(issuer.consumers or ()):
        if consumer.key is not None and consumer.key in others:
            yield wrong(f"{key}.consumers[{index}].key", "another issuer is known by it", "Drop one of the two")


def _list_problems(issuer: IssuerTable, key: str) -> Findings:
    if issuer.consumers == ():
        yield wrong(f"{key}.consumers", "is an empty list", "Name at least one, or say consumer_store = {}")
    seen: dict[str, int] = {}
    for index, consumer in enumerate(issuer.consumers or ()):
        where = f"{key}.consumers[{index}]"
        yield from _consumer_problems(issuer, consumer, where)
        if consumer.key is None:
            continue
        if consumer.key in seen:
            first = f"{key}.consumers[{seen[consumer.key]}]"
            yield wrong(f"{where}.key", f"{first} has the same", "Give each entry a key of its own")
        seen.setdefault(consumer.key, index)
    yield from _anonymous_problems(issuer, f"{key}.anonymous_consumer")


def _anonymous_problems(issuer: IssuerTable, key: str) -> Findings:
    names = [consumer.name for consumer in issuer.consumers or ()]
    name = issuer.anonymous_consumer
    if name is not None and names and name not in names:
        meant = near(name, names)
        yield wrong(key, "no consumer has this name", f'Did you mean "{meant}"?' if meant else "Name one of consumers")


def _consumer_problems(issuer: IssuerTable, consumer: ConsumerTable, where: str) -> Findings:
    for name in ("name", "key", "custom_id", "public_key_file"):
        yield from plain_text(getattr(consumer, name), f"{where}.{name}")
    if consumer.key is not None and len(consumer.key) > LONGEST_IDENTIFIER:
        yield wrong(f"{where}.key", f"is longer than {LONGEST_IDENTIFIER} characters")
    if consumer.expires_in is not None and not is_positive(consumer.expires_in):
        yield wrong(f"{where}.expires_in", "must be a number of seconds above 0")
    yield from _material_problems(issuer, consumer, where)
    yield from _algorithm_problems(issuer, consumer, where)
    yield from _key_problems(issuer, consumer, where)


def _material_problems(issuer: IssuerTable, consumer: ConsumerTable, where: str) -> Findings:
    """Each has a key and what verifies it; only the anonymous one, whom no token names, has neither."""
    given = [name for name in MATERIAL if getattr(consumer, name) is not None]
    for name in given[1:]:
        yield wrong(f"{where}.{name}", f"a consumer has one key, and {given[0]} is it", "Drop one of them")
    if not given and consumer.key is None and consumer.name == issuer.anonymous_consumer:
        return
    if consumer.key is None:
        yield wrong(f"{where}.key", "is missing")
    if not given:
        yield wrong(f"{where}.secret", "is missing, and so are public_key and public_key_file")
    if consumer.secret_encoding is not None and consumer.secret is None:
        yield wrong(f"{where}.secret_encoding", "belongs to secret, which is not given", "Leave the key out")
    elif consumer.secret_encoding is not None:
        yield from one_of(consumer.secret_encoding, ENCODINGS, f"{where}.secret_encoding")


def _algorithm_problems(issuer: IssuerTable, consumer: ConsumerTable, where: str) -> Findings:
    fitting = SYMMETRIC if consumer.secret is not None else ASYMMETRIC
    allowed = None if issuer.algorithms is None else set(issuer.algorithms)
    if allowed and allowed & ED25519_ALGORITHMS:
        allowed |= ED25519_ALGORITHMS  # two names of one algorithm
    if consumer.algorithm is not None and consumer.algorithm not in fitting:
        kind = "a secret" if consumer.secret is not None else "a public key"
        meant = near(consumer.algorithm, sorted(fitting))
        cure = f'Did you mean "{meant}"? The case counts' if meant else f"Write one of {', '.join(sorted(fitting))}"
        yield wrong(f"{where}.algorithm", f"is none that {kind} does", cure)
    elif allowed is not None and len(names := consumer_algorithms(consumer)) == 1 and names[0] not in allowed:
        problem = f"{names[0]} is not among the issuer's algorithms"
        yield wrong(f"{where}.algorithm", problem, "Add it there, or drop algorithms")


def _key_problems(issuer: IssuerTable, consumer: ConsumerTable, where: str) -> Findings:
    problem = None
    if consumer.secret is not None:
        algorithms = consumer_algorithms(consumer)
        problem = secret_problem(consumer.secret, consumer.secret_encoding, algorithms, issuer.allow_short_secret)
        if problem:
            yield wrong(f"{where}.secret", problem, _SECRET_CURE)
    elif consumer.public_key is not None and (problem := public_key_problem(consumer.public_key, consumer.algorithm)):
        cure = "Give the consumer's public key, and an algorithm that it is made for: -----BEGIN PUBLIC KEY----- ..."
        yield wrong(f"{where}.public_key", problem, cure)


def _store_problems(issuer: IssuerTable, key: str) -> Findings:
    store = issuer.consumer_store
    if store is None:
        return
    for name in ("ttl", "negative_ttl"):
        if not is_positive(getattr(store, name)):
            yield wrong(f"{key}.consumer_store.{name}", "must be a number of seconds above 0")
    if not is_within(store.max_stale, 0):
        yield wrong(f"{key}.consumer_store.max_stale", "must be a number of seconds, 0 or more")
    if store.size < 1:
        yield wrong(f"{key}.consumer_store.size", "must be at least 1")


def _second(name: str, issuers: tuple[IssuerTable, ...], why: str) -> Findings:
    given = [index for index, issuer in enumerate(issuers) if getattr(issuer, name) is not None]
    for index in given[1:]:
        yield wrong(f"issuers[{index}].{name}", f"issuers[{given[0]}] has one too: {why}", "Drop one of the two")
