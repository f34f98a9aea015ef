//! DNS over TCP (RFC 7766) and over TLS (RFC 7858): one task for each connection.
//!
//! A turn of the task reads all there is, answers in place what can be answered, adds the answers
//! that were waited for, and writes once. Answers come in any order (RFC 7766 section 7). What a
//! connection holds between its turns is only what it has not finished: the buffers belong to the
//! worker, so that an idle connection costs next to nothing.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinSet;

use super::frames::{self, Frame};
use super::peer::Peer;
use super::reset::Reset;
use super::service::Serve;
use super::timeouts::{DeadlineTimer, Timeouts};
use super::worker::Worker;
use super::write_buffer::WriteBuffer;
use crate::pipeline::Progress;
use crate::shares::Place;

/// Octets of answers after which a turn writes instead of reading on.
const WRITE_AT: usize = 64 << 10;

/// Octets of queries that one turn can hold: a largest message and as much again.
const READ: usize = 2 * (65_535 + 2);

/// The buffers of a worker. Only one task of a worker runs at a time, and none keeps them.
struct Buffers {
    input: Box<[u8]>,
    output: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers {
        input: vec![0; READ].into_boxed_slice(),
        output: Vec::with_capacity(WRITE_AT),
    });
}

/// Serves a connection until one side ends it.
pub(super) async fn serve<S: Serve, Io>(worker: Worker<S>, io: Io, peer: Peer)
where
    Io: AsyncRead + AsyncWrite + Reset + Unpin,
{
    let now = Instant::now();
    let timeouts = Timeouts::new(worker.limits(), now);
    let mut timer =
        DeadlineTimer::new(now + std::time::Duration::from_millis(worker.limits().read_ms));
    let mut over = std::pin::pin!(peer.over(&worker));
    let mut is_over = false;
    let mut connection = Connection {
        worker,
        io,
        peer,
        timeouts,
        input: Input::Open,
        unread: Vec::new(),
        output: WriteBuffer::default(),
        waiting: JoinSet::new(),
        unplaced: Arc::default(),
    };
    std::future::poll_fn(|cx| {
        if !is_over && over.as_mut().poll(cx).is_ready() {
            is_over = true;
            connection.input = Input::Refused;
        }
        let now = Instant::now();
        if connection.poll(cx, now).is_ready() {
            return Poll::Ready(());
        }
        ready!(timer.poll(cx, now, connection.timeouts.due(!connection.waiting.is_empty())));
        if connection.timeouts.is_blocked() {
            connection.io.reset();
        }
        Poll::Ready(())
    })
    .await;
}

/// What is done with what the client sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// It is answered.
    Open,
    /// It is read and thrown away, so that closing does not destroy answers under way: a socket
    /// closed with unread input resets the connection (RFC 2525 section 2.17).
    Refused,
    /// There is none: the client has closed its side, and may still read.
    EndSummary,
}

struct Connection<S: Serve, Io> {
    worker: Worker<S>,
    io: Io,
    peer: Peer,
    timeouts: Timeouts,
    input: Input,
    /// What was read and not answered: the first part of a message, or whole messages that have to
    /// wait for their turn.
    unread: Vec<u8>,
    output: WriteBuffer,
    waiting: JoinSet<LateAnswer>,
    /// Shared with the query that waits without a place, if there is one.
    unplaced: Arc<()>,
}

/// An answer that was waited for. As long as the client does not take it, it counts for the client.
struct LateAnswer {
    octets: Vec<u8>,
    _open: Open,
}

/// What a query holds from when it waits until its answer is written.
enum Open {
    Place {
        _held: Place,
    },
    /// The share of its client is used up; nothing more is read until it is answered.
    Unplaced {
        _mark: Arc<()>,
    },
}

/// Why reading stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// There is nothing more to read now.
    Empty,
    /// So many answers were made that they have to be written first.
    WriteBuffer,
    /// As many queries wait as may.
    Waiting,
}

