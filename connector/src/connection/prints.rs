//! Ids by their prints, so that a listing of many users need not be kept to be counted.

use crate::prelude::*;

/// The standard library's hash would be a kilobyte of the component; this is FNV-1a, mixed
/// once more, since sums of it alone collide where ids are consecutive numbers.
pub(super) fn print(id: &str) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 29)
}

/// Counts different ids. Two of one print count as one, so there are never fewer ids than
/// this says.
#[derive(Debug, Default)]
pub(super) struct Prints {
    /// A print stands in the first free slot from where it belongs; 0 is free.
    slots: Vec<u64>,
    count: usize,
}

impl Prints {
    /// How many different ids were added.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn add(&mut self, id: &str) {
        // No more than half full, so that a free slot is near.
        if self.count * 2 >= self.slots.len() {
            let larger = vec![0; self.slots.len() * 2 + 64];
            self.count = 0;
            let prints = core::mem::replace(&mut self.slots, larger);
            for print in prints.into_iter().filter(|print| *print != 0) {
                self.put(print);
            }
        }
        self.put(print(id).max(1));
    }

    fn put(&mut self, print: u64) {
        let start = usize::try_from(print % self.slots.len() as u64).unwrap_or_default();
        let (before, after) = self.slots.split_at_mut(start);
        for slot in after.iter_mut().chain(before) {
            if *slot == print {
                return;
            }
            if *slot == 0 {
                *slot = print;
                self.count += 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Prints;
    use crate::prelude::*;

    #[test]
    fn different_ids_are_counted_once_each() {
        let mut prints = Prints::default();
        for _ in 0..2 {
            for number in 0_u32..10_000 {
                prints.add(&number.to_string());
            }
        }
        assert_eq!(prints.count(), 10_000);
    }
}
