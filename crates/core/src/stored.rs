//! Answers that are kept, so that a call sent again can be answered as it was the first time.

/// An answer that can be kept as bytes and read back.
pub trait Stored: Sized + Send {
    /// The bytes to keep.
    fn to_stored(&self) -> Vec<u8>;

    /// The answer that was kept, or `None` when the bytes are not one.
    fn from_stored(bytes: &[u8]) -> Option<Self>;
}

/// An answer without content.
impl Stored for () {
    fn to_stored(&self) -> Vec<u8> {
        Vec::new()
    }

    fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

/// An answer that is bytes already.
impl Stored for Vec<u8> {
    fn to_stored(&self) -> Vec<u8> {
        self.clone()
    }

    fn from_stored(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_as_nothing() {
        assert_eq!(().to_stored(), Vec::<u8>::new());
        assert_eq!(<()>::from_stored(&[]), Some(()));
        assert_eq!(<()>::from_stored(&[1]), None);
    }
}
