//! The grammar of filters, by recursive descent.

use trellis_core::{Comparison, EcosystemId, Filter, Violation};

use super::value::{self, Given};
use super::{DEEPEST, Field, LONGEST, MOST_TERMS};

pub(super) fn filter(
    text: &str,
    table: &[Field],
    ecosystem: Option<&EcosystemId>,
) -> Result<Option<Filter>, Violation> {
    if text.len() > LONGEST {
        let description = format!("must be at most {LONGEST} bytes long");
        return Err(Violation::new("", "filter.limit", description));
    }
    let mut parser = Parser {
        rest: text,
        text,
        table,
        ecosystem,
        depth: 0,
        terms: 0,
    };
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
        self.rest = rest;
        self.depth += 1;
        if self.depth > DEEPEST {
            let description = format!("must not nest parentheses deeper than {DEEPEST}");
            return Err(Violation::new("", "filter.limit", description));
        }
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
            return Err(Violation::new("", "filter.limit", description));
        }
        let name = self.name();
        if name.is_empty() || WORDS.contains(&name) {
            return Err(self.expected("a comparison such as `display_name = \"Nimbus\"`"));
        }
        let field = self.field(name)?;
        self.skip_space();
        let found = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| Some((self.rest.strip_prefix(sign)?, *comparison)));
        let Some((rest, comparison)) = found else {
            return Err(self.expected("one of = != < <= > >= :"));
        };
        self.rest = rest;
        self.skip_space();
        let given = self.value()?;
        value::test(field, comparison, &given, self.ecosystem, negated)
    }

    fn name(&mut self) -> &'a str {
        let named = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
        self.upto(|letter| !named(letter))
    }

    fn field(&self, name: &str) -> Result<&'a Field, Violation> {
        self.table
            .iter()
            .find(|field| field.name() == name)
            .ok_or_else(|| {
                let known: Vec<_> = self.table.iter().map(Field::name).collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                let description = format!("`{name}` cannot be filtered by; fields: {known}");
                Violation::new("", "filter.field", description)
            })
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
        let word = self.upto(|letter| letter.is_whitespace() || "()\"'<>=!".contains(letter));
        if word.is_empty() || WORDS.contains(&word) {
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
                    let description = "write `\\` only before a quote or another `\\`";
                    return Err(Violation::new("", "filter.syntax", description));
                }
            }
        }
        Err(Violation::new(
            "",
            "filter.syntax",
            format!("a value lacks its closing {quote}"),
        ))
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
        let place = match self.text.len() - self.rest.len() {
            at if self.rest.is_empty() => format!("at its end ({at})"),
            at => {
                let found: String = self.rest.chars().take(20).collect();
                format!("at {at}, before `{found}`")
            }
        };
        Violation::new("", "filter.syntax", format!("expected {what} {place}"))
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
