//! Where a call stands among others: the trace that its caller has begun, as W3C Trace Context writes it.

/// The place of a call in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    parent: String,
    state: Option<String>,
}

impl Trace {
    /// The longest state that is kept.
    pub const STATE_LONGEST: usize = 512;

    /// Reads a `traceparent` and its `tracestate`. What is no such thing, or says that there is no trace, is
    /// none, as the specification asks; a state that cannot be read does not take its parent with it.
    #[must_use]
    pub fn read(parent: &str, state: Option<&str>) -> Option<Self> {
        let mut parts = parent.split('-');
        let mut part = |length: usize| {
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let read = parts.next();
            read.filter(|part| part.len() == length && part.bytes().all(hex))
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let says = |id: &str| id.bytes().any(|byte| byte != b'0');
        // A later version may say more behind the flags; this one may not.
        let ends = version != "00" || parts.next().is_none();
        if version == "ff" || !says(trace) || !says(span) || !ends {
            return None;
        }
        let printable = |state: &&str| {
            let fits = !state.is_empty() && state.len() <= Self::STATE_LONGEST;
            fits && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        Some(Self {
            parent: format!("{version}-{trace}-{span}-{flags}"),
            state: state.filter(printable).map(str::to_owned),
        })
    }

    /// The `traceparent`.
    #[must_use]
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// The `tracestate`, if there is one.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_place_in_a_trace_is_told_as_it_came() {
        let trace = Trace::read(PARENT, Some("vendor=t61rcWkgMzE")).unwrap();
        assert_eq!(trace.parent(), PARENT);
        assert_eq!(trace.state(), Some("vendor=t61rcWkgMzE"));
        let later = format!("01{}-more", &PARENT[2..]);
        let read = Trace::read(&later, None).unwrap();
        assert_eq!(read.parent(), &later[..55]);
    }

    #[test]
    fn what_is_no_place_in_a_trace_is_none() {
        let zero = |from: usize, to: usize| {
            let mut text = PARENT.to_owned();
            text.replace_range(from..to, &"0".repeat(to - from));
            text
        };
        let bad = [
            String::new(),
            "00".to_owned(),
            PARENT.to_uppercase(),
            format!("{PARENT}-more"),
            format!("ff{}", &PARENT[2..]),
            PARENT.replace('4', "g"),
            PARENT[1..].to_owned(),
            zero(3, 35),
            zero(36, 52),
        ];
        for bad in bad {
            assert_eq!(Trace::read(&bad, None), None, "{bad}");
        }
        for bad in ["", "a\u{7f}=b", &"x".repeat(513)] {
            assert_eq!(Trace::read(PARENT, Some(bad)).unwrap().state(), None);
        }
    }
}
