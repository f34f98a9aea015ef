//! The certificate matrix, and how a certificate stands when the trust has changed.

mod faults;

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_RSA_SHA256,
    PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls_pki_types::UnixTime;

use super::authority::{Authority, Shown, now, valid, workload};
use super::*;
use crate::document::{
    NotBeforeDocument, RevokedCertificateDocument, RevokedDocument, TrustDomainDocument,
};
use crate::faults::Faults;

const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";

fn domain(name: &str, bundle: &str, crls: &str) -> TrustDomainDocument {
    let (bundle, crls) = (bundle.to_owned(), crls.to_owned());
    TrustDomainDocument { name: name.to_owned(), bundle, crls, origin: "trust.yaml:1".to_owned() }
}

fn document(domains: Vec<TrustDomainDocument>) -> TrustDocument {
    TrustDocument { domains, revoked: RevokedDocument::default() }
}

fn compile(document: TrustDocument) -> Result<Trust, String> {
    let mut faults = Faults::default();
    let trust = Trust::compile(document, &mut faults);
    faults.into_result("snapshot", trust).map_err(|error| error.to_string())
}

fn trust(domains: Vec<TrustDomainDocument>) -> Trust {
    compile(document(domains)).unwrap()
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap()))
}

fn verify(trust: &Trust, shown: &Shown) -> Result<Svid, Refusal> {
    trust.verify(&shown.chain[0], &shown.chain[1..], at(now()))
}

/// A workload's certificate with one thing changed.
fn changed(root: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let mut params = workload(&[WEB]);
    change(&mut params);
    root.issue_with(params)
}

#[test]
fn a_good_certificate_gives_its_identity() {
    let root = Authority::root("root");
    let trust = trust(vec![domain("keyhole.lab", &root.pem(), "")]);
    let shown = changed(&root, |params| {
        valid(params, -60, 3_600);
        params.serial_number = Some(SerialNumber::from(0x0a_ff));
        params.subject_alt_names.push(SanType::DnsName("web.shop".try_into().unwrap()));
    });
    let svid = verify(&trust, &shown).unwrap();
    assert_eq!((svid.id.as_str(), svid.serial.as_str()), (WEB, "aff"));
    assert!(!svid.expired && (svid.not_after - now() - 3_600).abs() < 60);
    assert_eq!(trust.status(&svid), CertificateStatus::Good);
}

#[test]
fn a_chain_through_an_intermediate_is_good_only_when_it_is_shown() {
    let root = Authority::root("root");
    let issuer = root.below("issuer", |_| {});
    let trust = trust(vec![domain("keyhole.lab", &root.pem(), "")]);
    assert!(verify(&trust, &issuer.issue(WEB).through(&issuer)).is_ok());
    assert_eq!(verify(&trust, &issuer.issue(WEB)).unwrap_err(), Refusal::UnknownIssuer);
    let mut long = issuer.issue(WEB);
    for _ in 0..9 {
        long = long.through(&issuer);
    }
    assert_eq!(verify(&trust, &long).unwrap_err(), Refusal::ChainTooLong);
}

#[test]
fn an_expired_certificate_is_let_in_and_marked_and_nothing_else_about_it_may_be_wrong() {
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    // Its issuer has expired as well, after it: the chain is checked as of its own last second.
    let issuer = root.below("issuer", |params| valid(params, -7_200, -1_800));
    let trust = trust(vec![domain("keyhole.lab", &root.pem(), "")]);
    let expired = |params: &mut CertificateParams| valid(params, -7_000, -3_600);
    assert!(verify(&trust, &changed(&root, expired)).unwrap().expired);
    assert!(verify(&trust, &changed(&issuer, expired).through(&issuer)).unwrap().expired);
    assert_eq!(verify(&trust, &changed(&other, expired)).unwrap_err(), Refusal::UnknownIssuer);
    let fresh = changed(&issuer, |_| {}).through(&issuer);
    assert_eq!(verify(&trust, &fresh).unwrap_err(), Refusal::IssuerExpired);
    // Its last second is still its own.
    let shown = changed(&root, |params| valid(params, -60, 60));
    let last = verify(&trust, &shown).unwrap().not_after;
    for (second, is_expired) in [(last, false), (last + 1, true)] {
        let svid = trust.verify(&shown.chain[0], &[], at(second)).unwrap();
        assert_eq!(svid.expired, is_expired);
    }
}

/// An RSA key of 1024 bits, as it stands in a certificate.
struct Short(Vec<u8>);

impl Short {
    fn key() -> Self {
        let modulus = [&[0x02, 0x81, 0x81, 0x00, 0xc5][..], &[0x5b; 127]].concat();
        let exponent = [0x02, 0x03, 0x01, 0x00, 0x01];
        let length = u8::try_from(modulus.len() + exponent.len()).unwrap();
        Self([&[0x30, 0x81, length][..], &modulus, &exponent].concat())
    }
}

