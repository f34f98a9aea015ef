//! DNS over a stream: DoT (RFC 7858) and TCP (RFC 7766), pipelined and out of order.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use aws_lc_rs::rand;
use bytes::{Buf, BytesMut};
use keyhole_wire::Answer;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::counters::UpstreamCounters;
use super::error::{ErrorKind, UpstreamError};
use super::exchange::{AttemptState, ClosedAtEnd, IDLE, Liveness, MAX_IN_FLIGHT, Question};

/// Messages in a row that answer nothing, after which the connection is given up. Late answers to
/// queries that were taken back are among them, hence so many.
const MAX_STRAYS: u32 = 1000;
/// Identifiers of queries that were taken back, and whose answers may still come; after so many they
/// are forgotten.
const MAX_TAKEN_BACK: usize = 4096;
/// Queries that are written at once.
const BATCH: usize = 64;
/// A write that takes longer ends the connection.
const STUCK: Duration = Duration::from_secs(5);
/// Octets asked of the stream at least.
const MIN_READ: usize = 4096;

/// The asking side of one stream.
pub(super) struct StreamConnection {
    outgoing: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// Only the upstream itself can have written what comes.
    is_authenticated: bool,
    liveness: Arc<Liveness>,
    counters: Arc<UpstreamCounters>,
}

#[derive(Default)]
struct Waiting {
    by_id: HashMap<u16, Waiter>,
    /// Identifiers of queries that were taken back and not answered.
    taken_back: HashSet<u16>,
    ended: Option<UpstreamError>,
}

struct Waiter {
    question: Question,
    state: Arc<AttemptState>,
    reply: oneshot::Sender<Result<Answer, UpstreamError>>,
}

impl StreamConnection {
    /// Starts a task that drives the stream.
    pub(super) fn start<S>(
        stream: S,
        is_authenticated: bool,
        liveness: &Arc<Liveness>,
        counters: &Arc<UpstreamCounters>,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (outgoing, queue) = mpsc::channel(MAX_IN_FLIGHT);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            is_authenticated,
            liveness: Arc::clone(liveness),
            counters: Arc::clone(counters),
        });
        tokio::spawn(drive(stream, queue, Arc::clone(&shared)));
        Self { outgoing, shared }
    }

    /// Asks one question. Dropping the future takes it back; its answer is then ignored.
    pub(super) async fn exchange(
        &self,
        question: &Question,
        state: &Arc<AttemptState>,
    ) -> Result<Answer, UpstreamError> {
        let (reply, answer) = oneshot::channel();
        let waiter = Waiter { question: *question, state: Arc::clone(state), reply };
        let id = self.shared.register(waiter)?;
        let _take_back = TakeBack { shared: &self.shared, id };
        let mut message = Vec::with_capacity(256);
        message.extend_from_slice(&[0, 0]);
        question.write(id, &mut message);
        let length =
            u16::try_from(message.len() - 2).expect("a padded query is a few hundred octets");
        message[..2].copy_from_slice(&length.to_be_bytes());
        // The queue holds as many as may be in flight; it is full only if the stream is stuck.
        self.outgoing.send(message).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn closed() -> UpstreamError {
    UpstreamError::lost("the connection ended before the answer")
}

/// Takes the question back when its future is dropped.
struct TakeBack<'a> {
    shared: &'a Shared,
    id: u16,
}

impl Drop for TakeBack<'_> {
    fn drop(&mut self) {
        let mut waiting = self.shared.waiting.lock();
        // After the answer the identifier may be somebody else's already. Ours has nobody left who
        // listens: what waited for it was dropped before this.
        if waiting.by_id.get(&self.id).is_some_and(|waiter| waiter.reply.is_closed()) {
            waiting.by_id.remove(&self.id);
            if waiting.taken_back.len() == MAX_TAKEN_BACK {
                waiting.taken_back.clear();
            }
            waiting.taken_back.insert(self.id);
        }
    }
}

impl Shared {
    /// Gives the waiter a random identifier that nobody else has on this connection
    /// (RFC 5452 section 9.2; a stream is safe from outsiders, but answers must not cross).
    fn register(&self, waiter: Waiter) -> Result<u16, UpstreamError> {
        let mut waiting = self.waiting.lock();
        if let Some(error) = &waiting.ended {
            return Err(error.clone());
        }
        if waiting.by_id.len() >= MAX_IN_FLIGHT {
            return Err(UpstreamError::new(ErrorKind::Busy, "1,000 queries are under way there"));
        }
        loop {
            let mut id = [0; 2];
            rand::fill(&mut id)
                .map_err(|_| UpstreamError::new(ErrorKind::Busy, "the system has no randomness"))?;
            let id = u16::from_be_bytes(id);
            if waiting.taken_back.contains(&id) {
                continue;
            }
            if let Entry::Vacant(place) = waiting.by_id.entry(id) {
                place.insert(waiter);
                return Ok(id);
            }
        }
    }

