//! `recvmmsg` and `sendmmsg`: many datagrams for one system call.
//!
//! The only `unsafe` of the listeners. Everything here is safe to call.

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams in one system call.
pub(super) const BATCH: usize = 64;

/// Largest query read, in octets; a longer one is dropped. It could not reach us unfragmented, and
/// a query has no reason to be long. Not a power of two: the heads of all packets would then fall
/// into the same few lines of the processor's cache.
const PACKET: usize = 1536 + 64;

/// Room for one `IP_PKTINFO` or `IPV6_PKTINFO` control message.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 48]);

#[repr(C)]
#[derive(Clone, Copy)]
union Address {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

/// Where a query came from and which of our addresses it was sent to.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    address: Address,
    address_octets: libc::socklen_t,
    control: Control,
    control_octets: usize,
}

/// Buffers for one batch of queries and the answers to them.
pub(super) struct Batch {
    packets: Box<[u8]>,
    origins: Box<[Origin]>,
    received: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    answers: Vec<(usize, Range<usize>)>,
    sending: Box<[libc::mmsghdr]>,
    control_room: usize,
}

// SAFETY: the raw pointers of the headers point into the boxes of the same `Batch` alone, which
// move with it; nothing is tied to a thread.
unsafe impl Send for Batch {}

impl Batch {
    /// Empty buffers. `any_address` says that the socket is bound to the unspecified address, so
    /// that each query has to say which of our addresses it was sent to.
    pub(super) fn new(any_address: bool) -> Self {
        Self {
            packets: vec![0; BATCH * PACKET].into_boxed_slice(),
            origins: vec![Origin::empty(); BATCH].into_boxed_slice(),
            received: vec![empty_header(); BATCH].into_boxed_slice(),
            vectors: vec![empty_vector(); BATCH].into_boxed_slice(),
            answers: Vec::with_capacity(BATCH),
            sending: vec![empty_header(); BATCH].into_boxed_slice(),
            control_room: if any_address { mem::size_of::<Control>() } else { 0 },
        }
    }

    /// Reads what has arrived, at most [`BATCH`] datagrams, and forgets the batch before.
    ///
    /// # Errors
    /// What the system says; `WouldBlock` when nothing has arrived.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.answers.clear();
        let buffers = self.packets.chunks_exact_mut(PACKET).zip(self.vectors.iter_mut());
        let heads = self.received.iter_mut().zip(self.origins.iter_mut());
        for ((packet, vector), (received, origin)) in buffers.zip(heads) {
            *vector = libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: PACKET };
            let header = &mut received.msg_hdr;
            header.msg_name = (&raw mut origin.address).cast();
            header.msg_namelen = mem::size_of::<Address>() as libc::socklen_t;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            header.msg_control = (&raw mut origin.control).cast();
            header.msg_controllen = self.control_room as _;
        }
        // SAFETY: each of the BATCH headers points to one vector of PACKET octets and to room for
        // an address and a control message of the lengths given, all of them owned by `self`.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.received.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (origin, received) in self.origins.iter_mut().zip(&self.received[..count]) {
            origin.address_octets = received.msg_hdr.msg_namelen;
            origin.control_octets = received.msg_hdr.msg_controllen as _;
            origin.forget_interface();
        }
        Ok(count)
    }

    /// A datagram of the batch, or none when it was too long and has lost its end.
    pub(super) fn packet(&self, index: usize) -> Option<&[u8]> {
        let received = &self.received[index];
        if received.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
            return None;
        }
        let start = index * PACKET;
        self.packets.get(start..start + received.msg_len as usize)
    }

    /// Where a datagram came from.
    pub(super) fn origin(&self, index: usize) -> &Origin {
        &self.origins[index]
    }

    /// Notes that this range of the answers goes back to where that datagram came from.
    pub(super) fn answer(&mut self, index: usize, range: Range<usize>) {
        self.answers.push((index, range));
    }

    /// How many answers were noted.
    pub(super) fn answers(&self) -> usize {
        self.answers.len()
    }

    /// Sends the noted answers from the given one on and says how many went out: all, or fewer when
    /// the send buffer is full or the next one cannot be sent.
    ///
    /// # Errors
    /// What the system says about the first of them.
    pub(super) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        first: usize,
        octets: &[u8],
    ) -> io::Result<usize> {
        let answers = &self.answers[first..];
        let heads = self.sending.iter_mut().zip(self.vectors.iter_mut());
        for ((index, range), (sending, vector)) in answers.iter().zip(heads) {
            *vector = read_only(&octets[range.clone()]);
            let header = &mut sending.msg_hdr;
            self.origins[*index].direct(header);
            header.msg_iov = vector;
            header.msg_iovlen = 1;
        }
        // SAFETY: the first `answers.len()` headers, at most BATCH, point to one vector each, which
        // lies in `octets`, and to an address and a control message owned by `self`; the system
        // reads them only.
        let count = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.sending.as_mut_ptr(),
                answers.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }
}

