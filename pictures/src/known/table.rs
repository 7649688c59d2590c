//! Which hashes have a certain value of one word: a counting sort in two flat arrays.

/// Values of a word of sixteen bits.
const VALUES: usize = 1 << 16;

/// The places of hashes by the value of one of their words.
pub(super) struct Table {
    /// Where in `places` those of each value begin; one more, for the end of the last.
    starts: Box<[u32]>,
    places: Box<[u32]>,
}

impl Table {
    /// The table of these values, of which there are fewer than 2^32.
    pub(super) fn of(values: impl ExactSizeIterator<Item = u16> + Clone) -> Self {
        let mut starts = vec![0_u32; VALUES + 1].into_boxed_slice();
        for value in values.clone() {
            starts[usize::from(value) + 1] += 1;
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        let mut next = starts.clone();
        let mut places = vec![0; values.len()].into_boxed_slice();
        for (place, value) in (0..).zip(values) {
            let next = &mut next[usize::from(value)];
            places[*next as usize] = place;
            *next += 1;
        }
        Self { starts, places }
    }

    /// The places at which this value stands, in order.
    pub(super) fn places_of(&self, value: u16) -> &[u32] {
        let value = usize::from(value);
        &self.places[self.starts[value] as usize..self.starts[value + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_found_at_its_places_in_order() {
        let table = Table::of([7, 0, 65_535, 7, 65_535, 7].into_iter());
        assert_eq!(table.places_of(7), [0, 3, 5]);
        assert_eq!(table.places_of(0), [1]);
        assert_eq!(table.places_of(65_535), [2, 4]);
        assert_eq!(table.places_of(8), [] as [u32; 0]);
        let empty = Table::of([].into_iter());
        assert_eq!(empty.places_of(0), [] as [u32; 0]);
        assert_eq!(empty.places_of(65_535), [] as [u32; 0]);
    }
}
