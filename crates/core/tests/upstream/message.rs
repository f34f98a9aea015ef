//! DNS messages as a test upstream writes them, by hand: they need not make sense.

/// A query as it arrived.
#[derive(Clone, Debug)]
pub struct ReceivedQuery {
    pub octets: Vec<u8>,
    /// Counts all queries of one server from 0.
    pub number: usize,
    /// Counts its connections from 0.
    pub connection: usize,
    /// Counts the queries of that connection from 0.
    pub on_connection: usize,
}

impl ReceivedQuery {
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.octets[0], self.octets[1]])
    }

    /// The question section.
    pub fn question(&self) -> &[u8] {
        let name = self.octets[12..].iter().position(|octet| *octet == 0).unwrap();
        &self.octets[12..12 + name + 5]
    }

    /// The first label of the name.
    pub fn label(&self) -> &[u8] {
        &self.octets[13..13 + usize::from(self.octets[12])]
    }

    /// NOERROR with one address record.
    pub fn address(&self, last: u8, ttl: u32) -> Vec<u8> {
        let mut message = self.head(0, 1);
        message.extend([0xc0, 12, 0, 1, 0, 1]);
        message.extend(ttl.to_be_bytes());
        message.extend([0, 4, 192, 0, 2, last]);
        message
    }

    /// This response code, no records.
    pub fn code(&self, rcode: u8) -> Vec<u8> {
        self.head(rcode, 0)
    }

    /// An answer to another question.
    pub fn other_question(&self) -> Vec<u8> {
        let mut message = self.address(66, 300);
        message[13] ^= 1;
        message
    }

    fn head(&self, rcode: u8, answers: u8) -> Vec<u8> {
        let mut message = self.octets[..2].to_vec();
        message.extend([0x81, 0x80 | rcode, 0, 1, 0, answers, 0, 0, 0, 0]);
        message.extend(self.question());
        message
    }
}
