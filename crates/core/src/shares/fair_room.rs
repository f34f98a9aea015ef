//! Places that are waited for, in turns.
//!
//! Who finds no place waits in a queue of their own, and the queues take turns: a client with a
//! thousand questions waits for itself alone.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::counts::{Counts, Share};
use super::owner::{Key, Owner};

/// Places, shared by all runtimes of the process.
pub struct FairRoom(Mutex<Inner>);

struct Inner {
    counts: Counts,
    queues: HashMap<Key, VecDeque<Waiter>, RandomState>,
    /// Whose turn it is; every queue is here once.
    turns: VecDeque<Key>,
}

struct Waiter {
    owner: Owner,
    place: oneshot::Sender<FairPlace>,
}

impl FairRoom {
    /// So many places, all free.
    pub fn new(places: usize) -> Arc<Self> {
        let counts = Counts::new(Share::of(places));
        let (queues, turns) = (HashMap::default(), VecDeque::new());
        Arc::new(Self(Mutex::new(Inner { counts, queues, turns })))
    }

    /// Takes a place on the account of this owner, and waits for it as long as it takes; calls
    /// `wait` before that.
    pub async fn take(self: &Arc<Self>, owner: Owner, wait: impl FnOnce()) -> FairPlace {
        let waiter = {
            let mut inner = self.0.lock();
            match inner.counts.take(owner) {
                Ok(()) => return FairPlace { room: Arc::clone(self), owner },
                Err(_) => inner.enqueue(owner),
            }
        };
        wait();
        match waiter.await {
            Ok(place) => place,
            // The sender lives in the room, which `self` keeps.
            Err(_) => std::future::pending().await,
        }
    }

    /// Changes how many places there are.
    pub fn resize(self: &Arc<Self>, places: usize) {
        let mut inner = self.0.lock();
        if inner.counts.share.all != places {
            inner.counts.share = Share::of(places);
            self.serve(inner);
        }
    }

    /// Gives free places to those who wait.
    fn serve(self: &Arc<Self>, mut inner: parking_lot::MutexGuard<'_, Inner>) {
        let mut granted = Vec::new();
        while let Some(Waiter { owner, place }) = inner.next() {
            granted.push((place, FairPlace { room: Arc::clone(self), owner }));
        }
        // Whoever has left gives the place back, which takes the lock again.
        drop(inner);
        for (waiter, place) in granted {
            let _ = waiter.send(place);
        }
    }
}

impl Inner {
    fn enqueue(&mut self, owner: Owner) -> oneshot::Receiver<FairPlace> {
        let (place, waiter) = oneshot::channel();
        let queue = self.queues.entry(owner.turn()).or_default();
        if queue.is_empty() {
            self.turns.push_back(owner.turn());
        }
        // Those who left are forgotten as others come.
        while queue.front().is_some_and(|first| first.place.is_closed()) {
            queue.pop_front();
        }
        queue.push_back(Waiter { owner, place });
        waiter
    }

    /// Takes a place for the next who may have one.
    fn next(&mut self) -> Option<Waiter> {
        for _ in 0..self.turns.len() {
            let key = self.turns.pop_front()?;
            let queue = self.queues.get_mut(&key)?;
            while queue.front().is_some_and(|first| first.place.is_closed()) {
                queue.pop_front();
            }
            let Some(first) = queue.front() else {
                self.queues.remove(&key);
                continue;
            };
            let taken = self.counts.take(first.owner).is_ok();
            let waiter = if taken { queue.pop_front() } else { None };
            if queue.is_empty() {
                self.queues.remove(&key);
            } else {
                self.turns.push_back(key);
            }
            if waiter.is_some() {
                return waiter;
            }
        }
        None
    }
}

/// One place; the next who waits gets it when it is dropped.
pub struct FairPlace {
    room: Arc<FairRoom>,
    owner: Owner,
}

impl Drop for FairPlace {
    fn drop(&mut self) {
        let mut inner = self.room.0.lock();
        inner.counts.give_back(self.owner);
        self.room.serve(inner);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn network(last: u8) -> Owner {
        Owner::network([192, 0, 2, last].into())
    }

    fn poll<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn take(room: &Arc<FairRoom>, owner: Owner) -> Option<FairPlace> {
        let mut taking = pin!(room.take(owner, || ()));
        match poll(&mut taking) {
            Poll::Ready(place) => Some(place),
            Poll::Pending => None,
        }
    }

    #[test]
    fn who_waits_gets_the_place_that_was_given_back_and_others_are_not_behind() {
        let room = FairRoom::new(3);
        let (greedy, other) = (network(1), network(2));
        let mut held: Vec<_> = (0..2).map(|_| take(&room, greedy).unwrap()).collect();
        let mut waits = pin!(room.take(greedy, || ()));
        assert!(poll(&mut waits).is_pending());
        let of_other = take(&room, other).expect("one place is left for others");
        let mut other_waits = pin!(room.take(other, || ()));
        assert!(poll(&mut other_waits).is_pending());
        drop(held.pop());
        let Poll::Ready(_first) = poll(&mut waits) else { panic!("its turn came first") };
        drop(of_other);
        assert!(poll(&mut other_waits).is_ready());
    }

    #[test]
    fn queues_take_turns_and_those_who_left_are_passed_over() {
        let room = FairRoom::new(1);
        let place = take(&room, network(1)).unwrap();
        let mut first = pin!(room.take(network(1), || ()));
        let mut second = pin!(room.take(network(1), || ()));
        let mut other = pin!(room.take(network(2), || ()));
        assert!(poll(&mut first).is_pending());
        assert!(take(&room, network(3)).is_none(), "it leaves at once");
        assert!(poll(&mut second).is_pending() && poll(&mut other).is_pending());
        drop(place);
        let Poll::Ready(place) = poll(&mut first) else { panic!("it came first") };
        drop(place);
        let Poll::Ready(place) = poll(&mut other) else { panic!("the others take turns") };
        drop(place);
        assert!(poll(&mut second).is_ready());
        assert!(room.0.lock().queues.is_empty());
    }

    #[test]
    fn a_larger_room_serves_who_waits_and_own_questions_never_wait_for_clients() {
        let room = FairRoom::new(1);
        let _place = take(&room, network(1)).unwrap();
        assert!(take(&room, Owner::OWN).is_some());
        let mut waits = pin!(room.take(network(2), || ()));
        assert!(poll(&mut waits).is_pending());
        room.resize(2);
        assert!(poll(&mut waits).is_ready());
    }
}
