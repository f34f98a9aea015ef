"""Advice on expressions that are valid and find nothing."""

from collections.abc import Iterator

from keyhole.config.declaration import Documents
from keyhole.errors import Problem
from keyhole.model.expression import read_expression


def advise_on_expressions(documents: Documents) -> Iterator[Problem]:
    """Every expression that asks for capital letters."""
    for policy in documents.policies:
        for index, rule in enumerate(policy.spec.rules):
            key = "allow" if rule.allow is not None else "block"
            for place, match in enumerate(rule.matches):
                if match.kind == "regex" and read_expression(match.text).has_capitals:
                    why = f"{match} asks for a capital letter; names are lower case when matched"
                    yield policy.problem(["spec", "rules", index, key, place], why, is_advice=True)
