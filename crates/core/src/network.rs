//! IP networks in CIDR form.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network such as `192.0.2.0/24`; host bits must be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network that holds this address alone.
    pub fn host(address: IpAddr) -> Self {
        Self { base: address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Every network that there is, of both families.
    pub fn all() -> [Self; 2] {
        let (v4, v6) = (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into());
        [Self { base: v4, prefix: 0 }, Self { base: v6, prefix: 0 }]
    }

    /// Its first address.
    pub fn first(&self) -> IpAddr {
        self.base
    }

    /// Its last address.
    pub fn last(&self) -> IpAddr {
        let prefix = u32::from(self.prefix);
        match self.base {
            IpAddr::V4(v4) => {
                let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() | hosts).into()
            }
            IpAddr::V6(v6) => {
                let hosts = u128::MAX.checked_shr(prefix).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() | hosts).into()
            }
        }
    }

    /// Whether the address lies in the network; an IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) =
            text.split_once('/').ok_or_else(|| format!("{text} lacks a /prefix"))?;
        let base: IpAddr =
            address.parse().map_err(|_| format!("{address} is not an IP address"))?;
        let widest: u8 = if base.is_ipv4() { 32 } else { 128 };
        let prefix: u8 =
            prefix.parse().ok().filter(|prefix| *prefix <= widest).ok_or_else(|| {
                format!("the prefix of {text} is not a number from 0 to {widest}")
            })?;
        let host_bits = match base {
            IpAddr::V4(v4) => v4.to_bits().checked_shl(u32::from(prefix)).unwrap_or(0) != 0,
            IpAddr::V6(v6) => v6.to_bits().checked_shl(u32::from(prefix)).unwrap_or(0) != 0,
        };
        if host_bits {
            return Err(format!("{text} has host bits set"));
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_only() {
        let network: Network = "192.0.2.0/25".parse().unwrap();
        for (address, inside) in [
            ("192.0.2.127", true),
            ("192.0.2.128", false),
            ("::ffff:192.0.2.1", true),
            ("::1", false),
        ] {
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn a_network_reaches_from_its_first_to_its_last_address() {
        for (network, last) in [
            ("192.0.2.0/25", "192.0.2.127"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("2001:db8::/127", "2001:db8::1"),
            ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.last(), last.parse::<IpAddr>().unwrap(), "{network}");
            assert!(network.contains(network.first()) && network.contains(network.last()));
        }
    }

    #[test]
    fn a_network_that_is_none_is_refused_with_a_reason() {
        for bad in ["192.0.2.1", "192.0.2.1/24", "192.0.2.0/33", "x/8", "2001:db8::1/64"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
