//! Which certificates an upstream may show: a matrix of bad ones, none of which is asked anything.

use keyhole_core::Reason;
use keyhole_core::document::{UpstreamDocument, UpstreamProtocol};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::authority::{Authority, Signed, uri};
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, ask, document, last_error, prepare};

const TLS: [UpstreamProtocol; 2] = [UpstreamProtocol::Dot, UpstreamProtocol::Doh];
const NAME: &str = "dns.example.org";
const ID: &str = "spiffe://keyhole.lab/ns/keyhole/sa/forwarder";

/// How an upstream is known, for all cases that do not depend on it.
const BY: [By; 2] = [By::Name, By::Id];

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Name,
    Id,
}

impl By {
    /// A certificate that is good but for the change.
    fn sign(self, authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        match self {
            Self::Name => authority.sign_with(&[NAME], change),
            Self::Id => authority.sign_id(ID, change),
        }
    }

    fn known(self, document: &mut UpstreamDocument) {
        if self == Self::Id {
            document.server_id = Some(ID.into());
            document.server_name.clear();
        }
    }
}

/// A certificate, and the words for what is wrong with it.
struct Case {
    title: String,
    by: By,
    signed: Signed,
    crls: String,
    words: String,
}

impl Case {
    fn new(title: &str, by: By, signed: Signed, words: &str) -> Self {
        let (title, words) = (title.to_owned(), words.to_owned());
        Self { title, by, signed, crls: String::new(), words }
    }

    fn with_lists(self, crls: String) -> Self {
        Self { crls, ..self }
    }
}

fn purposes(purpose: ExtendedKeyUsagePurpose) -> impl Fn(&mut CertificateParams) {
    move |params| params.extended_key_usages = vec![purpose.clone()]
}

fn serial(number: u64) -> impl Fn(&mut CertificateParams) {
    move |params| params.serial_number = Some(SerialNumber::from(number))
}

fn years(from: i32, to: i32) -> impl Fn(&mut CertificateParams) {
    move |params| {
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
    }
}

