//! From text to tokens, as the grammar of CEL has them.

use super::{Reason, Violation};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Text(String),
    /// `&& || ! == != < <= > >= in . , ( ) [ ] - + * / % ? : { }`
    Sign(&'static str),
    /// Something of CEL that conditions do not have; it stands for a value.
    Dropped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The signs, longer ones first.
const SIGNS: [&str; 23] = [
    "&&", "||", "==", "!=", "<=", ">=", "!", "<", ">", ".", ",", "(", ")", "[", "]", "-", "+", "*",
    "/", "%", "?", ":", "{",
];

/// The tokens, as far as they can be told, and what is wrong.
pub(super) fn tokens(source: &str) -> (Vec<Spanned>, Vec<Violation>) {
    let mut reader = Reader {
        source,
        at: 0,
        violations: Vec::new(),
    };
    let mut tokens = Vec::new();
    loop {
        reader.skip();
        let start = reader.at;
        let Some(first) = reader.peek() else { break };
        let Some(token) = reader.token(first) else {
            break;
        };
        tokens.push(Spanned {
            token,
            start,
            end: reader.at,
        });
    }
    (tokens, reader.violations)
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    violations: Vec<Violation>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn wrong(&mut self, at: usize, reason: Reason, message: impl Into<String>) {
        let violation = Violation::at(self.source, at, reason, message);
        self.violations.push(violation);
    }

    /// Whitespace and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let space = rest.len()
                - rest
                    .trim_start_matches([' ', '\t', '\n', '\r', '\x0c'])
                    .len();
            self.at += space;
            if self.rest().starts_with("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if space == 0 {
                return;
            }
        }
    }

    /// The next token; none when nothing after it can be told.
    fn token(&mut self, first: char) -> Option<Token> {
        if first.is_ascii_digit() || (first == '.' && self.digit_at(1)) {
            return self.number();
        }
        if matches!(first, '"' | '\'') {
            return self.text(false);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return self.name();
        }
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return Some(Token::Sign(sign));
        }
        if first == '}' {
            self.at += 1;
            return Some(Token::Sign("}"));
        }
        let advice = match first {
            '=' => "is no comparison; write `==`".to_owned(),
            '&' => "is no operator; write `&&`".to_owned(),
            '|' => "is no operator; write `||`".to_owned(),
            '“' | '”' | '‘' | '’' | '„' => {
                "is no quotation mark of a text; write `\"`".to_owned()
            }
            other => format!("{other:?} means nothing here; take it out"),
        };
        self.wrong(self.at, Reason::Syntax, advice);
        None
    }

    fn digit_at(&self, offset: usize) -> bool {
        let byte = self.source.as_bytes().get(self.at + offset);
        byte.is_some_and(u8::is_ascii_digit)
    }

    fn while_ascii(&mut self, belongs: fn(u8) -> bool) -> &str {
        let start = self.at;
        let bytes = self.source.as_bytes();
        while bytes.get(self.at).copied().is_some_and(belongs) {
            self.at += 1;
        }
        self.source.get(start..self.at).unwrap_or_default()
    }

    fn number(&mut self) -> Option<Token> {
        let start = self.at;
        let hexadecimal = self.rest().starts_with("0x") || self.rest().starts_with("0X");
        let value = if hexadecimal {
            self.at += 2;
            i64::from_str_radix(self.while_ascii(|byte| byte.is_ascii_hexdigit()), 16)
        } else {
            self.while_ascii(|byte| byte.is_ascii_digit()).parse()
        };
        let fraction = self.peek() == Some('.') && self.digit_at(1);
        let exponent = !hexadecimal && matches!(self.peek(), Some('e' | 'E'));
        if fraction || exponent {
            self.at += usize::from(fraction);
            self.while_ascii(|byte| byte.is_ascii_digit());
            if matches!(self.peek(), Some('e' | 'E')) {
                self.at += 1;
                self.at += usize::from(matches!(self.peek(), Some('+' | '-')));
                self.while_ascii(|byte| byte.is_ascii_digit());
            }
            let what = "numbers with a fraction are not allowed; count in the smallest unit";
            self.wrong(start, Reason::NotAllowed, what);
            return Some(Token::Dropped);
        }
        if matches!(self.peek(), Some('u' | 'U')) {
            self.at += 1;
            let what = "unsigned numbers are not allowed; leave the `u` out";
            self.wrong(start, Reason::NotAllowed, what);
            return Some(Token::Dropped);
        }
        match value {
            Ok(value) => Some(Token::Int(value)),
            // The least number is one further from zero than the greatest; nobody needs it.
            Err(_) => {
                let what = "is no whole number of 64 bits; write a smaller one";
                self.wrong(start, Reason::Syntax, what);
                Some(Token::Dropped)
            }
        }
    }

    fn name(&mut self) -> Option<Token> {
        let start = self.at;
        let name = self.while_ascii(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let name = name.to_owned();
        let quoted = matches!(self.peek(), Some('"' | '\''));
        match (name.as_str(), quoted) {
            ("r" | "R", true) => self.text(true),
            ("b" | "B" | "br" | "bR" | "Br" | "BR" | "rb" | "rB" | "Rb" | "RB", true) => {
                self.text(true)?;
                let what = "bytes are not allowed; write a text";
                self.wrong(start, Reason::NotAllowed, what);
                Some(Token::Dropped)
            }
            ("in", _) => Some(Token::Sign("in")),
            ("null", _) => {
                let what = "null is not allowed; ask `has(…)` whether a field is there";
                self.wrong(start, Reason::NotAllowed, what);
                Some(Token::Dropped)
            }
            _ => Some(Token::Name(name)),
        }
    }

    /// A text in quotation marks; a raw one knows no escapes.
    fn text(&mut self, raw: bool) -> Option<Token> {
        let start = self.at;
        let quote = self.peek()?;
        let triple: String = [quote; 3].iter().collect();
        let fence = if self.rest().starts_with(&triple) {
            triple
        } else {
            quote.to_string()
        };
        self.at += fence.len();
        let mut text = String::new();
        loop {
            if self.rest().starts_with(&fence) {
                self.at += fence.len();
                return Some(Token::Text(text));
            }
            let next = self.peek();
            match next {
                None => break,
                Some('\n' | '\r') if fence.len() == 1 => break,
                Some('\\') if !raw => {
                    let at = self.at;
                    if let Some(letter) = self.escape() {
                        text.push(letter);
                    } else {
                        let what = "is no escape of a text; write `\\\\` for a backslash";
                        self.wrong(at, Reason::Syntax, what);
                        return None;
                    }
                }
                Some(letter) => {
                    self.at += letter.len_utf8();
                    text.push(letter);
                }
            }
        }
        let what = format!("the text that begins here does not end; close it with {fence}");
        self.wrong(start, Reason::Syntax, what);
        None
    }

    fn escape(&mut self) -> Option<char> {
        self.at += 1;
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        let digits = match letter {
            'a' => return Some('\x07'),
            'b' => return Some('\x08'),
            'f' => return Some('\x0c'),
            'n' => return Some('\n'),
            'r' => return Some('\r'),
            't' => return Some('\t'),
            'v' => return Some('\x0b'),
            '\\' | '\'' | '"' | '`' | '?' => return Some(letter),
            'x' | 'X' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='3' => {
                let octal = self.source.get(self.at - 1..self.at + 2)?;
                let number = octal.bytes().all(|byte| byte.is_ascii_digit());
                let number = number.then(|| u32::from_str_radix(octal, 8).ok())??;
                self.at += 2;
                return char::from_u32(number);
            }
            _ => return None,
        };
        let hexadecimal = self.source.get(self.at..self.at + digits)?;
        if !hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        char::from_u32(u32::from_str_radix(hexadecimal, 16).ok()?)
    }
}
