//! What must hold for any HTTP request to the DoH listener.

use http::{Method, Request, Uri};
use keyhole_core::listen::doh::request::{self, HttpError, MESSAGE, MessageLocation};

const PATH: &str = "/dns-query";

/// Reads a request that is written as `METHOD target`, header lines, an empty line and a body.
pub(crate) fn doh_request(octets: &[u8]) {
    let end = octets.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = octets.split_at(end.unwrap_or(octets.len()));
    let Some(request) = request_of(head) else { return };
    let mut message = b"before".to_vec();
    let location = request::read(&request, PATH, &mut message);
    assert!(message.starts_with(b"before"));
    let message = &message[6..];
    match location {
        Ok(MessageLocation::Line) => {
            assert!(matches!(*request.method(), Method::GET | Method::HEAD));
            assert!((12..=MESSAGE).contains(&message.len()));
            // One message has one spelling, so that no cache or filter in front sees two.
            let query = request.uri().query().unwrap_or_default();
            let mut spelled = query.split('&').filter_map(|pair| pair.strip_prefix("dns="));
            assert_eq!(spelled.next(), Some(base64url(message).as_str()));
            assert_eq!(spelled.next(), None);
        }
        Ok(MessageLocation::Body) => {
            assert_eq!(*request.method(), Method::POST);
            assert!(message.is_empty());
            let body = body.get(2..).unwrap_or_default();
            assert_eq!(request::check(body).is_ok(), (12..=MESSAGE).contains(&body.len()));
        }
        Err(error) => {
            assert!(message.is_empty());
            assert!(HttpError::ALL.contains(&error));
        }
    }
    if location.is_ok() {
        assert_eq!(request.uri().path(), PATH);
    }
    absolute_form_means_the_same(request, location);
}

/// `https://host/path` asks for what `/path` asks for (RFC 9112 section 3.2.2).
fn absolute_form_means_the_same(
    request: Request<()>,
    location: Result<MessageLocation, HttpError>,
) {
    if request.uri().authority().is_some() || !request.uri().path().starts_with('/') {
        return;
    }
    let absolute = format!("https://dns.example.org{}", request.uri());
    let Ok(uri) = absolute.parse::<Uri>() else { return };
    let (mut parts, ()) = request.into_parts();
    parts.uri = uri;
    let again = request::read(&Request::from_parts(parts, ()), PATH, &mut Vec::new());
    assert_eq!(again, location);
}

fn request_of(head: &[u8]) -> Option<Request<()>> {
    let mut lines = head.split(|&octet| octet == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|&octet| octet == b' ')?;
    let mut request = Request::builder()
        .method(Method::from_bytes(&first[..space]).ok()?)
        .uri(Uri::try_from(&first[space + 1..]).ok()?);
    for line in lines {
        let colon = line.iter().position(|&octet| octet == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    request.body(()).ok()
}

fn base64url(octets: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits = group.iter().fold(0, |bits, &octet| (bits << 8) | u32::from(octet));
        let bits = bits << (8 * (3 - group.len()));
        for location in 0..=group.len() {
            text.push(alphabet[((bits >> (18 - 6 * location)) & 63) as usize] as char);
        }
    }
    text
}
