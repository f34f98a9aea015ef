"""The app Advanced Blocking: groups by network, from ``dnsApp.config``."""

from keyhole.importers.addresses import client_network, plain_address
from keyhole.importers.expression import translate
from keyhole.importers.policy_fields import take_blocked_ttl
from keyhole.importers.product_settings import Bundle, ClientSettings, ListSource, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.technitium.lists import take_name
from keyhole.importers.typed_reader import Section, scalar_text
from keyhole.importers.urls import list_url
from keyhole.model.address import read_address

_LISTS = (("allowListUrls", True), ("blockListUrls", False), ("adblockListUrls", False))
_EXPRESSION_LISTS = ("regexAllowListUrls", "regexBlockListUrls")


def take_advanced_blocking(setup: Setup, report: Report, app: Section) -> None:
    """Adds the groups, and the networks that use them."""
    if not app.flag("enableBlocking", True):
        why = "the app was off; its groups are imported, but no client is in them"
        report.left(Kind.SETTING, "Advanced Blocking enableBlocking = false", why)
    if app.has("blockingAnswerTtl"):
        seconds = app.number("blockingAnswerTtl", -1)
        at = report.place_of("blockingAnswerTtl")
        take_blocked_ttl(setup, report, f"blockingAnswerTtl = {seconds}", seconds, at)
    for group in app.sections("groups"):
        with report.at(group.place):
            _group(setup, report, group)
    if app.flag("enableBlocking", True):
        _networks(setup, report, app)
    else:
        for text, _ in app.entries("networkGroupMap"):
            at = report.place_of(f"networkGroupMap.{text}")
            report.left(Kind.CLIENT, text, "the app was off", at)
    for place, _ in app.entries("localEndPointGroupMap"):
        why = "policies do not depend on the listener; give those clients a token or a network"
        at = report.place_of(f"localEndPointGroupMap.{place}")
        report.left(Kind.CLIENT, f"listener {place}", why, at)


def _group(setup: Setup, report: Report, group: Section) -> None:
    name = group.text("name", group.path)
    if not group.flag("enableBlocking", True):
        setup.bundles[_key(name)] = Bundle(name, origin=f"Advanced Blocking, group {name}")
        group.ignore(*group.value)  # none of it is in effect
        report.taken(Kind.GROUP, name, "it blocks nothing", group.place)
        return
    answer, changes = _answer(group, setup.answer)
    bundle = Bundle(name, answer=answer, origin=f"Advanced Blocking, group {name}")
    setup.bundles[_key(name)] = bundle
    report.add(Kind.GROUP, name, changes, at=group.place)
    for key, allow in (("allowed", True), ("blocked", False)):
        for text in group.texts(key):
            take_name(setup, report, text, _key(name), allow=allow, answer=answer)
    for key, allow in (("allowedRegex", True), ("blockedRegex", False)):
        for text in group.texts(key):
            _expression(report, bundle, text, allow=allow)
    for key, allow in _LISTS:
        _lists(report, bundle, group, key, allow=allow)
    for key in _EXPRESSION_LISTS:
        for text in group.texts(key):
            why = "Keyhole does not read lists of expressions; write them as rules"
            report.left(Kind.LIST, text, why)


def _key(name: str) -> str:
    return f"group {name}"


def _answer(group: Section, usual: str) -> tuple[str, tuple[str, ...]]:
    texts = group.texts("blockingAddresses")
    if group.flag("blockAsNxDomain", False):
        return "nxdomain", ()
    addresses = [known for text in texts if (known := plain_address(text))]
    special = [one for one in addresses if not read_address(one).is_unspecified]
    if not addresses:
        return usual, ()
    if not special:
        return "null", ()
    return special[0], (f"answers with {special[0]} alone; other types get an empty answer",)


def _expression(report: Report, bundle: Bundle, text: str, *, allow: bool) -> None:
    title = f"{'allowed' if allow else 'blocked'} regex {text}"
    try:
        translated = translate(text, "dotnet")
    except ValueError as error:
        report.left(Kind.RULE, title, str(error))
        return
    answer = None if allow else bundle.answer
    bundle.rules.append(
        NameRule(
            translated.matches, allow, answer=answer, title=title, origin=f"{bundle.title}: {title}"
        )
    )
    report.taken(Kind.RULE, title, "; ".join(translated.notes))


def _lists(report: Report, bundle: Bundle, group: Section, key: str, *, allow: bool) -> None:
    value = group.value.get(key)
    path = group.place_of(key)
    if value == []:
        group.ignore(key)
    for at, one in enumerate(value if isinstance(value, list) else []):
        address = scalar_text(one.get("url")) if isinstance(one, dict) else scalar_text(one)
        place = group.file.place(f"{path}[{at}]")
        group.file.mark(place.path, one)
        try:
            url, changes = list_url(address or "")
        except ValueError as error:
            report.left(Kind.LIST, address or place.path, str(error), place)
            continue
        if isinstance(one, dict) and len(one) > 1:
            changes = (*changes, f"its names get the answer of the group, {bundle.answer}")
        bundle.lists.append(ListSource(url, allow, origin=bundle.origin))
        report.add(Kind.LIST, url, changes, at=place)


def _networks(setup: Setup, report: Report, app: Section) -> None:
    everybody: str | None = None
    for text, value in app.entries("networkGroupMap"):
        name = scalar_text(value) or ""
        at = report.place_of(f"networkGroupMap.{text}")
        if _key(name) not in setup.bundles:
            report.left(Kind.CLIENT, text, f"there is no group {name}", at)
            continue
        try:
            address = client_network(text.replace("[", "").replace("]", ""))
        except ValueError:
            report.left(Kind.CLIENT, text, "it is not a network", at)
            continue
        if address.endswith("/0") and everybody in (None, name):
            everybody = name
            continue
        setup.clients.append(
            ClientSettings(
                text,
                [address],
                bundles=(*setup.default_bundles[:1], _key(name)),
                origin="Advanced Blocking, networkGroupMap",
                place=at,
            )
        )
    if everybody is not None:
        setup.default_bundles = (*setup.default_bundles, _key(everybody))
        report.taken(Kind.CLIENT, "all networks without a smaller one", f"group {everybody}")
