//! The grammar of filters, by recursive descent.

use trellis_core::{Comparison, EcosystemId, Filter, Violation};

use super::value::{self, Given};
use super::{DEEPEST, Field, LONGEST, MOST_TERMS};
use crate::near;

pub(super) fn filter(
    text: &str,
    table: &[Field],
    ecosystem: Option<&EcosystemId>,
) -> Result<Option<Filter>, Violation> {
    let mut parser = Parser {
        rest: text,
        text,
        table,
        ecosystem,
        depth: 0,
        terms: 0,
    };
    let length = text.chars().count();
    if length > LONGEST {
        let description = format!("must be at most {LONGEST} characters long, and is {length}");
        return Err(Violation::new("", "filter.limit", description));
    }
    if let Some((before, _)) = text.split_once('\0') {
        let at = before.chars().count();
        let description = format!("at {at}: must not hold the character U+0000");
        return Err(Violation::new("", "filter.syntax", description));
    }
    parser.skip_space();
    if parser.rest.is_empty() {
        return Ok(None);
    }
    let filter = parser.expression(false)?;
    match parser.rest.chars().next() {
        None => Ok(Some(filter)),
        Some(_) => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser<'a> {
    /// What is still to be read.
    rest: &'a str,
    text: &'a str,
    table: &'a [Field],
    ecosystem: Option<&'a EcosystemId>,
    depth: usize,
    terms: usize,
}

/// The words that are not names of fields.
const WORDS: [&str; 3] = ["AND", "OR", "NOT"];

/// The longer ones first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    (":", Comparison::Has),
];

impl<'a> Parser<'a> {
    /// Reads an expression, or the opposite of one.
    fn expression(&mut self, negated: bool) -> Result<Filter, Violation> {
        let mut parts = vec![self.factor(negated)?];
        loop {
            self.skip_space();
            if self.rest.is_empty() || self.rest.starts_with(')') {
                return Ok(joined(parts, !negated));
            }
            // Without the word, too: factors side by side must all hold.
            self.word("AND");
            parts.push(self.factor(negated)?);
        }
    }

    fn factor(&mut self, negated: bool) -> Result<Filter, Violation> {
        let mut parts = vec![self.term(negated)?];
        while self.word("OR") {
            parts.push(self.term(negated)?);
        }
        Ok(joined(parts, negated))
    }

    fn term(&mut self, negated: bool) -> Result<Filter, Violation> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            return self.simple(!negated);
        }
        let turned = self.word("NOT");
        self.simple(negated != turned)
    }

    fn simple(&mut self, negated: bool) -> Result<Filter, Violation> {
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix('(') else {
            return self.restriction(negated);
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            let description = format!("must not nest parentheses deeper than {DEEPEST}");
            return Err(self.refused("filter.limit", &description));
        }
        self.rest = rest;
        let inner = self.expression(negated)?;
        self.depth -= 1;
        match self.rest.strip_prefix(')') {
            Some(rest) => {
                self.rest = rest;
                Ok(inner)
            }
            None => Err(self.expected("`)`")),
        }
    }

    fn restriction(&mut self, negated: bool) -> Result<Filter, Violation> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            let description = format!("must not have more than {MOST_TERMS} comparisons");
            return Err(self.refused("filter.limit", &description));
        }
        let begin = self.rest;
        let name = self.name();
        if name.is_empty() || WORDS.contains(&name) {
            self.rest = begin;
            return Err(self.expected("a comparison such as `display_name = \"Nimbus\"`"));
        }
        let field = self
            .field(name)
            .map_err(|violation| self.at(begin, violation))?;
        self.skip_space();
        let found = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| Some((self.rest.strip_prefix(sign)?, *comparison)));
        let Some((rest, comparison)) = found else {
            return Err(self.expected("one of = != < <= > >= :"));
        };
        self.rest = rest;
        self.skip_space();
        let begin = self.rest;
        let given = self.value()?;
        value::test(field, comparison, &given, self.ecosystem, negated)
            .map_err(|violation| self.at(begin, violation))
    }

    fn name(&mut self) -> &'a str {
        let named = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
        self.upto(|letter| !named(letter))
    }

    fn field(&self, name: &str) -> Result<&'a Field, Violation> {
        self.table
            .iter()
            .find(|field| field.name() == name)
            .ok_or_else(|| Violation::new("", "filter.field", self.unknown(name)))
    }

    fn unknown(&self, name: &str) -> String {
        let word = name.to_ascii_uppercase();
        if WORDS.contains(&word.as_str()) {
            return format!("`{name}` cannot be filtered by; did you mean {word}?");
        }
        let known: Vec<_> = self.table.iter().map(Field::name).collect();
        let question = near::question(name, known.iter().copied());
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let name = near::shown(name);
        format!("`{name}` cannot be filtered by; fields: {known}{question}")
    }

    fn value(&mut self) -> Result<Given, Violation> {
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''));
        if let Some(quote) = quote {
            return self.quoted(quote);
        }
        let begin = self.rest;
        let word = self.upto(|letter| letter.is_whitespace() || "()\"'<>=!".contains(letter));
        if word.is_empty() || WORDS.contains(&word) {
            self.rest = begin;
            return Err(self.expected("a value"));
        }
        Ok(Given {
            text: word.to_owned(),
            quoted: false,
        })
    }

    fn quoted(&mut self, quote: char) -> Result<Given, Violation> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(Given { text, quoted: true });
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            match letters.next() {
                Some((_, escaped @ ('"' | '\'' | '\\'))) => text.push(escaped),
                _ => {
                    self.rest = self.rest.get(at..).unwrap_or_default();
                    let description = "write `\\` only before a quote or another `\\`";
                    return Err(self.refused("filter.syntax", description));
                }
            }
        }
        let description = format!("a value lacks its closing {quote}");
        Err(self.refused("filter.syntax", &description))
    }

    /// Reads a word of the grammar, if it comes next as a word by itself.
    fn word(&mut self, word: &str) -> bool {
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix(word) else {
            return false;
        };
        let alone = rest
            .chars()
            .next()
            .is_none_or(|next| next.is_whitespace() || next == '(');
        if alone {
            self.rest = rest;
        }
        alone
    }

    fn upto(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (read, rest) = self.rest.split_at(end);
        self.rest = rest;
        read
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn expected(&self, what: &str) -> Violation {
        let at = self.place(self.rest);
        let place = if self.rest.is_empty() {
            format!("at its end ({at})")
        } else {
            let found: String = self.rest.chars().take(20).collect();
            format!("at {at}, before `{found}`")
        };
        Violation::new("", "filter.syntax", format!("expected {what} {place}"))
    }

    /// What is wrong with what comes next.
    fn refused(&self, rule: &str, description: &str) -> Violation {
        self.at(self.rest, Violation::new("", rule, description))
    }

    /// The same violation, which says where it stands.
    fn at(&self, rest: &str, violation: Violation) -> Violation {
        let at = self.place(rest);
        let description = format!("at {at}: {}", violation.description);
        Violation {
            description,
            ..violation
        }
    }

    /// How many characters of the filter stand before this rest of it.
    fn place(&self, rest: &str) -> usize {
        let read = self.text.len() - rest.len();
        self.text.get(..read).unwrap_or_default().chars().count()
    }
}

/// Joins parts of which all must hold, or any.
fn joined(mut parts: Vec<Filter>, all: bool) -> Filter {
    match (parts.len(), all) {
        (1, _) => parts.remove(0),
        (_, true) => Filter::All(parts),
        (_, false) => Filter::Any(parts),
    }
}
