use super::*;

const PATH: &str = "/dns-query";
/// A query for the A records of www.example.com (RFC 8484 section 4.1.1).
const QUERY: &str = "AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";

fn ask(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
) -> Result<(MessageLocation, Vec<u8>), HttpError> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut message = Vec::new();
    read(&request.body(()).unwrap(), PATH, &mut message).map(|location| (location, message))
}

fn get(query: &str) -> Result<(MessageLocation, Vec<u8>), HttpError> {
    ask("GET", &format!("{PATH}?{query}"), &[])
}

#[test]
fn the_example_of_the_standard_is_read() {
    let (location, message) = get(&format!("dns={QUERY}")).unwrap();
    assert_eq!(location, MessageLocation::Line);
    assert_eq!(message.len(), 33);
    assert_eq!(message[2..4], [1, 0]);
    assert!(ask("HEAD", &format!("{PATH}?dns={QUERY}"), &[]).is_ok());
    assert!(get(&format!("ct=x&dns={QUERY}&a")).is_ok());
}

#[test]
fn a_get_needs_exactly_one_well_encoded_parameter() {
    for (query, error) in [
        ("", HttpError::Parameter),
        ("dns", HttpError::Parameter),
        ("DNS=AAAB", HttpError::Parameter),
        ("dns=AAAB&dns=AAAB", HttpError::Parameter),
        ("dns=", HttpError::Message),
        ("dns=AAAB", HttpError::Message),
        ("dns=AAABAAABAAAAAAAAA3d3dw%3D%3D", HttpError::Encoding),
        ("dns=AAABAAABAAAAAAAAAA==", HttpError::Encoding),
        ("dns=A+/B", HttpError::Encoding),
    ] {
        assert_eq!(get(query), Err(error), "{query}");
    }
}

#[test]
fn only_the_exact_path_is_served() {
    for uri in ["/", "/dns-query/", "//dns-query", "/DNS-QUERY", "/dns-query;a", "/x/../dns-query"]
    {
        assert_eq!(ask("GET", uri, &[]), Err(HttpError::NotFound), "{uri}");
    }
    let absolute = format!("https://dns.example.org{PATH}?dns={QUERY}");
    assert!(ask("GET", &absolute, &[]).is_ok());
}

#[test]
fn methods_other_than_get_head_and_post_are_refused() {
    for method in ["PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "get"] {
        let error =
            if method == "CONNECT" { HttpError::NotFound } else { HttpError::MethodNotAllowed };
        let uri = if method == "CONNECT" { "dns.example.org:443" } else { PATH };
        assert_eq!(ask(method, uri, &[]), Err(error), "{method}");
    }
}

#[test]
fn a_post_has_to_declare_its_media_type_and_a_possible_length() {
    let post = |headers: &[(&str, &str)]| ask("POST", PATH, headers).map(|(location, _)| location);
    assert_eq!(post(&[]), Err(HttpError::MediaType));
    for declared in ["application/json", "application/dns-messages", "application/dns", ""] {
        assert_eq!(post(&[("content-type", declared)]), Err(HttpError::MediaType));
    }
    for declared in [MEDIA_TYPE, "Application/DNS-Message", "application/dns-message ; q=1"] {
        assert_eq!(post(&[("content-type", declared)]), Ok(MessageLocation::Body));
    }
    let sized = |length| post(&[("content-type", MEDIA_TYPE), ("content-length", length)]);
    assert_eq!(sized("65535"), Ok(MessageLocation::Body));
    assert_eq!(sized("65536"), Err(HttpError::TooLarge));
}

#[test]
fn a_message_longer_than_dns_allows_is_too_large() {
    assert_eq!(check(&[0; 11]), Err(HttpError::Message));
    assert_eq!(check(&[0; 12]), Ok(()));
    assert_eq!(check(&[0; MESSAGE]), Ok(()));
    assert_eq!(check(&[0; MESSAGE + 1]), Err(HttpError::TooLarge));
}

#[test]
fn every_error_has_a_status_and_a_text_of_one_line() {
    for error in HttpError::ALL {
        assert!(error.status().is_client_error() || error.status().is_server_error());
        assert!(error.text().ends_with('\n') && error.text().lines().count() == 1);
    }
}