impl PublicKeyData for Short {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

#[test]
fn every_other_certificate_is_refused_for_its_own_reason() {
    let (root, namesake) = (Authority::root("root"), Authority::root("root"));
    let other = Authority::root("other");
    let trust =
        trust(vec![domain("keyhole.lab", &root.pem(), ""), domain("other.lab", &other.pem(), "")]);
    let uri = |uri: &str| root.issue(uri);
    let san = |names: Vec<SanType>| changed(&root, |params| params.subject_alt_names = names);
    let usages =
        |usages: &[KeyUsagePurpose]| changed(&root, |params| params.key_usages = usages.to_vec());
    let purposes = |purposes: &[ExtendedKeyUsagePurpose]| {
        changed(&root, |params| params.extended_key_usages = purposes.to_vec())
    };
    let dns = || SanType::DnsName("web.shop".try_into().unwrap());
    let weak = {
        let mut shown = root.issue(WEB);
        shown.chain[0] = root.sign(&workload(&[WEB]), &Short::key());
        shown
    };
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let mut shown = root.issue(WEB);
        shown.chain[0] = workload(&[WEB]).self_signed(&key).unwrap().der().clone();
        shown
    };
    let constrained = root.below("constrained", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::IpAddress(CidrSubnet::V4(
                [10, 0, 0, 0],
                [255, 0, 0, 0],
            ))],
            excluded_subtrees: Vec::new(),
        });
    });
    let short_path = root.below("short", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let too_deep = short_path.below("deep", |_| {});
    let mut garbage = root.issue(WEB);
    garbage.chain[0] = b"not a certificate".to_vec().into();
    let mut trailing = root.issue(WEB);
    trailing.chain[0] = [&trailing.chain[0][..], &[0]].concat().into();
    let mut bent = root.issue(WEB);
    bent.chain[0] = {
        let mut octets = bent.chain[0].to_vec();
        let last = octets.len() - 1;
        octets[last] ^= 1;
        octets.into()
    };
    for (what, shown, refusal) in [
        ("no certificate at all", garbage, Refusal::Unreadable),
        ("an octet too many", trailing, Refusal::Unreadable),
        ("a bent signature", bent, Refusal::UnknownIssuer),
        ("not valid yet", changed(&root, |params| valid(params, 600, 3_600)), Refusal::NotYetValid),
        ("self-signed", self_signed, Refusal::UnknownIssuer),
        ("another authority", Authority::root("stranger").issue(WEB), Refusal::UnknownIssuer),
        ("another authority with the same name", namesake.issue(WEB), Refusal::UnknownIssuer),
        (
            "a common name only",
            changed(&root, |params| {
                params.subject_alt_names.clear();
                params.distinguished_name.push(DnType::CommonName, WEB);
            }),
            Refusal::NoIdentity,
        ),
        ("a DNS name only", san(vec![dns()]), Refusal::NoIdentity),
        (
            "an address only",
            san(vec![SanType::IpAddress("127.0.0.1".parse().unwrap())]),
            Refusal::NoIdentity,
        ),
        (
            "two URIs",
            root.issue_with(workload(&[WEB, "spiffe://keyhole.lab/ns/shop/sa/payments"])),
            Refusal::SeveralIdentities,
        ),
        (
            "two URIs of which one is no SPIFFE ID",
            root.issue_with(workload(&[WEB, "https://keyhole.lab/"])),
            Refusal::SeveralIdentities,
        ),
        ("another scheme", uri("https://keyhole.lab/ns/shop"), Refusal::InvalidIdentity),
        ("a trust domain alone", uri("spiffe://keyhole.lab"), Refusal::InvalidIdentity),
        ("a query", uri("spiffe://keyhole.lab/ns/shop?x=1"), Refusal::InvalidIdentity),
        ("a fragment", uri("spiffe://keyhole.lab/ns/shop#x"), Refusal::InvalidIdentity),
        ("a percent sign", uri("spiffe://keyhole.lab/ns/sho%70"), Refusal::InvalidIdentity),
        ("a NUL", uri("spiffe://keyhole.lab/ns/shop\0.evil"), Refusal::InvalidIdentity),
        ("a port", uri("spiffe://keyhole.lab:443/ns/shop"), Refusal::InvalidIdentity),
        ("upper case", uri("spiffe://KEYHOLE.lab/ns/shop"), Refusal::InvalidIdentity),
        ("dots", uri("spiffe://keyhole.lab/ns/../shop"), Refusal::InvalidIdentity),
        ("an unknown trust domain", uri("spiffe://third.lab/ns/shop"), Refusal::UnknownTrustDomain),
        (
            "a sub-domain of a trust domain",
            uri("spiffe://x.keyhole.lab/a"),
            Refusal::UnknownTrustDomain,
        ),
        (
            "signed by one trust domain for another",
            uri("spiffe://other.lab/a"),
            Refusal::UnknownIssuer,
        ),
        ("the same the other way round", other.issue(WEB), Refusal::UnknownIssuer),
        (
            "an authority",
            changed(&root, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            Refusal::Authority,
        ),
        (
            "signs certificates",
            usages(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign]),
            Refusal::Authority,
        ),
        (
            "signs revocation lists",
            usages(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign]),
            Refusal::Authority,
        ),
        ("cannot sign", usages(&[KeyUsagePurpose::KeyEncipherment]), Refusal::WrongPurpose),
        ("no key usage", usages(&[]), Refusal::WrongPurpose),
        ("a server", purposes(&[ExtendedKeyUsagePurpose::ServerAuth]), Refusal::WrongPurpose),
        ("signs code", purposes(&[ExtendedKeyUsagePurpose::CodeSigning]), Refusal::WrongPurpose),
        ("any purpose", purposes(&[ExtendedKeyUsagePurpose::Any]), Refusal::WrongPurpose),
        ("no purpose", purposes(&[]), Refusal::WrongPurpose),
        ("a key of 1024 bits", weak, Refusal::WeakKey),
        (
            "an address that its issuer must not name",
            changed(&constrained, |params| {
                params.subject_alt_names.push(SanType::IpAddress("192.0.2.1".parse().unwrap()));
            })
            .through(&constrained),
            Refusal::Invalid,
        ),
        (
            "an authority below one that may have none",
            too_deep.issue(WEB).through(&too_deep).through(&short_path),
            Refusal::Invalid,
        ),
        (
            "signed by a certificate of a workload",
            {
                let web = root.below("web", |params| params.is_ca = IsCa::NoCa);
                web.issue(WEB).through(&web)
            },
            Refusal::Invalid,
        ),
    ] {
        assert_eq!(verify(&trust, &shown).map(|svid| svid.id).unwrap_err(), refusal, "{what}");
    }
}