    /// Gives a message to whom it answers; false if it answers nobody. What repeats another question
    /// does not end the wait: it may be late, and the right one still to come. What repeats this one
    /// and cannot be accepted ends it, for a server answers once. So does what repeats none and is
    /// no answer, unless anybody on the way can have forged it.
    fn deliver(&self, message: &[u8]) -> bool {
        let Some(&[high, low]) = message.first_chunk::<2>() else { return false };
        let id = u16::from_be_bytes([high, low]);
        let (question, state) = {
            let mut waiting = self.waiting.lock();
            let Some(waiter) = waiting.by_id.get(&id) else {
                // Late, but a sign of life. An answer to nothing that was asked is none.
                if waiting.taken_back.remove(&id) {
                    self.liveness.touch();
                }
                return false;
            };
            (waiter.question, Arc::clone(&waiter.state))
        };
        // Read without the lock: others may ask meanwhile.
        match question.read(message, id) {
            Ok(answer) => {
                self.liveness.touch();
                self.liveness.answers.fetch_add(1, Relaxed);
                if let Some(waiter) = self.waiting.lock().by_id.remove(&id) {
                    // A question that was just taken back needs no answer.
                    let _ = waiter.reply.send(Ok(answer));
                }
                true
            }
            Err(error) => {
                state.flawed.fetch_add(1, Relaxed);
                let is_final = match self.is_authenticated {
                    true => !question.is_not_of(message, id),
                    false => question.is_claimed_by(message, id),
                };
                if is_final && let Some(waiter) = self.waiting.lock().by_id.remove(&id) {
                    // A question that was just taken back needs no answer.
                    let _ = waiter.reply.send(Err(error));
                }
                false
            }
        }
    }

    fn end(&self, error: &UpstreamError) {
        // First, so that whoever repeats a query finds another connection.
        self.liveness.close();
        let mut waiting = self.waiting.lock();
        waiting.ended = Some(error.clone());
        for (_, waiter) in waiting.by_id.drain() {
            // A question that was just taken back needs no answer.
            let _ = waiter.reply.send(Err(error.clone()));
        }
    }
}

/// Ends all waits even if the task that drives the stream is dropped with its runtime.
struct EndAll {
    shared: Arc<Shared>,
    error: UpstreamError,
}

impl Drop for EndAll {
    fn drop(&mut self) {
        self.shared.end(&self.error);
    }
}

async fn drive<S>(stream: S, queue: mpsc::Receiver<Vec<u8>>, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _closed = ClosedAtEnd(Arc::clone(&shared.liveness));
    let mut end = EndAll { shared: Arc::clone(&shared), error: closed() };
    let (reader, writer) = tokio::io::split(stream);
    end.error = tokio::select! {
        error = read_answers(reader, &shared) => error,
        error = write_queries(writer, queue, &shared.liveness) => error,
    };
}

/// Reads until the stream ends or makes no sense; returns why.
async fn read_answers<S: AsyncRead>(mut reader: ReadHalf<S>, shared: &Shared) -> UpstreamError {
    let mut buffer = BytesMut::new();
    let mut strays = 0;
    loop {
        buffer.reserve(MIN_READ);
        match reader.read_buf(&mut buffer).await {
            Ok(0) => return closed(),
            // Octets that trickle in are no sign of life: only answers are.
            Ok(_) => {}
            Err(error) => return UpstreamError::lost(format!("the connection broke: {error}")),
        }
        while let Some(length) = whole_message(&buffer) {
            if shared.deliver(&buffer[2..2 + length]) {
                strays = 0;
            } else {
                strays += 1;
                UpstreamCounters::count(&shared.counters.flawed);
            }
            buffer.advance(2 + length);
        }
        if strays > MAX_STRAYS {
            return UpstreamError::invalid("sent a thousand messages that answer nothing");
        }
    }
}

/// The length of the first message if it is here whole (RFC 1035 section 4.2.2).
fn whole_message(buffer: &[u8]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes(*buffer.first_chunk::<2>()?));
    (buffer.len() >= 2 + length).then_some(length)
}

/// Writes queries, as many at once as there are; returns why it ended.
async fn write_queries<S: AsyncWrite>(
    mut writer: WriteHalf<S>,
    mut queue: mpsc::Receiver<Vec<u8>>,
    liveness: &Liveness,
) -> UpstreamError {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        match timeout(IDLE, queue.recv_many(&mut batch, BATCH)).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) if liveness.is_idle(Instant::now()) => break,
            Err(_) => continue,
        }
        let octets = batch.concat();
        batch.clear();
        let written = async {
            writer.write_all(&octets).await?;
            writer.flush().await
        };
        match timeout(STUCK, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return UpstreamError::lost(format!("the connection broke: {error}")),
            Err(_) => return UpstreamError::lost("the upstream stopped reading"),
        }
    }
    // A polite end; if the upstream is gone already, nothing is lost.
    liveness.close();
    let _ = timeout(STUCK, writer.shutdown()).await;
    closed()
}
