"""Keeps rules from blocking the names of upstreams, which Keyhole would refuse.

It is common to block the names of public resolvers, so that programs do not bypass the local
one, and to use one of them as upstream at the same time.
"""

from collections.abc import Iterator
from contextlib import suppress

from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.address import is_address
from keyhole.model.match import Match, read_match

_KEY = "names of upstreams"


def allow_upstream_names(setup: Setup, report: Report) -> None:
    """Allows the name of an upstream where a rule would block it, and reports that."""
    every = [*setup.every_server(), *(server for one in setup.clients for server in one.servers)]
    blocks = [(rule, list(_matches(rule))) for rule in setup.rules() if not rule.allow]
    for name in dict.fromkeys(server.server_name for server in every or setup.suggestions):
        if is_address(name):
            continue
        blocking = [rule for rule, matches in blocks if any(one.covers(name) for one in matches)]
        for rule in blocking:
            if rule.important:
                _take_out(setup, rule)
                why = f"it blocks {name}, an upstream; no rule could allow that name against it"
                report.revise(Kind.RULE, rule.title, why)
        if any(not rule.important for rule in blocking):
            bundle = setup.bundles.setdefault(_KEY, Bundle("upstreams", for_all=True, origin=_KEY))
            bundle.rules.append(NameRule((name,), allow=True, title=name, origin=_KEY))
            why = "a rule blocks it, but it is an upstream; this name alone is allowed"
            report.changed(Kind.RULE, name, why)


def _matches(rule: NameRule) -> Iterator[Match]:
    """The matches that can be read; the others are refused when the documents are checked."""
    for text in rule.matches:
        with suppress(ValueError):
            yield read_match(text)


def _take_out(setup: Setup, rule: NameRule) -> None:
    for bundle in setup.bundles.values():
        bundle.rules = [one for one in bundle.rules if one is not rule]