impl<S: Serve, Io: AsyncRead + AsyncWrite + Unpin> Connection<S, Io> {
    /// Takes one turn. Ready when the connection is over, for whatever cause: no error of a
    /// connection concerns anyone but its client.
    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let turn = BUFFERS.with_borrow_mut(|buffers| self.turn(cx, now, buffers));
        match turn {
            Poll::Ready(Ok(())) => self.close(cx, now),
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready when nothing is left but to close.
    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        buffers: &mut Buffers,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.flush(cx, now))?;
            buffers.output.clear();
            let mut stop = self.read(cx, now, buffers)?;
            let is_full = self.collect(cx, now, &mut buffers.output);
            if is_full || (stop == Stop::Waiting && self.has_room()) {
                stop = Stop::WriteBuffer;
            }
            self.output.write(&mut self.io, cx, &buffers.output)?;
            if stop != Stop::WriteBuffer {
                ready!(self.flush(cx, now))?;
                return if self.input != Input::Open && self.waiting.is_empty() {
                    Poll::Ready(Ok(()))
                } else {
                    Poll::Pending
                };
            }
        }
    }

    /// Reads and answers until there is nothing more, or something has to be done first.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        buffers: &mut Buffers,
    ) -> io::Result<Stop> {
        let Buffers { input, output } = buffers;
        let mut start = 0;
        let unread = std::mem::take(&mut self.unread);
        let mut end = unread.len();
        input[..end].copy_from_slice(&unread);
        let mut ended = false;
        let stop = loop {
            if self.input == Input::Open {
                let (taken, stop) = self.answer(&input[start..end], now, output);
                start += taken;
                ended |= taken > 0;
                if let Some(stop) = stop {
                    break stop;
                }
            }
            if self.input != Input::Open {
                // What came before a message that could not be answered does not matter now.
                start = end;
            }
            if self.input == Input::EndSummary {
                break Stop::Empty;
            }
            if start == end || input.len() - end < READ / 2 {
                input.copy_within(start..end, 0);
                end -= start;
                start = 0;
            }
            let mut room = ReadBuf::new(&mut input[end..]);
            match Pin::new(&mut self.io).poll_read(cx, &mut room)? {
                Poll::Pending => break Stop::Empty,
                Poll::Ready(()) if room.filled().is_empty() => self.input = Input::EndSummary,
                Poll::Ready(()) => end += room.filled().len(),
            }
        };
        self.unread.extend_from_slice(&input[start..end]);
        self.note_reading(now, ended, stop);
        Ok(stop)
    }

    /// Answers the whole messages at the start of what was read and says how many octets they
    /// took, and why more of them have to wait.
    fn answer(&mut self, octets: &[u8], now: Instant, out: &mut Vec<u8>) -> (usize, Option<Stop>) {
        let mut taken = 0;
        loop {
            let packet = match frames::first(&octets[taken..]) {
                Frame::Whole(packet) => packet,
                Frame::Partial => return (taken, None),
                Frame::Nonsense => {
                    self.input = Input::Refused;
                    return (taken, None);
                }
            };
            if out.len() >= WRITE_AT {
                return (taken, Some(Stop::WriteBuffer));
            }
            if !self.has_room() {
                return (taken, Some(Stop::Waiting));
            }
            taken += 2 + packet.len();
            let arrival = self.peer.arrival(packet, now);
            match frames::append(out, |out| self.worker.service.begin(&arrival, out)) {
                Progress::Replied(sent) if sent.closes => {
                    self.input = Input::Refused;
                    return (taken, None);
                }
                Progress::Replied(_) => {}
                Progress::Waiting(waiting) => self.wait(waiting),
                // The sender of a stream cannot be forged: one that sends invalid messages is not
                // read any more. What was asked before is still answered.
                Progress::Dropped => {
                    self.input = Input::Refused;
                    return (taken, None);
                }
            }
        }
    }

    fn wait(&mut self, waiting: S::Waiting) {
        let service = Arc::clone(&self.worker.service);
        let owner = self.peer.owner(&self.peer.identity);
        let open = match self.worker.connection_limits.open_request(owner) {
            Ok(place) => Open::Place { _held: place },
            Err(_) => Open::Unplaced { _mark: Arc::clone(&self.unplaced) },
        };
        self.waiting.spawn(async move {
            let _open = open;
            let mut octets = vec![0, 0];
            let sent = service.complete(waiting, &mut octets).await;
            match u16::try_from(octets.len() - 2) {
                Ok(length) if sent.is_some() => octets[..2].copy_from_slice(&length.to_be_bytes()),
                _ => octets.clear(),
            }
            LateAnswer { octets, _open }
        });
    }

    /// Whether one more query may wait. Each connection may have one without a place, so that it
    /// goes on when that is answered.
    fn has_room(&self) -> bool {
        self.waiting.len() < self.worker.limits().queries_per_connection
            && Arc::strong_count(&self.unplaced) == 1
    }

    /// Adds the answers that have come, whichever was asked first, until there is enough to write.
    /// True where more of them may be there.
    fn collect(&mut self, cx: &mut Context<'_>, now: Instant, out: &mut Vec<u8>) -> bool {
        while out.len() < WRITE_AT {
            let Poll::Ready(Some(ended)) = self.waiting.poll_join_next(cx) else { return false };
            self.timeouts.answered(now);
            // A query that panicked costs its answer, not the connection.
            if let Ok(answer) = ended {
                out.extend_from_slice(&answer.octets);
            }
        }
        true
    }

    /// Ready when the client's side has taken everything. Nothing is read before that.
    fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
        if self.output.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        let flushed = self.output.flush(&mut self.io, cx);
        match flushed {
            Poll::Ready(_) => self.timeouts.write_ended(),
            Poll::Pending => self.timeouts.write_blocked(now),
        }
        flushed
    }

    /// Ends our side, then waits for the client to end its own.
    fn close(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        self.timeouts.write_blocked(now);
        match ready!(Pin::new(&mut self.io).poll_shutdown(cx)) {
            Ok(()) if self.input == Input::Refused => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// Tells the clock's side what reading came to.
    fn note_reading(&mut self, now: Instant, ended: bool, stop: Stop) {
        let partial = !self.unread.is_empty();
        if self.input != Input::Open || stop != Stop::Empty {
            self.timeouts.message_paused();
            if ended {
                self.timeouts.answered(now);
            }
        } else if ended {
            self.timeouts.message_ended(now, partial);
        } else if partial {
            self.timeouts.message_began(now);
        }
    }
}
