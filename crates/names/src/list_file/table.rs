//! The table of names in a list file: hash to place, one cache line a probe.
//!
//! A bucket is 64 octets with eight slots; a slot is the low half of the hash and the place of the
//! name. Slots fill from the front, and a full bucket goes on in the next one. A hit is only a
//! hint: the caller compares the octets.

/// The octets of a bucket: one cache line.
pub(super) const BUCKET: usize = 64;
const SLOT: usize = 8;
const SLOTS: usize = BUCKET / SLOT;
/// Slots in use of 100: so few that nine of ten probes end in the first bucket.
const LOAD: usize = 60;

/// Writes the table for rows of hash and place. No place may be 0, which marks a free slot. Gives
/// the table and the most buckets that a probe has to read.
pub fn build(rows: &[(u64, u32)]) -> (Vec<u8>, u32) {
    let count = (rows.len() * 100).div_ceil(LOAD * SLOTS).max(1);
    let mut slots = vec![0u64; count * SLOTS];
    let mut probes = 1;
    for &(hash, place) in rows {
        debug_assert_ne!(place, 0);
        let mut bucket = first_bucket(hash, count);
        let mut reads = 1;
        // Ends: there are more slots than rows.
        loop {
            let free = slots[bucket * SLOTS..][..SLOTS].iter().position(|&slot| slot == 0);
            if let Some(free) = free {
                slots[bucket * SLOTS + free] = (u64::from(place) << 32) | (hash & 0xffff_ffff);
                break;
            }
            bucket = (bucket + 1) % count;
            reads += 1;
        }
        probes = probes.max(reads);
    }
    (slots.iter().flat_map(|slot| slot.to_le_bytes()).collect(), probes)
}

/// Looks for a hash: `is_same` is asked for the place of each slot that may be it. Reads at most
/// `probes` buckets of whatever octets `table` holds.
#[inline]
pub(super) fn find(
    table: &[u8],
    probes: u32,
    hash: u64,
    mut is_same: impl FnMut(u32) -> bool,
) -> Option<u32> {
    let buckets = table.as_chunks::<BUCKET>().0;
    let mut at = first_bucket(hash, buckets.len());
    for _ in 0..(probes as usize).min(buckets.len()) {
        let bucket = buckets.get(at)?;
        let slots = bucket.as_chunks::<SLOT>().0;
        // Without branches, so that all eight are compared at once.
        let mut hits = 0u8;
        for (index, slot) in slots.iter().enumerate() {
            let slot = u64::from_le_bytes(*slot);
            hits |= u8::from(slot as u32 == hash as u32) << index;
        }
        while hits != 0 {
            let slot = u64::from_le_bytes(slots[hits.trailing_zeros() as usize]);
            let place = (slot >> 32) as u32;
            if place != 0 && is_same(place) {
                return Some(place);
            }
            hits &= hits - 1;
        }
        if slots[SLOTS - 1] == [0; SLOT] {
            return None;
        }
        at += 1;
        if at == buckets.len() {
            at = 0;
        }
    }
    None
}

/// Spreads the high half of the hash over the buckets.
#[inline]
fn first_bucket(hash: u64, count: usize) -> usize {
    (((hash >> 32) * count as u64) >> 32) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_and_nothing_else() {
        let hash = |n: u64| crate::hashed_name::hash_wire(format!("\x09{n:09}\0").as_bytes());
        let rows: Vec<_> = (1..=50_000u32).map(|n| (hash(n.into()), n)).collect();
        let (table, probes) = build(&rows);
        assert!(probes < 8, "{probes}");
        for &(hash, place) in &rows {
            assert_eq!(find(&table, probes, hash, |found| found == place), Some(place));
        }
        for n in 50_001..60_000 {
            assert_eq!(find(&table, probes, hash(n), |_| false), None);
        }
    }

    #[test]
    fn rows_with_one_hash_are_told_apart_by_what_they_stand_for() {
        let rows: Vec<_> = (1..=100u32).map(|n| (u64::MAX, n)).collect();
        let (table, probes) = build(&rows);
        for n in 1..=100 {
            assert_eq!(find(&table, probes, u64::MAX, |place| place == n), Some(n));
        }
        assert_eq!(find(&table, probes, u64::MAX, |_| false), None);
    }

    #[test]
    fn an_empty_or_broken_table_holds_nothing() {
        let (table, probes) = build(&[]);
        assert_eq!(find(&table, probes, 7, |_| true), None);
        assert_eq!(find(&[], 9, 7, |_| true), None);
        assert_eq!(find(&[1; 63], 9, 7, |_| true), None);
        assert_eq!(find(&[7; 64], u32::MAX, 1, |_| true), None);
    }
}
