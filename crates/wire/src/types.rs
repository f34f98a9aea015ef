//! Record types and response codes by number and by name.

use std::fmt;

/// A record type; any 16-bit number is one (RFC 3597).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u16);

macro_rules! record_types {
    ($($name:ident = $number:literal),* $(,)?) => {
        #[allow(missing_docs)]
        impl RecordType { $(pub const $name: Self = Self($number);)* }
        const RECORD_TYPES: &[(&str, u16)] = &[$((stringify!($name), $number)),*];
    };
}

record_types! {
    A = 1, NS = 2, MD = 3, MF = 4, CNAME = 5, SOA = 6, MB = 7, MG = 8, MR = 9, NULL = 10, WKS = 11,
    PTR = 12, HINFO = 13, MINFO = 14, MX = 15, TXT = 16, RP = 17, AFSDB = 18, X25 = 19, ISDN = 20,
    RT = 21, NSAP = 22, SIG = 24, KEY = 25, PX = 26, GPOS = 27, AAAA = 28, LOC = 29, NXT = 30,
    SRV = 33, NAPTR = 35, KX = 36, CERT = 37, A6 = 38, DNAME = 39, OPT = 41, APL = 42, DS = 43,
    SSHFP = 44, IPSECKEY = 45, RRSIG = 46, NSEC = 47, DNSKEY = 48, DHCID = 49, NSEC3 = 50,
    NSEC3PARAM = 51, TLSA = 52, SMIMEA = 53, HIP = 55, CDS = 59, CDNSKEY = 60, OPENPGPKEY = 61,
    CSYNC = 62, ZONEMD = 63, SVCB = 64, HTTPS = 65, SPF = 99, EUI48 = 108, EUI64 = 109, TKEY = 249,
    TSIG = 250, IXFR = 251, AXFR = 252, MAILB = 253, MAILA = 254, ANY = 255, URI = 256, CAA = 257,
    RESINFO = 261,
}

/// Every type that has a name, with its number.
pub fn named() -> impl Iterator<Item = (&'static str, u16)> {
    RECORD_TYPES.iter().copied()
}

impl RecordType {
    /// Reads `AAAA`, `aaaa` or `TYPE28` (RFC 3597 section 5).
    pub fn from_text(text: &str) -> Option<Self> {
        if let Some(&(_, number)) =
            RECORD_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text))
        {
            return Some(Self(number));
        }
        let digits =
            text.get(..4).filter(|p| p.eq_ignore_ascii_case("TYPE")).map(|_| &text[4..])?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(Self)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RECORD_TYPES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordType({self})")
    }
}

/// A response code of up to 12 bits (RFC 6891 section 6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rcode(pub u16);

#[allow(missing_docs)]
impl Rcode {
    pub const NOERROR: Self = Self(0);
    pub const FORMERR: Self = Self(1);
    pub const SERVFAIL: Self = Self(2);
    pub const NXDOMAIN: Self = Self(3);
    pub const NOTIMP: Self = Self(4);
    pub const REFUSED: Self = Self(5);
    pub const YXDOMAIN: Self = Self(6);
    pub const BADVERS: Self = Self(16);
    pub const BADCOOKIE: Self = Self(23);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_written_by_name_and_by_number() {
        assert_eq!(RecordType::from_text("https"), Some(RecordType::HTTPS));
        assert_eq!(RecordType::from_text("TYPE65399"), Some(RecordType(65399)));
        assert_eq!(RecordType(65399).to_string(), "TYPE65399");
        assert_eq!(RecordType::AAAA.to_string(), "AAAA");
        for bad in ["", "TYPE", "TYPE65536", "TYPE-1", "ÄÖ", "NOPE"] {
            assert_eq!(RecordType::from_text(bad), None, "{bad}");
        }
    }
}
