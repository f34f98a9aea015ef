"""Documents about clients and identities: valid values, and errors with corrections."""

from pathlib import Path

import pytest

from keyhole.config import read_text_documents


def problems_of(kind: str, spec: str, name: str = "one") -> list[str]:
    text = f"apiVersion: keyhole.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    _, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    return [f"{problem.path}: {problem.why}" for problem in problems]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Policy", "{subjects: [client:tv, group:kids], include: base, mode: observe, log: none}"),
        ("Policy", "{subjects: spiffe://example.org/*, rules: [{block: [a.example], when: {days: "
                   "weekdays, from: 21:00, to: 07:00, timezone: Europe/Berlin}}]}"),
        ("Policy", "{subjects: []}"),
        ("Record", "{name: a.example, a: 192.0.2.1, policies: home}"),
        ("Client", "{tokens: tv}"),
        ("Client", "{identities: [spiffe://example.org/web], groups: [shop, web]}"),
        ("Client", "{addresses: [192.0.2.1, 198.51.100.0/24, '2001:db8::/32']}"),
        ("TrustDomain", "{bundle: bundle.pem}"),
        ("TrustDomain", "{bundle: bundle.pem, crls: [one.pem, two.pem]}"),
        ("Upstream", "{protocol: dot, addresses: [192.0.2.1], serverId: spiffe://example.org/web, "
                     "ca: ca.pem, crls: crl.pem}"),
    ],
)  # fmt: skip
def test_each_kind_has_its_forms(kind: str, spec: str) -> None:
    assert problems_of(kind, spec) == []


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Policy", "{subjcts: []}", "did you mean subjects?"),
        ("Policy", "{subjects: [client:tv, client:tv]}",
         "spec.subjects[1]: client:tv appears twice; name it once"),
        ("Policy", "{subjects: ['cidr:192.0.2.1', 'cidr:192.0.2.1/32']}",
         "spec.subjects[1]: cidr:192.0.2.1/32 appears twice"),
        ("Policy", "{subjects: null}", "spec.subjects: null names nobody; leave the key out"),
        ("Policy", "{include: [base, base]}", "spec.include: base appears twice"),
        ("Policy", "{log: ful}", "spec.log: ful is not valid here; did you mean full?"),
        ("Policy", "{mode: observ}", "did you mean observe?"),
        ("Policy", "{rules: [{block: [a.example], when: {days: [mon]}}]}",
         "spec.rules[0].when.timezone: the key timezone is missing"),
        ("Policy", "{rules: [{block: [a.example], when: {days: mon, form: 8:00, timezone: UTC}}]}",
         "spec.rules[0].when.form: there is no key form here; did you mean from?"),
        ("Record", "{name: a.example, a: 192.0.2.1, policies: null}", "null names no policy"),
        ("Record", "{name: a.example, a: 192.0.2.1, policies: []}", "spec.policies: empty"),
        ("Client", "{groups: [kids]}",
         "spec.identities: nothing tells this client from others; give identities, tokens"),
        ("Client", "{tokens: [tv, tv]}", "spec.tokens: tv appears twice"),
        ("Client", "{addresses: [192.0.2.1, 192.0.2.1/32]}",
         "spec.addresses: 192.0.2.1/32 appears twice"),
        ("Client", "{identities: [web]}", "spec.identities[0]: web is not a SPIFFE ID; write it"),
        ("Client", "{identities: ['spiffe://example.org/*']}", "* in spiffe://example.org/*"),
        ("Client", "{addresses: [host]}", "spec.addresses[0]: host is not a network"),
        ("TrustDomain", "{}", "spec.bundle: the key bundle is missing: PEM file with"),
        ("TrustDomain", "{bundle: a.pem, crl: b.pem}", "did you mean crls?"),
        ("Upstream", "{protocol: dot, addresses: [192.0.2.1], serverId: spiffe://example.org/web}",
         "spec.serverId: public authorities issue no SPIFFE IDs; give ca"),
        ("Upstream", "{protocol: dot, addresses: [192.0.2.1]}",
         "spec.protocol: dot needs serverName, the name or address in the certificate, or"),
        ("Upstream", "{protocol: tcp, insecure: mesh, addresses: [192.0.2.1], serverId: "
                     "spiffe://example.org/web}", "spec.serverId: tcp uses no certificates"),
        ("Upstream", "{protocol: tcp, insecure: mesh, addresses: [192.0.2.1], crls: [a.pem]}",
         "spec.crls: tcp uses no certificates"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_what_would_be_right(
    kind: str, spec: str, expected: str
) -> None:
    (problem,) = problems_of(kind, spec)
    assert expected in problem


def test_a_trust_domain_is_called_by_the_name_that_its_identities_begin_with() -> None:
    assert problems_of("TrustDomain", "{bundle: a.pem}", "cluster.local") == []
    (problem,) = problems_of("TrustDomain", "{bundle: a.pem}", "Cluster.Local")
    assert problem.startswith("metadata.name: Cluster.Local is not a name")
