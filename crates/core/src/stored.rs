//! Answers that are kept, so that a call sent again can be answered as it was the first time, and so that
//! the change feed can tell what has become of a resource.

/// An answer that can be kept as bytes and read back.
pub trait Stored: Sized + Send {
    /// The bytes to keep.
    fn to_stored(&self) -> Vec<u8>;

    /// The answer that was kept, or `None` when the bytes are not one.
    fn from_stored(bytes: &[u8]) -> Option<Self>;

    /// Which resource it is, if it is one.
    fn resource(&self) -> Option<Resource<'_>> {
        None
    }

    /// The names of the fields in which it differs from what it was before, but for those that every
    /// change changes: the name itself, the etag and the time of the change.
    fn changed(&self, _before: &Self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Which resource an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// What it is in the contract: the full name of its message, such as `trellis.partner.v1.Partner`.
    pub kind: &'static str,
    /// Its full resource name.
    pub name: &'a str,
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
        assert_eq!(().resource(), None);
    }
}