#[test]
fn what_was_revoked_is_refused_by_identity_by_serial_number_and_by_list() {
    let root = Authority::root("root");
    let issuer = root.below("issuer", |params| params.serial_number = Some(8.into()));
    let shown = || changed(&root, |params| params.serial_number = Some(7.into()));
    let through =
        || changed(&issuer, |params| params.serial_number = Some(9.into())).through(&issuer);
    let with = |crls: &str, revoked: RevokedDocument| {
        let domains = vec![domain("keyhole.lab", &root.pem(), crls)];
        compile(TrustDocument { domains, revoked }).unwrap()
    };
    let lists = |trust: &Trust, shown: &Shown| verify(trust, shown).map(|svid| svid.serial);
    let identity =
        |id: &str| RevokedDocument { identities: vec![id.to_owned()], ..Default::default() };
    let serial = |domain: &str, serial: &str| RevokedDocument {
        certificates: vec![RevokedCertificateDocument {
            domain: domain.into(),
            serial: serial.into(),
        }],
        ..Default::default()
    };
    let good = Ok("7".to_owned());
    for (what, trust, expected) in [
        ("nothing", with("", RevokedDocument::default()), good.clone()),
        ("identity", with("", identity(WEB)), Err(Refusal::Revoked)),
        (
            "another identity",
            with("", identity("spiffe://keyhole.lab/ns/shop/sa/we")),
            good.clone(),
        ),
        ("serial", with("", serial("keyhole.lab", "7")), Err(Refusal::Revoked)),
        ("serial of another domain", with("", serial("other.lab", "7")), good.clone()),
        (
            "list",
            with(&root.revoke(&[7], 3_600), RevokedDocument::default()),
            Err(Refusal::Revoked),
        ),
        ("empty list", with(&root.revoke(&[], 3_600), RevokedDocument::default()), good),
        (
            "list that is overdue",
            with(&root.revoke(&[], -60), RevokedDocument::default()),
            Err(Refusal::StaleRevocationList),
        ),
        (
            "list of somebody else",
            with(&Authority::root("stranger").revoke(&[], 3_600), RevokedDocument::default()),
            Err(Refusal::UnknownRevocation),
        ),
        (
            "list of a namesake",
            with(&Authority::root("root").revoke(&[], 3_600), RevokedDocument::default()),
            Err(Refusal::UnknownRevocation),
        ),
    ] {
        assert_eq!(lists(&trust, &shown()), expected, "{what}");
    }
    // Each certificate of a chain has to be spoken of, and each may be revoked.
    for (of_root, of_issuer, expected) in [
        (Some(&[][..]), Some(&[][..]), Ok("9".to_owned())),
        (Some(&[8]), Some(&[]), Err(Refusal::Revoked)),
        (Some(&[]), Some(&[9]), Err(Refusal::Revoked)),
        (Some(&[]), None, Err(Refusal::UnknownRevocation)),
        (None, Some(&[]), Err(Refusal::UnknownRevocation)),
    ] {
        let pem = |of: Option<&[u64]>, who: &Authority| {
            of.map_or_else(String::new, |serials| who.revoke(serials, 3_600))
        };
        let crls = pem(of_root, &root) + &pem(of_issuer, &issuer);
        assert_eq!(lists(&with(&crls, RevokedDocument::default()), &through()), expected);
    }
}

