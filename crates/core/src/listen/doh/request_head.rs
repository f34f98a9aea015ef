//! Line and headers of a request: one host, and no more octets than the limit.
//!
//! | standard | what is taken from it |
//! |---|---|
//! | RFC 9112 section 3.2 | HTTP/1.1 has exactly one valid Host, or gets 400 |
//! | RFC 9113 section 8.3.1 | in HTTP/2, Host names what `:authority` does, which is a valid one |
//! | RFC 6585 section 5 | 431 for headers that are too large |
//! | RFC 9112 section 6.1 | 501 for a transfer coding other than `chunked` |

use http::header::{HOST, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Version};

use super::request::HttpError;

/// Octets around the parts of a line: its spaces and version, or the colon and the end.
const LINE: usize = "  HTTP/1.1\r\n\r\n".len();
const HEADER_LINE: usize = ": \r\n".len();

/// Checks what the library leaves open. It limits a buffer, so what arrives in one read may be
/// longer than the limit.
///
/// # Errors
/// [`HttpError::Host`], [`HttpError::HeadTooLarge`] or [`HttpError::Coding`].
pub(super) fn check<B>(request: &Request<B>, limit: u32) -> Result<(), HttpError> {
    if octets(request) > limit as usize {
        return Err(HttpError::HeadTooLarge);
    }
    if !is_coding_known(request) {
        return Err(HttpError::Coding);
    }
    // No name of a user stands before it (RFC 9110 section 4.2.4, RFC 9113 section 8.3.1).
    if request.uri().authority().is_some_and(|one| !is_host(one.as_str().as_bytes())) {
        return Err(HttpError::Host);
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.as_bytes()) && is_authority(request, host) => Ok(()),
        // HTTP/1.0 has no such header, and HTTP/2 has `:authority`.
        (None, None) if request.version() != Version::HTTP_11 => Ok(()),
        _ => Err(HttpError::Host),
    }
}

fn octets<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let target = uri.path_and_query().map_or(0, |path| path.as_str().len())
        + uri.authority().map_or(0, |authority| authority.as_str().len());
    let headers = request.headers().iter();
    headers.fold(LINE + request.method().as_str().len() + target, |sum, (name, value)| {
        sum + name.as_str().len() + value.len() + HEADER_LINE
    })
}

/// Whether the body is chunked and nothing else, if it is coded at all. The library looks at the
/// last coding alone: whoever is in front of Keyhole may see another end of the body.
fn is_coding_known<B>(request: &Request<B>) -> bool {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}

/// In HTTP/1.1, the authority of a target in absolute form wins (RFC 9112 section 3.2.2).
fn is_authority<B>(request: &Request<B>, host: &HeaderValue) -> bool {
    request.version() != Version::HTTP_2
        || request.uri().authority().is_none_or(|authority| {
            authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
        })
}

/// RFC 9110 section 7.2: a host, which may be empty, and a port.
fn is_host(octets: &[u8]) -> bool {
    let (host, port) = match octets.iter().rposition(|&octet| octet == b':' || octet == b']') {
        Some(at) if octets[at] == b':' => (&octets[..at], &octets[at + 1..]),
        _ => (octets, &[][..]),
    };
    let is_literal = host.first() == Some(&b'[') && host.last() == Some(&b']') && host.len() > 2;
    let within = if is_literal { &host[1..host.len() - 1] } else { host };
    port.iter().all(u8::is_ascii_digit)
        && within.iter().all(|&octet| {
            octet.is_ascii_alphanumeric()
                || b"-._~!$&'()*+,;=%".contains(&octet)
                || (is_literal && octet == b':')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: Version, hosts: &[&str]) -> Result<(), HttpError> {
        let mut request = Request::builder().version(version).uri("/dns-query");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        check(&request.body(()).unwrap(), 16_384)
    }

    #[test]
    fn http_1_1_has_exactly_one_host() {
        assert_eq!(checked(Version::HTTP_11, &[]), Err(HttpError::Host));
        assert_eq!(checked(Version::HTTP_11, &["a", "a"]), Err(HttpError::Host));
        assert_eq!(checked(Version::HTTP_10, &["a", "b"]), Err(HttpError::Host));
        assert_eq!(checked(Version::HTTP_2, &["a", "b"]), Err(HttpError::Host));
        for version in [Version::HTTP_10, Version::HTTP_2] {
            assert_eq!(checked(version, &[]), Ok(()));
        }
    }

    #[test]
    fn a_host_is_a_host_and_a_port() {
        for host in ["", "a", "a.example", "a:443", "127.0.0.1:8443", "[::1]", "[2001:db8::1]:443"]
        {
            assert_eq!(checked(Version::HTTP_11, &[host]), Ok(()), "{host}");
        }
        for host in ["a b", "a/b", "user@a", "a:b", "a:1:2", "[::1", "::1]", "a, b/", "[]", "a?b"] {
            assert_eq!(checked(Version::HTTP_11, &[host]), Err(HttpError::Host), "{host}");
        }
    }

    #[test]
    fn in_http_2_host_and_authority_name_the_same() {
        let request = |host| {
            let request = Request::builder().version(Version::HTTP_2).uri("https://a.example/");
            check(&request.header(HOST, host).body(()).unwrap(), 16_384)
        };
        assert_eq!(request("A.example"), Ok(()));
        assert_eq!(request("b.example"), Err(HttpError::Host));
    }

    #[test]
    fn an_authority_names_no_user_with_or_without_a_host() {
        let checked = |version, authority: &str, host: Option<&str>| {
            let url = format!("https://{authority}/");
            let mut request = Request::builder().version(version).uri(url);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            check(&request.body(()).unwrap(), 16_384)
        };
        for version in [Version::HTTP_11, Version::HTTP_2] {
            assert_eq!(checked(version, "[::1]:443", Some("[::1]:443")), Ok(()));
            for host in [None, Some("a"), Some("u@a")] {
                assert_eq!(checked(version, "u@a", host), Err(HttpError::Host), "{host:?}");
            }
        }
        assert_eq!(checked(Version::HTTP_2, "a:443", None), Ok(()));
    }

    #[test]
    fn the_one_transfer_coding_is_chunked() {
        let coded = |codings: &[&str]| {
            let mut request = Request::builder().uri("/q").header(HOST, "a");
            for coding in codings {
                request = request.header(TRANSFER_ENCODING, *coding);
            }
            check(&request.body(()).unwrap(), 16_384)
        };
        for good in [&[][..], &["chunked"], &["Chunked "]] {
            assert_eq!(coded(good), Ok(()), "{good:?}");
        }
        for bad in [&["gzip, chunked"][..], &["gzip", "chunked"], &["chunked, chunked"], &["x"]] {
            assert_eq!(coded(bad), Err(HttpError::Coding), "{bad:?}");
        }
    }

    #[test]
    fn a_head_has_at_most_as_many_octets_as_the_limit() {
        let request = Request::builder().uri("/q").header(HOST, "a").header("x", "y".repeat(100));
        let request = request.body(()).unwrap();
        let octets = "GET /q HTTP/1.1\r\nhost: a\r\nx: \r\n\r\n".len() + 100;
        assert_eq!(check(&request, octets as u32), Ok(()));
        assert_eq!(check(&request, octets as u32 - 1), Err(HttpError::HeadTooLarge));
    }
}
