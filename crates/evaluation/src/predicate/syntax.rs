//! From tokens to a tree, by the precedences of CEL.
//!
//! All of CEL's expressions are read, so that what conditions may not use can be named where it
//! stands, together with everything else. Chains of operators are loops; only what nests recurses,
//! and never deeper than [`DEEPEST`](super::DEEPEST), so that no text needs more than a few
//! kilobytes of stack.

use super::token::{Spanned, Token, tokens};
use super::{Comparison, DEEPEST, Reason, Value, Violation};

/// A part of the text as a tree, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// Nodes stand apart from the stack, of which strangers decide how much is used.
type Tree = Box<Node>;

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Tree),
    Compare(Tree, Comparison, Tree),
    In(Tree, Tree),
    Literal(Value),
    List(Vec<Node>),
    /// A path of names, such as `partner.tier`.
    Path(String),
    /// A function, or a method with what it is called on as its first argument.
    Call {
        name: String,
        method: bool,
        arguments: Vec<Node>,
    },
    /// Something that was reported already.
    Dropped,
}

/// The tree, unless the text ends or breaks off where none can be made, and what is wrong so far.
pub(super) fn parse(source: &str) -> (Option<Node>, Vec<Violation>) {
    let (tokens, violations) = tokens(source);
    let broken = violations
        .iter()
        .any(|violation| violation.reason == Reason::Syntax);
    let mut parser = Parser {
        source,
        tokens: &tokens,
        at: 0,
        depth: 0,
        violations,
    };
    let tree = if broken { None } else { parser.whole() };
    (tree, parser.violations)
}

/// Words that CEL keeps for itself.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

struct Parser<'a> {
    source: &'a str,
    tokens: &'a [Spanned],
    at: usize,
    depth: usize,
    violations: Vec<Violation>,
}

