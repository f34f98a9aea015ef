"""What the definitions of documents have besides their schemas: rules, columns and short names."""

TEXTS_OR_NULL = {"subjects", "policies", "answer"}
"""Keys whose null means something, or is refused by the model."""

RULES: dict[str, list[tuple[str, str]]] = {
    "Rule": [
        (
            "has(self.allow) != has(self.block)",
            "a rule gives allow or block, with names, and not both",
        ),
        (
            "!has(self.allow) || !has(self.answer)",
            "an allowed name gets the true answer; leave answer out",
        ),
        (
            "!has(self.allow) || !has(self.important) || !self.important",
            "only block rules can be important; leave it out",
        ),
    ],
    "ListSpec": [
        (
            "has(self.files) || has(self.urls) || has(self.entries)",
            "the list has no names; give files, urls or entries",
        ),
        (
            "!has(self.refresh) || has(self.urls)",
            "only downloads become stale; leave it out, or give urls",
        ),
    ],
    "ClientSpec": [
        (
            "has(self.identities) || has(self.tokens) || has(self.addresses)",
            "nothing tells this client from others; give identities, tokens or addresses",
        ),
    ],
    "RecordSpec": [
        (
            "has(self.a) || has(self.aaaa) || has(self.cname) || has(self.txt) || has(self.ptr)",
            "the record has no data; give a, aaaa, cname, txt or ptr",
        ),
        (
            "!has(self.cname) || !(has(self.a) || has(self.aaaa) || has(self.txt) "
            "|| has(self.ptr))",
            "an alias has no other data (RFC 1034)",
        ),
    ],
    "UpstreamSpec": [
        (
            "self.protocol in ['doh', 'dot'] || has(self.insecure)",
            "this protocol sends queries unencrypted; use dot or doh, or write insecure: mesh "
            "where a service mesh encrypts the hop",
        ),
        (
            "!(self.protocol in ['doh', 'dot']) || !has(self.insecure)",
            "it is encrypted; leave insecure out",
        ),
        (
            "self.protocol == 'tcp' || !has(self.insecure) || self.insecure == 'mesh'",
            "only tcp asks a device of the local network; write mesh",
        ),
        (
            "!(self.protocol in ['doh', 'dot']) || has(self.serverName) || has(self.serverId)",
            "give serverName, the name or address in the certificate, or serverId, the SPIFFE ID "
            "in it",
        ),
        (
            "self.protocol in ['doh', 'dot'] || !(has(self.serverName) || has(self.serverId) "
            "|| has(self.ca) || has(self.clientCertificate))",
            "this protocol uses no certificates; leave them out, or use dot or doh",
        ),
        (
            "!has(self.serverId) || has(self.ca)",
            "public authorities issue no SPIFFE IDs; give ca, the authorities of its trust domain",
        ),
        (
            "self.protocol in ['doh', 'doh_cleartext'] || !has(self.path)",
            "only doh and doh_cleartext have a path; leave it out",
        ),
    ],
    "ClientCertificate": [
        (
            "has(self.secret) && !has(self.certificate) && !has(self.key)",
            "an object of Kubernetes names no key file; write clientCertificate: {secret: NAME}",
        ),
    ],
}
"""Rules in CEL of a model, each with what is said where it does not hold."""

SHORT = {
    "Policy": "khpol",
    "List": "khlist",
    "Upstream": "khup",
    "Record": "khrec",
    "Client": "khcli",
    "TrustDomain": "khtrust",
    "LogExclusion": "khunlog",
}
Column = tuple[str, str] | tuple[str, str, str] | tuple[str, str, str, int]
_READY = '.status.conditions[?(@.type=="Ready")]'
_LAST: list[Column] = [
    ("Ready", f"{_READY}.status"),
    ("Reason", f"{_READY}.reason"),
    ("Document", ".status.document", "string", 1),
    ("Message", f"{_READY}.message", "string", 1),
    ("Age", ".metadata.creationTimestamp", "date"),
]
_FIRST: dict[str, list[Column]] = {
    "Policy": [("Default", ".spec.default"), ("Subjects", ".spec.subjects", "string", 1)],
    "List": [("Kind", ".spec.kind")],
    "Upstream": [("Protocol", ".spec.protocol"), ("Addresses", ".spec.addresses")],
    "Record": [("Name-Of", ".spec.name")],
    "Client": [("Identities", ".spec.identities", "string", 1)],
    "TrustDomain": [("Bundle", ".spec.bundle", "string", 1)],
    "LogExclusion": [("Names", ".spec.names", "string", 1)],
}
COLUMNS = {kind: [*first, *_LAST] for kind, first in _FIRST.items()}
"""Name, place, type and priority of each column that kubectl prints."""
