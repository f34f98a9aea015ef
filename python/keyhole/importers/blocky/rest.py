"""What blocky's settings say about logging, upstreams and answers, besides lists and records."""

from keyhole.importers.durations import seconds_of
from keyhole.importers.policy_fields import take_private_name, take_types
from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.upstreams import take_timeout

_CLIENT_FIELDS = {"clientip", "clientname"}
_ORDER = "Keyhole asks upstreams in order, and a second one where the first is slow"
_STRATEGIES = {
    "parallel_best": f"{_ORDER}; it does not race two of them for each query",
    "random": f"{_ORDER}; it does not spread queries over them",
}
_SWITCHES = (
    ("ede", "enable", True, "Keyhole always adds extended errors (RFC 8914)"),
    ("specialUseDomains", "enable", True, "Keyhole always answers special-use names by itself"),
    ("fqdnOnly", "enable", False, "Keyhole also sends names of one label to upstreams"),
    ("dnssec", "validate", False, "write validate: on under upstreams of the policy"),
    ("dns64", "enable", False, "Keyhole does not synthesize addresses"),
    ("ecs", "forward", False, "Keyhole does not send client subnets to upstreams"),
    ("ecs", "useAsClient", False, "Keyhole does not identify clients by a client subnet"),
    ("customDNS", "filterUnmappedTypes", True,
     "a name with a Record has only what the Record says; other types are not sent to upstreams"),
)  # fmt: skip
"""Section, key, what Keyhole does, and why the other value is left."""


def take_rest(setup: Setup, report: Report, root: Section) -> None:
    """Takes what has an equivalent, and reports what has none."""
    _upstreams(setup, report, root)
    _log(setup, report, root)
    _types(setup, report, root)
    for section, key, ours, why in _SWITCHES:
        part = root.under(section)
        if part.has(key) and part.flag(key, ours) is not ours:
            path = part.place_of(key)
            report.left(Kind.SETTING, path, why, report.place_of(path))
    _private_addresses(setup, report, root)


def _upstreams(setup: Setup, report: Report, root: Section) -> None:
    upstreams = root.under("upstreams")
    for section, key in ((upstreams, "strategy"), (root, "upstreamStrategy")):
        strategy = section.text(key)
        title = f"{section.place_of(key)} = {strategy}"
        if strategy == "strict":
            report.taken(Kind.SETTING, title, _ORDER)
        elif strategy:
            why = _STRATEGIES.get(strategy, f"the strategy is unknown; {_ORDER}")
            report.changed(Kind.SETTING, title, why)
    for section, key in ((upstreams, "timeout"), (root, "upstreamTimeout")):
        if text := section.text(key):
            seconds = seconds_of(text, bare=1)
            take_timeout(setup, report, f"{section.place_of(key)} = {text}", seconds)


def _types(setup: Setup, report: Report, root: Section) -> None:
    path = "filtering.queryTypes"
    if types := root.under("filtering").texts("queryTypes"):
        title = f"{path} = {', '.join(types)}"
        take_types(setup, report, title, types, report.place_of(path))
    if root.flag("disableIPv6", False):
        take_types(setup, report, "disableIPv6", ["AAAA"], report.place_of("disableIPv6"))


def _log(setup: Setup, report: Report, root: Section) -> None:
    log = root.under("queryLog")
    target = log.text("type", "console").lower()
    fields = [one.strip() for one in log.texts("fields")]
    is_private = root.under("log").flag("privacy", False) or root.flag("logPrivacy", False)
    private = "log.privacy" if root.under("log").has("privacy") else "logPrivacy"
    if target == "none":
        setup.log = "none"
        report.taken(Kind.SETTING, "queryLog.type = none", "log: none")
    elif log.has("type"):
        why = "Keyhole keeps its query log in its data folder; see log in keyhole.yaml"
        report.changed(Kind.SETTING, f"queryLog.type = {target}", why)
    if is_private and target == "console":
        setup.log = "none"
        why = (
            "log: none; blocky masks names, answers and clients on the console, and Keyhole cannot "
            "leave out names alone"
        )
        report.changed(Kind.SETTING, f"{private} = true", why)
    elif is_private:
        why = "it masks blocky's messages; what is in the query log follows from queryLog"
        report.left(Kind.SETTING, f"{private} = true", why)
    if fields:
        _fields(setup, report, fields)


def _fields(setup: Setup, report: Report, fields: list[str]) -> None:
    """Keyhole records no more about a client, and no more about a name, than blocky did."""
    title, place = f"queryLog.fields = {', '.join(fields)}", report.place_of("queryLog.fields")
    known = {one.lower() for one in fields}
    if "question" not in known:
        setup.log = "none"
        why = "log: none, because the fields leave out the name, which Keyhole cannot"
    elif not _CLIENT_FIELDS & known:
        setup.log = "none" if setup.log == "none" else "anonymous"
        why = f"log: {setup.log}; the fields leave out the client, but Keyhole records the rest"
    else:
        why = f"log: {setup.log}; Keyhole has no choice of fields besides the client's"
    report.changed(Kind.SETTING, title, why, place)


def _private_addresses(setup: Setup, report: Report, root: Section) -> None:
    rebinding = root.under("rebindingProtection")
    if rebinding.flag("enable", False):
        report.taken(Kind.SETTING, "rebindingProtection", "privateAddresses: block")
        for name in rebinding.texts("allowedDomains"):
            title = f"rebindingProtection.allowedDomains: {name}"
            take_private_name(setup, report, title, name)
        return
    why = (
        "blocky passes private addresses in answers for public names; Keyhole removes them (DNS "
        "rebinding) unless a policy says privateAddresses: allow"
    )
    report.changed(Kind.SETTING, "private addresses in answers", why)
