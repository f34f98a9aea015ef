//! How an answer, or an error, looks in HTTP.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use http::{Response, StatusCode};

use super::date;
use super::request::{HttpError, MEDIA_TYPE, METHODS};
use crate::pipeline::ReplyInfo;

/// The head of a response that carries a DNS message of this many octets. The status is 200
/// whatever the message says (RFC 8484 section 4.2.1).
pub(super) fn answer(sent: ReplyInfo, octets: usize) -> Response<()> {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(octets));
    headers.insert(CACHE_CONTROL, freshness(sent));
    headers.insert(DATE, date::now());
    response
}

/// The head of a response that says why there is no DNS message; [`HttpError::text`] is its body.
pub(super) fn refusal(error: HttpError) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(error.text().len()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(DATE, date::now());
    if error.status() == StatusCode::METHOD_NOT_ALLOWED {
        // RFC 9110 section 15.5.6 makes the header part of this status.
        headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    }
    response
}

/// An HTTP cache keeps the response no longer than a DNS cache keeps the answer (RFC 8484
/// section 5.1), and a shared one not at all where it is for this client alone.
fn freshness(sent: ReplyInfo) -> HeaderValue {
    const WORD: &[u8; 17] = b"private, max-age=";
    let word = if sent.is_private { &WORD[..] } else { &WORD[b"private, ".len()..] };
    let mut text = *b"private, max-age=4294967295";
    let mut start = text.len();
    let mut rest = sent.ttl;
    // The digits are written from the end; the word then moves up to them.
    loop {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    start -= word.len();
    text[start..start + word.len()].copy_from_slice(word);
    HeaderValue::from_bytes(&text[start..]).unwrap_or_else(|_| HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_the_answer() {
        for ttl in [0, 7, 10, 300, 86_400, u32::MAX] {
            let said = |is_private| freshness(ReplyInfo { ttl, closes: false, is_private });
            assert_eq!(said(false), format!("max-age={ttl}"));
            assert_eq!(said(true), format!("private, max-age={ttl}"));
        }
    }

    #[test]
    fn an_answer_declares_type_length_and_age() {
        let response = answer(ReplyInfo { ttl: 60, closes: false, is_private: false }, 512);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(response.headers()[CONTENT_LENGTH], "512");
        assert_eq!(response.headers()[CACHE_CONTROL], "max-age=60");
    }

    #[test]
    fn a_refused_method_learns_which_are_served() {
        for error in HttpError::ALL {
            let allowed = refusal(error).headers().contains_key(ALLOW);
            assert_eq!(allowed, error == HttpError::MethodNotAllowed);
        }
    }
}