fn self_signed(by: By) -> Signed {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    if by == By::Id {
        params.subject_alt_names = vec![uri(ID)];
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate().unwrap();
    Signed::new(&params.self_signed(&key).unwrap(), &key)
}

/// What is wrong with any certificate, however the upstream is known.
fn chains(authority: &Authority, by: By) -> Vec<Case> {
    let other = Authority::named("other root");
    let namesake = Authority::new();
    let unsigned = "certificate is not signed by a trusted root";
    let is_ca = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    let purpose = "certificate is not made for servers";
    let case = |title: &str, signed, words| Case::new(title, by, signed, words);
    vec![
        case("expired", by.sign(authority, years(2020, 2021)), "certificate has expired"),
        case(
            "not yet valid",
            by.sign(authority, years(2090, 2091)),
            "certificate is not valid yet",
        ),
        case("self-signed", self_signed(by), unsigned),
        case("of another authority", by.sign(&other, |_| {}), unsigned),
        case("of a namesake of the authority", by.sign(&namesake, |_| {}), unsigned),
        case(
            "of another authority, shown with that",
            by.sign(&other, |_| {}).through(&other),
            unsigned,
        ),
        case(
            "for clients alone",
            by.sign(authority, purposes(ExtendedKeyUsagePurpose::ClientAuth)),
            purpose,
        ),
        case(
            "for code",
            by.sign(authority, purposes(ExtendedKeyUsagePurpose::CodeSigning)),
            purpose,
        ),
        case("of an authority", by.sign(authority, is_ca), "certificate is that of an authority"),
    ]
}

/// What revocation lists say.
fn revocations(authority: &Authority, by: By) -> Vec<Case> {
    let good = |number: u64| by.sign(authority, serial(number));
    let (other, namesake) = (Authority::named("other root"), Authority::new());
    let intermediate = authority.below("below");
    let both = |serials: &[u64]| {
        authority.revoke(serials, 2020, 2090) + &intermediate.revoke(serials, 2020, 2090)
    };
    let silent = "no revocation list speaks of the certificate";
    let through = |number: u64| by.sign(&intermediate, serial(number)).through(&intermediate);
    let case =
        |title: &str, signed, words, crls| Case::new(title, by, signed, words).with_lists(crls);
    vec![
        case("revoked", good(7), "certificate is revoked", authority.revoke(&[6, 7], 2020, 2090)),
        case("revoked by its intermediate", through(7), "certificate is revoked", both(&[7])),
        case(
            "that a stale list speaks of",
            good(7),
            "the revocation list of the certificate has expired",
            authority.revoke(&[6], 2020, 2021),
        ),
        case("that no list speaks of", good(7), silent, other.revoke(&[7], 2020, 2090)),
        case(
            "whose intermediate no list speaks of",
            through(7),
            silent,
            intermediate.revoke(&[6], 2020, 2090),
        ),
        case(
            "that only a forged list speaks of",
            good(7),
            "is not signed by it",
            namesake.revoke(&[6], 2020, 2090),
        ),
    ]
}

/// Names that are not the one asked for.
fn names(authority: &Authority) -> Vec<Case> {
    let common_name = authority.sign_with(&[], |params| {
        params.distinguished_name.push(DnType::CommonName, NAME);
    });
    let nul = authority.sign_with(&[], |params| {
        let name = format!("{NAME}\0.example.net");
        params.subject_alt_names = vec![SanType::DnsName(name.as_str().try_into().unwrap())];
    });
    let id = authority.sign_id(ID, |_| {});
    let wrong = |signed, words: &str| Case::new("wrong name", By::Name, signed, words);
    vec![
        wrong(common_name, "certificate is for no name, not dns.example.org"),
        wrong(nul, "not dns.example.org"),
        wrong(id, "not dns.example.org"),
        wrong(authority.sign(&["example.net"]), "certificate is for example.net, not"),
        wrong(authority.sign(&["*.org"]), "not dns.example.org"),
        wrong(authority.sign(&["x.dns.example.org", "example.org"]), "not dns.example.org"),
        wrong(authority.sign(&["127.0.0.1"]), "not dns.example.org"),
    ]
}

/// Identities that are not the one asked for.
fn identities(authority: &Authority) -> Vec<Case> {
    let wrong = |title: &str, signed, words: &str| Case::new(title, By::Id, signed, words);
    let of = |id: &str| authority.sign_id(id, |_| {});
    let usages =
        |usages: Vec<KeyUsagePurpose>| authority.sign_id(ID, |params| params.key_usages = usages);
    let two = |first: &str, second: &str| {
        let both = vec![uri(first), uri(second)];
        authority.sign_id(ID, |params| params.subject_alt_names = both)
    };
    let several = "certificate names more than one SPIFFE ID";
    let usage = "certificate is not that of a workload";
    let mut cases = vec![
        wrong("a name", authority.sign(&[NAME]), "certificate names no SPIFFE ID"),
        wrong("an address", authority.sign(&["127.0.0.1"]), "certificate names no SPIFFE ID"),
        wrong("two identities", two(ID, "spiffe://keyhole.lab/ns/keyhole/sa/x"), several),
        wrong("two identities", two("spiffe://keyhole.lab/ns/keyhole/sa/x", ID), several),
        wrong("one identity twice", two(ID, ID), several),
        wrong("an identity and a page", two(ID, "https://example.org/"), several),
        wrong("no key usage", usages(Vec::new()), usage),
        wrong("key agreement", usages(vec![KeyUsagePurpose::KeyAgreement]), usage),
        wrong(
            "certificate signing",
            usages(vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign]),
            usage,
        ),
        wrong(
            "CRL signing",
            usages(vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign]),
            usage,
        ),
    ];
    for (title, id) in [
        ("another workload", "spiffe://keyhole.lab/ns/keyhole/sa/resolver".to_owned()),
        ("another trust domain", ID.replace("keyhole.lab", "keyhole.example")),
        ("a longer path", format!("{ID}/x")),
        ("a shorter path", "spiffe://keyhole.lab/ns/keyhole/sa".to_owned()),
        ("another case", ID.replace("forwarder", "Forwarder")),
        ("a slash at its end", format!("{ID}/")),
        ("another scheme", ID.replace("spiffe:", "https:")),
        ("a NUL behind it", format!("{ID}\0")),
        ("octets of its path escaped", ID.replace("forwarder", "%66orwarder")),
    ] {
        let expected = format!("not {ID}");
        cases.push(Case::new(title, By::Id, of(&id), &expected));
    }
    cases
}

fn answers(asked: &ReceivedQuery) -> Does {
    Does::Says(asked.address(1, 300))
}

async fn shows(protocol: UpstreamProtocol, authority: &Authority, signed: &Signed) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Setup::new(protocol, authority).run_as(listener, signed, answers)
}

