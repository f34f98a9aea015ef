use super::*;

/// A header as it is written.
fn header(command: u8, family: u8, follows: &[u8]) -> ([u8; FIXED], Vec<u8>) {
    let mut fixed = [0; FIXED];
    fixed[..12].copy_from_slice(&SIGNATURE);
    fixed[12..14].copy_from_slice(&[command, family]);
    fixed[14..].copy_from_slice(&u16::try_from(follows.len()).unwrap().to_be_bytes());
    (fixed, follows.to_vec())
}

const V4: [u8; 12] = [192, 0, 2, 7, 127, 0, 0, 1, 0xc0, 0, 0, 53];
const WEB: &[u8] = b"spiffe://keyhole.lab/ns/shop/sa/web";

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], value].concat()
}

#[test]
fn a_client_is_known_by_its_address_and_its_identity() {
    let follows = [&V4[..], &tlv(0x05, b"id"), &tlv(0xd0, WEB), &tlv(0xd1, b"x")].concat();
    let (fixed, follows) = header(0x21, 0x11, &follows);
    assert_eq!(rest(&fixed), Ok(follows.len()));
    let source = "192.0.2.7:49152".parse().unwrap();
    assert_eq!(read(&fixed, &follows), Ok(Header::Proxied { source, identity: Some(WEB) }));
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    v6[15] = 9;
    v6[33] = 77;
    let (fixed, follows) = header(0x21, 0x21, &v6);
    let source = "[2001:db8::9]:77".parse().unwrap();
    assert_eq!(read(&fixed, &follows), Ok(Header::Proxied { source, identity: None }));
}

#[test]
fn nothing_or_a_dash_for_the_identity_is_no_identity() {
    for value in [&b""[..], b"-"] {
        let (fixed, follows) = header(0x21, 0x11, &[&V4[..], &tlv(0xd0, value)].concat());
        assert!(matches!(read(&fixed, &follows), Ok(Header::Proxied { identity: None, .. })));
    }
}

#[test]
fn a_sidecar_may_ask_for_itself_whatever_the_addresses_say() {
    for family in [0x00, 0x11, 0x31, 0xff] {
        for follows in [&[][..], &V4, &[7; 3]] {
            let (fixed, follows) = header(0x20, family, follows);
            assert_eq!(read(&fixed, &follows), Ok(Header::Local));
        }
    }
}

#[test]
fn everything_else_is_no_header() {
    let (good, follows) = header(0x21, 0x11, &[&V4[..], &tlv(0xd0, WEB)].concat());
    let v1 = *b"PROXY TCP4 192.0";
    assert_eq!(rest(&v1), Err(HeaderError::Signature));
    for (at, octet, error) in [
        (0, 0, HeaderError::Signature),
        (11, b'\r', HeaderError::Signature),
        (12, 0x11, HeaderError::Command),
        (12, 0x22, HeaderError::Command),
        (12, 0x31, HeaderError::Command),
        (13, 0x00, HeaderError::Family),
        (13, 0x12, HeaderError::Family),
        (13, 0x31, HeaderError::Family),
        (14, 0x03, HeaderError::TooLong),
    ] {
        let mut fixed = good;
        fixed[at] = octet;
        assert_eq!(read(&fixed, &follows), Err(error), "octet {at} is {octet:#x}");
    }
    let twice = [&V4[..], &tlv(0xd0, WEB), &tlv(0xd0, b"-")].concat();
    let (fixed, twice) = header(0x21, 0x11, &twice);
    assert_eq!(read(&fixed, &twice), Err(HeaderError::Twice));
}

#[test]
fn a_header_that_is_cut_anywhere_is_none() {
    let whole = [&V4[..], &tlv(0xd0, WEB)].concat();
    for length in 0..whole.len() {
        let (fixed, follows) = header(0x21, 0x11, &whole[..length]);
        let is_good = length == V4.len();
        assert_eq!(read(&fixed, &follows).is_ok(), is_good, "{length}");
        let (claimed, _) = header(0x21, 0x11, &whole);
        assert_eq!(read(&claimed, &follows), Err(HeaderError::Cut));
    }
    let (longest, _) = header(0x21, 0x11, &vec![0; MAX_REST]);
    assert_eq!(rest(&longest), Ok(MAX_REST));
    let (longer, _) = header(0x21, 0x11, &vec![0; MAX_REST + 1]);
    assert_eq!(rest(&longer), Err(HeaderError::TooLong));
}
