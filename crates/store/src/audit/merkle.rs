//! Merkle trees as RFC 9162 has them, of which certificate transparency is made: one that grows at its end,
//! and tells a root at every size.

use sha2::{Digest, Sha256};

/// How long a hash is, in bytes.
pub const LENGTH: usize = 32;

/// A hash of a tree.
pub type Hash = [u8; LENGTH];

/// The hash of a leaf.
#[must_use]
pub fn leaf(data: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(data);
    hash.finalize().into()
}

/// The hash of a node of two.
fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// A tree of which no leaf is needed any more: its size, and the hashes of the whole trees that it is made
/// of, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    /// A tree that was told by its size and [`peaks`](Self::peaks); nothing when the two do not fit.
    #[must_use]
    pub fn try_new(size: u64, peaks: &[u8]) -> Option<Self> {
        let (peaks, rest) = peaks.as_chunks::<LENGTH>();
        let fits = rest.is_empty() && u32::try_from(peaks.len()) == Ok(size.count_ones());
        fits.then(|| Self {
            size,
            peaks: peaks.to_vec(),
        })
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What it can be told by, beside its size.
    #[must_use]
    pub fn peaks(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Adds a leaf at its end, by the leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Two whole trees of one size are one of twice the size.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some(smallest) => peaks.fold(*smallest, |right, left| node(left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The leaves that the reference implementation of certificate transparency is tested with, and the
    /// roots of the trees of the first of them (RFC 6962 and RFC 9162 have the same trees).
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hex(hash: Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_roots_are_those_that_were_published() {
        let mut tree = Tree::default();
        assert_eq!(hex(tree.root()), ROOTS[0]);
        for (data, root) in LEAVES.iter().zip(&ROOTS[1..]) {
            tree.push(leaf(data));
            assert_eq!(hex(tree.root()), *root);
            assert_eq!(
                Tree::try_new(tree.size(), &tree.peaks()),
                Some(tree.clone())
            );
        }
        assert_eq!(Tree::try_new(tree.size() + 2, &tree.peaks()), None);
    }

    /// The definition, as the RFC writes it.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [only] => *only,
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                node(&defined(left), &defined(right))
            }
        }
    }

    proptest! {
        #[test]
        fn a_tree_that_grew_is_the_tree_that_the_rfc_defines(
            leaves in prop::collection::vec(any::<[u8; 4]>(), 0..200),
        ) {
            let leaves: Vec<Hash> = leaves.iter().map(|data| leaf(data)).collect();
            let mut tree = Tree::default();
            for leaf in &leaves {
                tree.push(*leaf);
            }
            prop_assert_eq!(tree.root(), defined(&leaves));
        }
    }
}
