"""Impersonation: which certificates of clients are believed, over DoT and DoH."""

from pathlib import Path
from tempfile import TemporaryDirectory

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.checks.transport import all_refuse
from keyhole.verify.endpoint import Certificate, Endpoint, ask
from keyhole.verify.error import SkippedError
from keyhole.verify.forged import FORGERIES, Forger, Forgery
from keyhole.verify.question import question
from keyhole.verify.standards import NIST_207, rfc
from keyhole.verify.target import Target

_STRANGER = "spiffe://keyhole.internal/ns/default/sa/verify"


_WHERE = "over DoT, and over DoH where nobody is answered without an identity"


def _tries(target: Target, shown: Certificate) -> dict[Endpoint, bytes]:
    """A question for each listener, which is shown this certificate."""
    # Where a listener answers strangers too, DoH may not have asked for the certificate at all.
    listeners = target.strict or target.over("dot")
    name = target.secret_name() if target.lab else target.known
    return {one.shows(shown): question(name) for one in listeners}


def _refused(target: Target, shown: Certificate) -> Seen:
    return all_refuse(_tries(target, shown))


def _of(forgery: Forgery) -> Check:
    @check(
        f"client-{forgery.id}",
        f"A client certificate {forgery.title} is refused",
        Threat.IMPERSONATION,
        rfc(5280, "6"),
        NIST_207,
        tried=f"the right identity with a certificate {forgery.title}, {_WHERE}",
        expected="a TLS alert, or REFUSED",
    )
    def refused(target: Target) -> Seen:
        if target.lab is not None:
            return _refused(target, forgery.make(target.lab.forger))
        if not forgery.own:
            raise SkippedError("only in the lab: the key of the authority is needed")
        with TemporaryDirectory(prefix="keyhole-verify-") as folder:
            return _refused(target, forgery.make(Forger(Path(folder), _STRANGER)))

    return refused


@check(
    "client-good",
    "A good certificate is answered",
    Threat.IMPERSONATION,
    NIST_207,
    tried=f"the right identity with a good certificate, {_WHERE}",
    expected="NOERROR: what refuses everybody proves nothing",
)
def good(target: Target) -> Seen:
    """The counterpart of all refusals."""
    if target.good is None:
        raise SkippedError("needs a good certificate: --cert and --key")
    said = {one: ask(one, wire).rcode for one, wire in _tries(target, target.good).items()}
    broken = [f"{one}: {code}" for one, code in said.items() if code != "NOERROR"]
    return Seen.of(broken, len(said), ", ".join(f"{one}: {code}" for one, code in said.items()))


@check(
    "client-other-workload",
    "A workload cannot pass by the resolver",
    Threat.BYPASS,
    NIST_207,
    tried="the forwarder, asked with the good certificate of a workload that it does not serve",
    expected="REFUSED",
)
def other_workload(target: Target) -> Seen:
    """A good certificate is an identity, not a permission."""
    lab = target.needs_lab("a certificate of another workload is needed")
    return _refused(target, lab.identity("spiffe://keyhole.lab/ns/shop/sa/web"))


CHECKS: tuple[Check, ...] = (*(_of(one) for one in FORGERIES), other_workload, good)
