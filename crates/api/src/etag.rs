//! Etags: versions as callers see them.

use std::fmt;

use trellis_core::{Problem, Violation};

/// The version of a resource that a caller has read, or nothing when the caller does not mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Etag(Option<i64>);

impl Etag {
    /// The etag of a version.
    #[must_use]
    pub const fn of(version: i64) -> Self {
        Self(Some(version))
    }

    /// The etag of a caller who does not mind which version it is.
    #[must_use]
    pub const fn any() -> Self {
        Self(None)
    }

    /// The version that the caller has read; nothing when the caller does not mind.
    #[must_use]
    pub const fn version(&self) -> Option<i64> {
        self.0
    }

    /// Reads an etag as a caller sent it back. Empty is any.
    ///
    /// # Errors
    /// When it is not one that a resource was answered with.
    pub fn read(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let digits = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let version = digits.and_then(|digits| digits.parse().ok()).map(Self::of);
        // Only the spelling that was answered is the same etag.
        version
            .filter(|etag| etag.to_string() == text)
            .ok_or_else(|| {
                Violation::new(
                    "",
                    "etag",
                    "must be an etag that the resource was answered with",
                )
            })
    }

    /// Checks that the resource is still at the version that the caller read.
    ///
    /// # Errors
    /// `EtagMismatch` when it is not.
    pub fn check(&self, version: i64, resource: &str) -> Result<(), Problem> {
        match self.0 {
            Some(read) if read != version => Err(Problem::EtagMismatch {
                resource: resource.to_owned(),
            }),
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Display for Etag {
    /// A strong etag as in RFC 9110, quotes and all: `"7"`. Nothing for any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |version| write!(f, "\"{version}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_reads_back_as_it_was_answered() {
        assert_eq!(Etag::of(7).to_string(), "\"7\"");
        assert_eq!(Etag::read("\"7\""), Ok(Etag::of(7)));
        assert_eq!(Etag::read(""), Ok(Etag::any()));
        assert_eq!(Etag::any().to_string(), "");
        assert_eq!(
            (Etag::of(7).version(), Etag::any().version()),
            (Some(7), None)
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "7", "W/\"7\"", "\"07\"", "\"+7\"", "\"x\"", "\"\"", "\"", "\"7", "*",
        ] {
            let violation = Etag::read(bad).unwrap_err();
            assert_eq!(violation.rule, "etag", "{bad}");
        }
    }

    #[test]
    fn only_another_version_is_refused() {
        let resource = "ecosystems/acme/partners/nimbus";
        assert_eq!(Etag::of(7).check(7, resource), Ok(()));
        assert_eq!(Etag::any().check(8, resource), Ok(()));
        assert_eq!(
            Etag::of(7).check(8, resource),
            Err(Problem::EtagMismatch {
                resource: resource.to_owned()
            })
        );
    }
}
