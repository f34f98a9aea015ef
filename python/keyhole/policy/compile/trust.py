"""Trusted certificate authorities."""

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import DocumentErrors
from keyhole.model.snapshot_identity import Trust, TrustDomain
from keyhole.model.trust_domain import TrustDomainSpec
from keyhole.policy.certificate_files import CertificateFileError, read_bundle, read_crls
from keyhole.policy.trust_context import TrustContext, no_trust


def compile_trust(documents: Documents, context: TrustContext) -> Trust:
    """Our own authority first, then the trust domains that documents declare.

    Raises `DocumentErrors` if a file cannot be used, and if a document declares the trust domain of
    our own authority: each of two authorities of one name could impersonate the clients of the
    other.
    """
    if not context.accepts_certificates:
        return no_trust()
    own = context.trust.domains
    for declared in documents.trust_domains:
        if any(one.name == declared.name for one in own):
            why = (
                f"{declared.name} is the trust domain of Keyhole's own authority; give another "
                "name, or set another identity.trust_domain"
            )
            raise DocumentErrors([declared.problem(["metadata", "name"], why)])
    return Trust(
        domains=[*own, *(compile_domain(one) for one in documents.trust_domains)],
        revoked=context.trust.revoked,
    )


def compile_domain(declared: Declaration[TrustDomainSpec]) -> TrustDomain:
    """One trust domain with its files; raises `DocumentErrors`."""
    try:
        bundle, crls = read_bundle(declared), read_crls(declared)
    except CertificateFileError as error:
        raise DocumentErrors([declared.problem(error.location, str(error))]) from None
    return TrustDomain(name=declared.name, bundle=bundle, crls=crls, origin=declared.origin())