#[test]
fn a_certificate_stands_as_the_trust_of_the_moment_says() {
    let (root, next) = (Authority::root("root"), Authority::root("next"));
    let both = root.pem() + &next.pem();
    let with = |bundle: &str, change: &dyn Fn(&mut TrustDocument)| {
        let mut document = document(vec![domain("keyhole.lab", bundle, "")]);
        change(&mut document);
        compile(document).unwrap()
    };
    let shown = changed(&root, |params| params.serial_number = Some(7.into()));
    let first = with(&root.pem(), &|_| {});
    let svid = verify(&first, &shown).unwrap();
    for (what, trust, status) in [
        ("the same again", with(&root.pem(), &|_| {}), CertificateStatus::Good),
        ("a second root", with(&both, &|_| {}), CertificateStatus::Good),
        ("the new root alone", with(&next.pem(), &|_| {}), CertificateStatus::Untrusted),
        (
            "no trust domain",
            with(&both, &|trust| trust.domains.clear()),
            CertificateStatus::Untrusted,
        ),
        (
            "the identity revoked",
            with(&both, &|trust| trust.revoked.identities.push(WEB.to_owned())),
            CertificateStatus::Revoked,
        ),
        (
            "the serial number revoked",
            with(&both, &|trust| {
                let (domain, serial) = ("keyhole.lab".to_owned(), "7".to_owned());
                trust.revoked.certificates.push(RevokedCertificateDocument { domain, serial });
            }),
            CertificateStatus::Revoked,
        ),
        (
            "on a list",
            with(&both, &|trust| trust.domains[0].crls = root.revoke(&[7], 3_600)),
            CertificateStatus::Revoked,
        ),
        ("the first one once more", first, CertificateStatus::Good),
    ] {
        // The second time it is remembered, and says the same.
        assert_eq!([trust.status(&svid), trust.status(&svid)], [status; 2], "{what}");
    }
}

#[test]
fn an_assumed_certificate_is_good_unless_its_identity_is_revoked() {
    let id = || SpiffeId::read(WEB).unwrap();
    let mut revoking = document(Vec::new());
    revoking.revoked.identities.push(WEB.to_owned());
    assert_eq!(Trust::nobody().status(&Svid::assumed(id(), true)), CertificateStatus::Good);
    assert_eq!(
        compile(revoking).unwrap().status(&Svid::assumed(id(), false)),
        CertificateStatus::Revoked
    );
}

#[test]
fn equal_trust_stays_the_same_one() {
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    let made = |root: &Authority| Arc::new(trust(vec![domain("keyhole.lab", &root.pem(), "")]));
    let first = made(&root);
    assert!(Arc::ptr_eq(&made(&root).or_same(&first), &first));
    assert!(!Arc::ptr_eq(&made(&other).or_same(&first), &first));
    assert!(first.asks() && !Trust::nobody().asks());
}

#[test]
fn what_was_issued_before_the_time_of_its_identity_is_refused_also_on_an_open_connection() {
    let root = Authority::root("root");
    let with = |id: &str, at: i64| {
        let not_before = vec![NotBeforeDocument { id: id.into(), at }];
        let revoked = RevokedDocument { not_before, ..Default::default() };
        let domains = vec![domain("keyhole.lab", &root.pem(), "")];
        compile(TrustDocument { domains, revoked }).unwrap()
    };
    let shown = changed(&root, |params| valid(params, -60, 3_600));
    let began = verify(&with(WEB, i64::MIN), &shown).unwrap().not_before;
    for (id, at, refused) in [
        (WEB, began, false),
        (WEB, began + 1, true),
        ("spiffe://keyhole.lab/ns/shop/sa/other", began + 1, false),
    ] {
        let trust = with(id, at);
        let refusal = verify(&trust, &shown).err();
        assert_eq!(refusal, refused.then_some(Refusal::Revoked), "{id} {at}");
        let open = verify(&with(WEB, began), &shown).unwrap();
        let status = if refused { CertificateStatus::Revoked } else { CertificateStatus::Good };
        assert_eq!(trust.status(&open), status, "{id} {at}");
    }
}
