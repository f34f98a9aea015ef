//! What an HTTP request asks: the DNS message in it, or why there is none.

use http::{Method, Request, StatusCode, header};

use super::super::frames::HEADER;
use super::super::token;
use super::base64url;

/// Largest DNS message in octets (RFC 8484 section 6).
pub const MESSAGE: usize = 65_535;

/// The media type of DNS messages (RFC 8484 section 6).
pub const MEDIA_TYPE: &str = "application/dns-message";

/// The methods that are served, as the `Allow` header says them.
pub const METHODS: &str = "GET, HEAD, POST";

/// Where the message of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageLocation {
    /// It was in the request line, and lies in the output now.
    Line,
    /// It is the body, which is yet to be read, at most [`MESSAGE`] octets of it.
    Body,
}

/// Why a request is not answered with a DNS message (RFC 8484 section 4.2.1). An answer such as
/// NXDOMAIN or SERVFAIL is none of these: it is a DNS message, and its status is 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// There is no host, more than one, or one that is none (RFC 9112 section 3.2).
    Host,
    /// Line and headers have more octets than the limit (RFC 6585 section 5).
    HeadTooLarge,
    /// The body has a transfer coding that is not known here (RFC 9112 section 6.1).
    Coding,
    /// The path is not that of DoH.
    NotFound,
    /// It is for a server name that asks for a certificate, and the connection was not asked.
    Misdirected,
    /// The method is none of [`METHODS`].
    MethodNotAllowed,
    /// There is no `dns` parameter, or more than one.
    Parameter,
    /// The `dns` parameter is not base64url without padding.
    Encoding,
    /// The octets are no DNS query.
    Message,
    /// The body is not declared as a DNS message.
    MediaType,
    /// The message is longer than DNS messages can be.
    TooLarge,
    /// The body did not arrive in time.
    Timeout,
    /// The message got no answer at all.
    NoAnswer,
    /// Its client has as many open requests or connections as it may.
    Busy,
}

impl HttpError {
    /// Every error, for tests and documentation.
    pub const ALL: [Self; 14] = [
        Self::Host,
        Self::HeadTooLarge,
        Self::Coding,
        Self::NotFound,
        Self::Misdirected,
        Self::MethodNotAllowed,
        Self::Parameter,
        Self::Encoding,
        Self::Message,
        Self::MediaType,
        Self::TooLarge,
        Self::Timeout,
        Self::NoAnswer,
        Self::Busy,
    ];

    /// The status of the response (RFC 9110 section 15).
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Host | Self::Parameter | Self::Encoding | Self::Message => {
                StatusCode::BAD_REQUEST
            }
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::NoAnswer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// One line for the person who reads the response. Nothing of the request is repeated in it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Host => "name one host in the header host\n",
            Self::HeadTooLarge => "the request has too many octets before its body\n",
            Self::Coding => "the one transfer coding that is known here is chunked\n",
            Self::Misdirected => "this name needs a TLS connection of its own\n",
            Self::NotFound => "there is nothing here; DNS over HTTPS has another path\n",
            Self::MethodNotAllowed => "use GET with ?dns= or POST\n",
            Self::Parameter => "give one parameter dns\n",
            Self::Encoding => "the parameter dns is not base64url without padding\n",
            Self::Message => "this is not a DNS query\n",
            Self::MediaType => "the content type has to be application/dns-message\n",
            Self::TooLarge => "a DNS message has at most 65535 octets\n",
            Self::Timeout => "the body did not arrive in time\n",
            Self::NoAnswer => "there is no answer to this query\n",
            Self::Busy => "this client has too many requests or connections open\n",
        }
    }
}

/// Reads a request up to its body. The message of a GET is appended to `message`; that of a POST
/// is the body, to be checked with [`check`] once it is there.
///
/// `path` is compared octet by octet: no other spelling of it means the same, so that no check in
/// front of Keyhole can be walked around. One segment more is read as a token, if it looks like
/// one.
///
/// # Errors
/// The first reason why the request cannot be answered with a DNS message; `message` is as it was
/// then.
pub fn read<B>(
    request: &Request<B>,
    path: &str,
    message: &mut Vec<u8>,
) -> Result<MessageLocation, HttpError> {
    token::of_path(request.uri().path(), path).ok_or(HttpError::NotFound)?;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let text = parameter(request.uri().query().unwrap_or_default())?;
            let start = message.len();
            base64url::decode(text.as_bytes(), message).ok_or(HttpError::Encoding)?;
            let checked = check(&message[start..]);
            if checked.is_err() {
                message.truncate(start);
            }
            checked.map(|()| MessageLocation::Line)
        }
        Method::POST => {
            check_media_type(request)?;
            match declared_length(request) {
                Some(length) if length > MESSAGE as u64 => Err(HttpError::TooLarge),
                _ => Ok(MessageLocation::Body),
            }
        }
        _ => Err(HttpError::MethodNotAllowed),
    }
}

/// Whether these octets can be a DNS message at all.
///
/// # Errors
/// [`HttpError::Message`] below the length of a header, [`HttpError::TooLarge`] above [`MESSAGE`].
pub fn check(message: &[u8]) -> Result<(), HttpError> {
    match message.len() {
        0..HEADER => Err(HttpError::Message),
        HEADER..=MESSAGE => Ok(()),
        _ => Err(HttpError::TooLarge),
    }
}

/// The one `dns` parameter (RFC 8484 section 4.1 and its template `{?dns}`). Others are ignored.
fn parameter(query: &str) -> Result<&str, HttpError> {
    let mut found = query.split('&').filter_map(|pair| pair.strip_prefix("dns="));
    match (found.next(), found.next()) {
        (Some(text), None) => Ok(text),
        _ => Err(HttpError::Parameter),
    }
}

/// Media types ignore case and may have parameters (RFC 9110 section 8.3.1); this one has none,
/// and unknown ones are ignored.
fn check_media_type<B>(request: &Request<B>) -> Result<(), HttpError> {
    let declared = request.headers().get(header::CONTENT_TYPE).ok_or(HttpError::MediaType)?;
    let essence = declared.as_bytes().split(|&octet| octet == b';').next().unwrap_or_default();
    if essence.trim_ascii().eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()) {
        Ok(())
    } else {
        Err(HttpError::MediaType)
    }
}

fn declared_length<B>(request: &Request<B>) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