impl Parser<'_> {
    fn whole(&mut self) -> Option<Node> {
        let tree = self.expression()?;
        if let Some(left) = self.tokens.get(self.at) {
            let shown = self.source.get(left.start..left.end).unwrap_or_default();
            let what = format!(
                "`{shown}` does not go on with what stands before it; join conditions with `&&` or `||`"
            );
            return self.wrong(left.start, Reason::Syntax, what);
        }
        Some(*tree)
    }

    /// Names what is wrong. It stands apart, so that what recurses needs little stack.
    #[cold]
    #[inline(never)]
    fn wrong<T>(&mut self, at: usize, reason: Reason, message: impl Into<String>) -> Option<T> {
        let violation = Violation::at(self.source, at, reason, message);
        self.violations.push(violation);
        None
    }

    /// Names what CEL has and conditions do not, and stands for it in the tree.
    #[cold]
    #[inline(never)]
    fn drop_from(&mut self, start: usize, at: usize, what: &str) -> Tree {
        let _: Option<()> = self.wrong(at, Reason::NotAllowed, what);
        self.node(start, Kind::Dropped)
    }

    fn node(&self, start: usize, kind: Kind) -> Tree {
        let end = self.last_end();
        Box::new(Node { start, end, kind })
    }

    fn sign(&self) -> Option<&'static str> {
        match self.tokens.get(self.at).map(|spanned| &spanned.token) {
            Some(Token::Sign(sign)) => Some(sign),
            _ => None,
        }
    }

    /// Takes a sign if it is the next token; answers where it begins.
    fn take(&mut self, sign: &str) -> Option<usize> {
        let start = self.tokens.get(self.at)?.start;
        (self.sign()? == sign).then(|| {
            self.at += 1;
            start
        })
    }

    fn expect(&mut self, sign: &str) -> Option<()> {
        if self.take(sign).is_some() {
            return Some(());
        }
        let at = self.next_start();
        self.wrong(at, Reason::Syntax, format!("`{sign}` is missing here"))
    }

    fn next_start(&self) -> usize {
        let next = self.tokens.get(self.at);
        next.map_or(self.source.len(), |spanned| spanned.start)
    }

    fn last_end(&self) -> usize {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(0, |spanned| spanned.end)
    }

    /// An expression one level deeper, if there may be one.
    fn expression(&mut self) -> Option<Tree> {
        if self.depth == DEEPEST {
            return self.too_deep();
        }
        self.depth += 1;
        let condition = self.binary(0)?;
        let tree = match self.take("?") {
            None => condition,
            Some(at) => self.ternary(&condition, at)?,
        };
        self.depth -= 1;
        Some(tree)
    }

    #[cold]
    fn too_deep<T>(&mut self) -> Option<T> {
        let at = self.next_start();
        let what = format!("nests deeper than {DEEPEST} levels here; write it flatter");
        self.wrong(at, Reason::TooDeep, what)
    }

    #[cold]
    #[inline(never)]
    fn ternary(&mut self, condition: &Node, at: usize) -> Option<Tree> {
        let what = "`? :` is not allowed; join conditions with `&&` and `||`";
        let _: Option<()> = self.wrong(at, Reason::NotAllowed, what);
        self.expression()?;
        self.expect(":")?;
        self.expression()?;
        Some(self.node(condition.start, Kind::Dropped))
    }

    /// What operators of at least this level join. They bind from the left; a chain is a loop.
    fn binary(&mut self, least: u8) -> Option<Tree> {
        let mut left = self.unary()?;
        while let Some(sign) = self.sign() {
            let level = match sign {
                "||" => 0,
                "&&" => 1,
                "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" => 2,
                "+" | "-" => 3,
                "*" | "/" | "%" => 4,
                _ => break,
            };
            if level < least {
                break;
            }
            let at = self.next_start();
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = self.join(left, sign, at, right);
        }
        Some(left)
    }

    #[inline(never)]
    fn join(&mut self, left: Tree, sign: &'static str, at: usize, right: Tree) -> Tree {
        let start = left.start;
        let compare = |left, comparison, right| Kind::Compare(left, comparison, right);
        let kind = match sign {
            "||" => match left.kind {
                Kind::Or(mut parts) => {
                    parts.push(*right);
                    Kind::Or(parts)
                }
                _ => Kind::Or(vec![*left, *right]),
            },
            "&&" => match left.kind {
                Kind::And(mut parts) => {
                    parts.push(*right);
                    Kind::And(parts)
                }
                _ => Kind::And(vec![*left, *right]),
            },
            "+" | "-" | "*" | "/" | "%" => {
                if matches!(left.kind, Kind::Dropped) {
                    return self.node(start, Kind::Dropped);
                }
                let what = format!(
                    "`{sign}` calculates, which conditions do not; compare with the result"
                );
                return self.drop_from(start, at, &what);
            }
            _ if matches!(left.kind, Kind::Compare(..) | Kind::In(..)) => {
                let what = "compares what was compared already; join two comparisons with `&&`";
                return self.drop_from(start, at, what);
            }
            "==" => compare(left, Comparison::Equal, right),
            "!=" => compare(left, Comparison::NotEqual, right),
            "<" => compare(left, Comparison::Less, right),
            "<=" => compare(left, Comparison::LessOrEqual, right),
            ">" => compare(left, Comparison::Greater, right),
            ">=" => compare(left, Comparison::GreaterOrEqual, right),
            _ => Kind::In(left, right),
        };
        self.node(start, kind)
    }

    /// `Unary = Member | "!" {"!"} Member | "-" {"-"} Member`
    fn unary(&mut self) -> Option<Tree> {
        let start = self.next_start();
        let (mut negations, mut minus) = (0_usize, 0_usize);
        while self.take("!").is_some() {
            negations += 1;
        }
        while negations == 0 && self.take("-").is_some() {
            minus += 1;
        }
        let inner = self.member()?;
        Some(match (negations % 2, minus) {
            // A truth value that is negated twice is itself; what else it is, the check says.
            (0, 0) => inner,
            (1, 0) => self.node(start, Kind::Not(inner)),
            _ => self.negative(start, minus, &inner),
        })
    }

    #[inline(never)]
    fn negative(&mut self, start: usize, minus: usize, inner: &Node) -> Tree {
        match inner.kind {
            Kind::Literal(Value::Int(number)) if minus == 1 => {
                self.node(start, Kind::Literal(Value::Int(-number)))
            }
            _ => {
                let what = "`-` calculates, which conditions do not; it may stand before a number";
                self.drop_from(start, start, what)
            }
        }
    }

    /// `Member = Primary { "." IDENT ["(" [ExprList] ")"] | "[" Expr "]" }`
    fn member(&mut self) -> Option<Tree> {
        let mut node = self.primary()?;
        loop {
            if self.take(".").is_some() {
                node = self.part(node)?;
            } else if let Some(at) = self.take("[") {
                let what = "`[…]` picks from a list, which conditions do not; ask with `in`";
                let start = node.start;
                self.drop_from(start, at, what);
                self.expression()?;
                self.expect("]")?;
                node = self.node(start, Kind::Dropped);
            } else {
                return Some(node);
            }
        }
    }

    /// What a point follows: a field, or a method.
    #[inline(never)]
    fn part(&mut self, node: Tree) -> Option<Tree> {
        let at = self.next_start();
        let Some(Token::Name(name)) = self.tokens.get(self.at).map(|spanned| &spanned.token) else {
            return self.wrong(at, Reason::Syntax, "the name of a field is missing here");
        };
        let name = name.clone();
        self.at += 1;
        let start = node.start;
        if self.take("(").is_some() {
            return self.call(start, name, Some(node));
        }
        let kind = match node.kind {
            Kind::Path(path) => Kind::Path(format!("{path}.{name}")),
            Kind::Dropped => Kind::Dropped,
            _ => {
                let what = format!("`.{name}` asks for a part of what is no field; take it out");
                let _: Option<()> = self.wrong(at, Reason::WrongType, what);
                Kind::Dropped
            }
        };
        Some(self.node(start, kind))
    }

    /// The arguments of a function, or of a method with what it is called on before them.
    fn call(&mut self, start: usize, name: String, on: Option<Tree>) -> Option<Tree> {
        let method = on.is_some();
        let mut arguments: Vec<Node> = on.into_iter().map(|node| *node).collect();
        self.list(")", &mut arguments)?;
        let kind = Kind::Call {
            name,
            method,
            arguments,
        };
        Some(self.node(start, kind))
    }

    fn primary(&mut self) -> Option<Tree> {
        let start = self.next_start();
        match self.sign() {
            Some("(") => {
                self.at += 1;
                let mut inner = self.expression()?;
                self.expect(")")?;
                // What may be compared keeps its parentheses; what is true or false needs none.
                let truth = matches!(
                    inner.kind,
                    Kind::Or(_) | Kind::And(_) | Kind::Not(_) | Kind::Compare(..) | Kind::In(..)
                );
                if !truth {
                    (inner.start, inner.end) = (start, self.last_end());
                }
                Some(inner)
            }
            Some("[") => {
                self.at += 1;
                let mut items = Vec::new();
                self.list("]", &mut items)?;
                Some(self.node(start, Kind::List(items)))
            }
            _ => self.simple(start),
        }
    }

    /// What has no parts: a literal, a name, or what should not be here.
    #[inline(never)]
    fn simple(&mut self, start: usize) -> Option<Tree> {
        let Some(spanned) = self.tokens.get(self.at) else {
            let what = "the condition breaks off here; a field or a value is missing";
            return self.wrong(start, Reason::Syntax, what);
        };
        self.at += 1;
        let kind = match &spanned.token {
            Token::Int(number) => Kind::Literal(Value::Int(*number)),
            Token::Text(text) => Kind::Literal(Value::Text(text.clone())),
            Token::Dropped => Kind::Dropped,
            Token::Name(name) => return self.named(name.clone(), start),
            Token::Sign("{") => {
                let what = "maps are not allowed; compare with a field, a value or a list";
                return self.wrong(start, Reason::NotAllowed, what);
            }
            Token::Sign(sign) => {
                let what = format!("a field or a value is missing before `{sign}`");
                return self.wrong(start, Reason::Syntax, what);
            }
        };
        Some(self.node(start, kind))
    }

    fn named(&mut self, name: String, start: usize) -> Option<Tree> {
        let kind = match name.as_str() {
            "true" => Kind::Literal(Value::Bool(true)),
            "false" => Kind::Literal(Value::Bool(false)),
            reserved if RESERVED.contains(&reserved) => {
                let what = format!("`{reserved}` is a word that CEL keeps for itself");
                return self.wrong(start, Reason::Syntax, what);
            }
            _ if self.take("(").is_some() => return self.call(start, name, None),
            _ => Kind::Path(name),
        };
        Some(self.node(start, kind))
    }

    /// What stands between commas, up to a closing sign. A comma may close a list too.
    fn list(&mut self, close: &str, items: &mut Vec<Node>) -> Option<()> {
        while self.take(close).is_none() {
            items.push(*self.expression()?);
            let may_end = close == "]";
            if self.take(",").is_none() || (!may_end && self.sign() == Some(close)) {
                return self.expect(close);
            }
        }
        Some(())
    }
}
