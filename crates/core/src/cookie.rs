//! Server cookies: a client that shows ours again has proven its address.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 7873 section 5.2 | a cookie is answered with a server cookie |
//! | RFC 7873 section 5.2.3, 5.2.4 | who shows ours has a share that no forger can use up |
//! | RFC 7873 section 5.4 | a cookie that is shown without a question is checked |
//! | RFC 9018 section 4 | version, reserved, timestamp, SipHash-2-4 |

use std::hash::Hasher;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use keyhole_wire::{Cookie, Query};
use siphasher::sip::SipHasher24;

/// Seconds for which a server cookie is good (RFC 9018 section 4.3).
const AGE: i32 = 3_600;
/// Seconds that one may come from the future.
const AHEAD: i32 = 300;

/// The whole option: 8 octets of the client, 16 of the server.
pub type CookieOption = [u8; 24];

/// Makes server cookies under a secret of this process.
pub struct Cookies {
    secret: [u8; 16],
}

impl Cookies {
    /// With a fresh secret.
    pub fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    /// The option that answers the client's part of a cookie, 8 octets.
    pub fn answer(&self, cookie: &[u8], client: IpAddr) -> CookieOption {
        self.sign(cookie, now(), client)
    }

    /// Whether the server's part is one that this process gave the client at this address, within
    /// the last hour (RFC 9018 section 4.3).
    pub fn is_ours(&self, cookie: &Cookie, client: IpAddr) -> bool {
        let Some((_, rest)) = cookie.server().split_first_chunk::<4>() else { return false };
        let Some((seconds, _)) = rest.split_first_chunk::<4>() else { return false };
        let (given, now) = (u32::from_be_bytes(*seconds), now());
        // Serial number arithmetic (RFC 1982): a clock that was put back is no reason to refuse.
        let age = now.wrapping_sub(given).cast_signed();
        (-AHEAD..=AGE).contains(&age)
            && self.sign(cookie.client(), given, client)[8..] == *cookie.server()
    }

    /// Whether a query shows that its client receives what is sent to this address (RFC 7873
    /// section 5.2.4).
    pub fn proves(&self, query: &Query, client: IpAddr) -> bool {
        let cookie = query.edns.as_ref().and_then(|edns| edns.cookie.as_ref());
        cookie.is_some_and(|cookie| self.is_ours(cookie, client))
    }

    fn sign(&self, cookie: &[u8], seconds: u32, client: IpAddr) -> CookieOption {
        let mut option = [0; 24];
        option[..8].copy_from_slice(cookie);
        option[8] = 1;
        option[12..16].copy_from_slice(&seconds.to_be_bytes());
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        hasher.write(&option[..16]);
        match client {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()),
        }
        option[16..].copy_from_slice(&hasher.finish().to_le_bytes());
        option
    }
}

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_the_one_of_rfc_9018_appendix_a_1() {
        let secret = 0xe5e9_73e5_a6b2_a43f_48e7_dc84_9e37_bfcf_u128.to_be_bytes();
        let client = 0x2464_c4ab_cf10_c957_u64.to_be_bytes();
        let option =
            Cookies::new(secret).sign(&client, 0x5cf7_9f11, "198.51.100.100".parse().unwrap());
        let server = 0x0100_0000_5cf7_9f11_1f81_30c3_eee2_9480_u128.to_be_bytes();
        assert_eq!(option[8..], server);
    }
}
