"""The section ``filtering`` (before schema 22: ``dns``): answers to blocked names, rewrites."""

from keyhole.importers.addresses import plain_address
from keyhole.importers.adguard.restrictions import take_safe_search, take_services
from keyhole.importers.hosts import cname_record, host_record
from keyhole.importers.policy_fields import take_blocked_ttl
from keyhole.importers.product_settings import Restrictions, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section

_ANSWERS = {
    "default": "null",
    "null_ip": "null",
    "nxdomain": "nxdomain",
    "refused": "refused",
}
_CODES = ("NXDOMAIN", "NOERROR", "REFUSED", "SERVFAIL", "NODATA")
_SERVICES = (
    ("parental_enabled", "parental control"),
    ("safebrowsing_enabled", "safe browsing"),
)


def take_filtering(setup: Setup, report: Report, root: Section) -> None:
    """Adds the answer for blocked names, and rewrites as local records."""
    filtering = root.under("filtering")
    if not filtering.value:
        filtering = root.under("dns")
    for key in ("protection_enabled", "filtering_enabled"):
        if not filtering.flag(key, True):
            setup.observe_only = True
            why = (
                "it was off, so every policy has mode: observe, which only records what it would "
                "block; remove those lines to block"
            )
            report.changed(Kind.SETTING, f"{filtering.place_of(key)} = false", why)
    _answer(setup, report, filtering)
    if filtering.has("blocked_response_ttl"):
        seconds = filtering.number("blocked_response_ttl", -1)
        title = f"{filtering.place_of('blocked_response_ttl')} = {seconds}"
        take_blocked_ttl(setup, report, title, seconds)
    enabled = filtering.flag("rewrites_enabled", True)
    for one in filtering.sections("rewrites"):
        with report.at(one.place):
            _rewrite(setup, report, one, enabled=enabled)
    report_own_services(report, filtering, "")
    setup.restrictions = Restrictions(
        *take_safe_search(report, filtering, ""), *take_services(report, filtering, "")
    )


def report_own_services(report: Report, section: Section, who: str) -> None:
    """Reports what AdGuard decides with its own services."""
    place = f"{who}: " if who else ""
    for key, title in _SERVICES:
        if section.flag(key, False):
            why = "AdGuard's own service decides this; use a list with the same purpose"
            at = report.place_of(section.place_of(key))
            report.left(Kind.SETTING, f"{place}{title}", why, at)


def _answer(setup: Setup, report: Report, filtering: Section) -> None:
    mode = filtering.text("blocking_mode", "default")
    name = f"{filtering.place_of('blocking_mode')} = {mode}"
    if mode in _ANSWERS:
        filtering.ignore("blocking_ipv4", "blocking_ipv6")  # other modes do not use them
        setup.answer = _ANSWERS[mode]
        report.taken(Kind.SETTING, name, f"answer: {setup.answer}")
        return
    texts = [filtering.text(key) for key in ("blocking_ipv4", "blocking_ipv6")]
    address = next((known for one in texts if (known := plain_address(one))), None)
    if mode == "custom_ip" and address is not None:
        setup.answer = address
        why = f"answer: {setup.answer}; a single address, so other types get an empty answer"
    else:
        why = "the mode is unknown; answer: null is used"
    report.changed(Kind.SETTING, name, why)


def _rewrite(setup: Setup, report: Report, one: Section, *, enabled: bool) -> None:
    name, answer = one.text("domain").strip(), one.text("answer").strip()
    title = f"{name} {answer}"
    if not one.flag("enabled", True) or not enabled:
        report.left(Kind.RECORD, title, "it is disabled")
    elif answer in ("A", "AAAA"):
        why = "it exempts one type from another rewrite; a Record answers for all types of a name"
        report.left(Kind.RECORD, title, why)
    elif answer.upper() in _CODES:
        why = (
            "AdGuard takes it for the name of an alias; to block the name, write a rule with answer"
        )
        report.left(Kind.RECORD, title, why)
    elif answer == name:
        report.left(
            Kind.RECORD,
            title,
            "it exempts a name from a rewrite; do not add that name to the Record",
        )
    elif plain_address(answer):
        host_record(setup, report, name, answer, one.path, is_first=False)
    else:
        cname_record(setup, report, name, answer, one.path)
