//! What the head of an HTTP response says of the answer in it.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::error::UpstreamError;
use super::quote::quote;

/// The media type of questions and answers (RFC 8484 section 6).
pub(super) const DNS_MESSAGE: &str = "application/dns-message";

/// Accepts the head of a response that carries an answer: any status of success will do (RFC 8484
/// section 4.2.1).
pub(super) fn check_head(
    status: StatusCode,
    headers: &HeaderMap,
    now: SystemTime,
) -> Result<(), UpstreamError> {
    if !status.is_success() {
        return Err(status_error(status, headers, now).in_response());
    }
    let found = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = found.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case(DNS_MESSAGE.as_bytes()) {
        let found = quote(&String::from_utf8_lossy(found));
        let words = format!("answered with content type \"{found}\"");
        return Err(UpstreamError::invalid(words).in_response());
    }
    Ok(())
}

/// What a status other than success means for the query.
fn status_error(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> UpstreamError {
    let words = format!("answered with HTTP status {}", status.as_u16());
    match status {
        // RFC 6585 section 4, RFC 9110 sections 15.5.9 and 15.6.4, RFC 8470 section 5.2: the server
        // has not acted on the request, which may be sent again, perhaps later.
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY => match retry_after(headers, now) {
            Some(wait) => {
                let words = format!("{words} and asks to wait {} s", wait.as_secs());
                UpstreamError::busy_there(words, Some(wait))
            }
            None => UpstreamError::busy_there(words, None),
        },
        // RFC 9110 section 15.5.20: another connection may lead to the right server.
        StatusCode::MISDIRECTED_REQUEST => UpstreamError::lost_behind(words),
        // RFC 9110 sections 15.6.1, 15.6.3 and 15.6.5: something unexpected kept the server from
        // answering, or a proxy did not reach the DNS server behind it.
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::GATEWAY_TIMEOUT => UpstreamError::lost_behind(words),
        _ => UpstreamError::invalid(words),
    }
}

/// How long the server asks to wait: seconds, or the time in an HTTP date (RFC 9110 section
/// 10.2.3). What is neither asks for nothing.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u32::MAX.into())));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorKind;
    use super::*;

    fn wait(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date_and_never_from_nonsense() {
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("0"), Some(Duration::ZERO));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:47 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO));
        assert!(wait("99999999999999999999999999") > Some(Duration::from_secs(1_000_000)));
        for nonsense in ["", "-1", "1.5", "soon", "+3"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn each_status_says_whether_the_query_may_be_repeated() {
        let kind = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            let error = status_error(status, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
            (error.kind, error.is_processed)
        };
        for status in [408, 425, 429, 503] {
            assert_eq!(kind(status), (ErrorKind::Unprocessed, false), "{status}");
        }
        for status in [421, 500, 502, 504] {
            assert_eq!(kind(status), (ErrorKind::Lost, true), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 415, 501] {
            assert_eq!(kind(status), (ErrorKind::Invalid, false), "{status}");
        }
    }
}