impl Origin {
    fn empty() -> Self {
        // SAFETY: both variants of the union are plain numbers, for which zero is valid.
        let address = unsafe { MaybeUninit::<Address>::zeroed().assume_init() };
        Self { address, address_octets: 0, control: Control([0; 48]), control_octets: 0 }
    }

    /// The address and port of the client.
    pub(super) fn client(&self) -> Option<SocketAddr> {
        // SAFETY: the family is the first field of both variants, and the union starts as zeros.
        let family = i32::from(unsafe { self.address.v4.sin_family });
        match family {
            libc::AF_INET => {
                // SAFETY: the family says that the system wrote this variant.
                let v4 = unsafe { self.address.v4 };
                let ip = u32::from_be(v4.sin_addr.s_addr).into();
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: the family says that the system wrote this variant.
                let v6 = unsafe { self.address.v6 };
                let (ip, port) = (v6.sin6_addr.s6_addr.into(), u16::from_be(v6.sin6_port));
                Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }

    /// Sends one answer back.
    ///
    /// # Errors
    /// What the system says; `WouldBlock` when the send buffer is full.
    pub(super) fn send(&self, socket: BorrowedFd<'_>, answer: &[u8]) -> io::Result<()> {
        let mut vector = read_only(answer);
        let mut header = empty_header().msg_hdr;
        self.direct(&mut header);
        header.msg_iov = &raw mut vector;
        header.msg_iovlen = 1;
        // SAFETY: the header points to one vector, which lies in `answer`, and to an address and a
        // control message that outlive the call; the system reads them only.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, 0) };
        usize::try_from(sent).map(|_| ()).map_err(|_| io::Error::last_os_error())
    }

    /// Points a header back to the client, and away from the address that the client asked: the
    /// control message that came in says the same on the way out (ip(7), RFC 3542 section 6).
    fn direct(&self, header: &mut libc::msghdr) {
        header.msg_name = (&raw const self.address).cast_mut().cast();
        header.msg_namelen = self.address_octets;
        header.msg_control = if self.control_octets == 0 {
            std::ptr::null_mut()
        } else {
            (&raw const self.control).cast_mut().cast()
        };
        header.msg_controllen = self.control_octets as _;
    }

    /// Leaves the way back to the routing table, except for link-local addresses, which mean
    /// nothing without their interface (RFC 4007 section 6).
    fn forget_interface(&mut self) {
        let head = mem::size_of::<libc::cmsghdr>();
        if self.control_octets < head {
            self.control_octets = 0;
            return;
        }
        // SAFETY: `Control` is as aligned as a `cmsghdr`, and the system wrote one at its start.
        let kind = unsafe { (*(&raw const self.control).cast::<libc::cmsghdr>()).cmsg_type };
        let data = &mut self.control.0[head..];
        match kind {
            // struct in_pktinfo: index, address of ours, address in the packet.
            libc::IP_PKTINFO => data[..4].fill(0),
            // struct in6_pktinfo: address of ours, index.
            libc::IPV6_PKTINFO if !(data[0] == 0xfe && data[1] & 0xc0 == 0x80) => {
                data[16..20].fill(0);
            }
            libc::IPV6_PKTINFO => {}
            _ => self.control_octets = 0,
        }
    }
}

/// Makes every datagram say which of our addresses it was sent to.
pub(super) fn ask_for_destination(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    match ipv6 {
        false => set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
        true => set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
    }
}

/// Answers keep the size of the interface and do not believe a smaller path MTU that somebody
/// claims: fragments of forged size are how answers get poisoned (RFC 9715 section 3.1).
pub(super) fn ignore_path_mtu(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    match ipv6 {
        false => set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT),
        true => set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT),
    }
}

fn set(socket: BorrowedFd<'_>, level: i32, option: i32, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the option's value is one `c_int`, and the length given is its size.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            mem::size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn read_only(octets: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: octets.as_ptr().cast_mut().cast(), iov_len: octets.len() }
}

fn empty_vector() -> libc::iovec {
    libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }
}

fn empty_header() -> libc::mmsghdr {
    // SAFETY: a header of zeros is the header of an empty message: null pointers, lengths of zero.
    unsafe { MaybeUninit::zeroed().assume_init() }
}