/// Asks with and without a pin of the very key: a pin never mends what else is wrong.
async fn refused(authority: &Authority, case: &Case) {
    let Case { title, by, signed, crls, words } = case;
    for protocol in TLS {
        for pins in [Vec::new(), vec![signed.pin.clone()]] {
            let server = shows(protocol, authority, signed).await;
            let mut document = server.document(authority);
            by.known(&mut document);
            (document.pins, document.crls) = (pins, crls.clone());
            let (upstreams, set) = prepare(&[document], NEVER_MS);
            let reason = ask(&set, "a.example").await.expect_err(title);
            let said = last_error(&upstreams, 0);
            assert_eq!(reason, Reason::UpstreamUntrusted, "{title} by {by:?}: {said}");
            assert!(said.contains(words.as_str()), "{title} by {by:?}: {said}");
            assert!(!said.is_empty() && said.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
            assert!(server.queries().is_empty(), "{title} by {by:?} was asked");
        }
    }
}

#[tokio::test]
async fn a_certificate_without_a_good_chain_is_refused_however_the_upstream_is_known() {
    let authority = Authority::new();
    for by in BY {
        for case in chains(&authority, by) {
            refused(&authority, &case).await;
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_revoked_or_of_which_no_good_list_speaks_is_refused() {
    let authority = Authority::new();
    for by in BY {
        for case in revocations(&authority, by) {
            refused(&authority, &case).await;
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    for case in names(&authority) {
        refused(&authority, &case).await;
    }
}

#[tokio::test]
async fn a_certificate_that_proves_another_identity_or_several_is_refused() {
    let authority = Authority::new();
    for case in identities(&authority) {
        refused(&authority, &case).await;
    }
}

#[tokio::test]
async fn good_certificates_are_accepted_with_lists_intermediates_and_pins() {
    let authority = Authority::new();
    let intermediate = authority.below("below");
    let lists = authority.revoke(&[6], 2020, 2090) + &intermediate.revoke(&[6], 2020, 2090);
    for by in BY {
        let beside = |params: &mut CertificateParams| {
            params.subject_alt_names.push(SanType::IpAddress([192, 0, 2, 1].into()));
        };
        for signed in [
            by.sign(&authority, serial(7)),
            by.sign(&authority, beside),
            by.sign(&intermediate, serial(7)).through(&intermediate),
            by.sign(&authority, purposes(ExtendedKeyUsagePurpose::ServerAuth)),
            by.sign(&authority, |params| params.extended_key_usages.clear()),
        ] {
            for protocol in TLS {
                for (pins, crls) in
                    [(Vec::new(), String::new()), (vec![signed.pin.clone()], lists.clone())]
                {
                    let server = shows(protocol, &authority, &signed).await;
                    let mut document = server.document(&authority);
                    by.known(&mut document);
                    (document.pins, document.crls) = (pins, crls);
                    let (upstreams, set) = prepare(&[document], NEVER_MS);
                    let asked = ask(&set, "a.example").await;
                    assert!(asked.is_ok(), "{by:?}: {}", last_error(&upstreams, 0));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_pin_counts_for_an_identity_as_for_a_name() {
    let authority = Authority::new();
    for by in BY {
        let (signed, stranger) = (by.sign(&authority, |_| {}), by.sign(&authority, |_| {}));
        let server = shows(UpstreamProtocol::Dot, &authority, &signed).await;
        let mut document = server.document(&authority);
        by.known(&mut document);
        document.pins = vec![stranger.pin];
        let (upstreams, set) = prepare(&[document], NEVER_MS);
        assert_eq!(ask(&set, "a.example").await.unwrap_err(), Reason::UpstreamUntrusted);
        assert!(last_error(&upstreams, 0).contains("none of the pins"));
    }
}

#[tokio::test]
async fn an_upstream_known_by_its_identity_may_still_be_asked_for_by_name() {
    let authority = Authority::new();
    let signed = authority.sign_id(ID, |_| {});
    for protocol in TLS {
        let server = shows(protocol, &authority, &signed).await;
        let mut document = server.document(&authority);
        document.server_id = Some(ID.into());
        document.server_name = "anything.example.net".into();
        let (_upstreams, set) = prepare(&[document], NEVER_MS);
        assert!(ask(&set, "a.example").await.is_ok());
    }
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_is_not_asked() {
    let authority = Authority::new();
    let signed = authority.sign(&[NAME]);
    for (protocol, alpn) in [
        (UpstreamProtocol::Dot, &b"h2"[..]),
        (UpstreamProtocol::Dot, b"http/1.1"),
        (UpstreamProtocol::Doh, b"http/1.1"),
        (UpstreamProtocol::Doh, b"dot"),
        (UpstreamProtocol::Doh, b""),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let setup = Setup { alpn: Some(alpn), ..Setup::new(protocol, &authority) };
        let server = setup.run_as(listener, &signed, answers);
        let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
        let reason = ask(&set, "a.example").await.unwrap_err();
        assert_eq!(reason, Reason::UpstreamUnreachable, "{protocol:?} {alpn:?}");
        assert!(server.queries().is_empty());
    }
}

#[tokio::test]
async fn nothing_older_than_tls_1_2_is_spoken() {
    let authority = Authority::new();
    for protocol in TLS {
        for minor in [1, 2] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let document = document(protocol, listener.local_addr().unwrap(), &authority);
            let (_upstreams, set) = prepare(&[document], NEVER_MS);
            let old = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut hello = vec![0; 4_096];
                assert!(stream.read(&mut hello).await.unwrap() > 0);
                stream.write_all(&server_hello(minor)).await.unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                rest
            };
            let (asked, said) = tokio::join!(ask(&set, "a.example"), old);
            assert_eq!(asked.unwrap_err(), Reason::UpstreamUnreachable);
            assert_eq!((said[0], &said[5..]), (21, &[2, 70][..]), "alert protocol_version");
        }
    }
}

/// A ServerHello of TLS 1.0 or 1.1 (RFC 4346 section 7.4.1.3), which takes an old cipher.
fn server_hello(minor: u8) -> Vec<u8> {
    let body = [&[3, minor][..], &[7; 32], &[0, 0x00, 0x2f, 0]].concat();
    let length = body.len() as u8;
    [&[22, 3, minor, 0, length + 4, 2, 0, 0, length][..], &body].concat()
}
