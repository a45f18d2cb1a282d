//! What the bytes of a file mean.

use std::fmt;

use serde::Deserialize;

/// What the bytes of a file mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::import) enum Encoding {
    /// Unicode, as everything should be.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// What western Windows programs write, a superset of ISO 8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What the bytes 0x80 to 0x9f mean in Windows-1252. The five that mean nothing are kept as the
/// control characters of the same number, as browsers do.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Encoding {
    /// The text of a cell; nothing when the bytes mean no text.
    pub(in crate::import) fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Windows1252 => Some(bytes.iter().copied().map(windows_1252).collect()),
        }
    }

    /// The bytes of a text, with a question mark for what has none.
    pub(in crate::import) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Windows1252 => {
                let byte = |sign| (0..=u8::MAX).find(|byte| windows_1252(*byte) == sign);
                text.chars()
                    .map(|sign| byte(sign).unwrap_or(b'?'))
                    .collect()
            }
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

fn windows_1252(byte: u8) -> char {
    byte.checked_sub(0x80)
        .and_then(|at| WINDOWS_1252.get(usize::from(at)))
        .copied()
        .unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1252_is_read_as_windows_writes_it() {
        let bytes = [
            b'M', 0xfc, b'l', b'l', b'e', b'r', b' ', 0x80, b' ', 0x93, 0x94,
        ];
        let text = Encoding::Windows1252.decode(&bytes);
        assert_eq!(text.as_deref(), Some("Müller € “”"));
        assert_eq!(Encoding::Utf8.decode(&bytes), None);
        assert_eq!(Encoding::Windows1252.encode("Müller € “”"), bytes);
        assert_eq!(Encoding::Windows1252.encode("Łódź"), b"?\xf3d?");
    }
}
