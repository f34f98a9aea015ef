//! Places that are taken at once or not at all.

use std::sync::Arc;

use parking_lot::Mutex;

use super::counts::{Counts, Full, Share};
use super::owner::Owner;

/// Places, shared by all workers.
pub struct Room(Mutex<Counts>);

impl Room {
    /// Nothing is taken yet.
    pub fn new(share: Share) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Counts::new(share))))
    }

    /// Takes a place on the account of this owner.
    ///
    /// # Errors
    /// Whose share is used up.
    pub fn take(self: &Arc<Self>, owner: Owner) -> Result<Place, Full> {
        self.0.lock().take(owner)?;
        Ok(Place { room: Arc::clone(self), owner })
    }

    /// Places that are taken.
    pub fn taken(&self) -> usize {
        self.0.lock().total()
    }
}

/// One place; it is given back when dropped.
pub struct Place {
    room: Arc<Room>,
    owner: Owner,
}

impl Place {
    /// Counts the same place for an identity as well.
    ///
    /// # Errors
    /// Its share is used up.
    pub fn add(&mut self, identity: Owner) -> Result<(), Full> {
        self.room.0.lock().add(&mut self.owner, identity)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.0.lock().give_back(self.owner);
    }
}
