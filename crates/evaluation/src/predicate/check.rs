//! From a tree to a condition: every field is known, every value is one that its field may have,
//! every comparison compares like with like.

use super::syntax::{Kind, Node};
use super::{
    Atom, Comparison, Condition, MOST_ATOMS, Operand, Question, Reason, Schema, TextTest, Type,
    Value, Violation, schema,
};

/// The condition of a tree, and how many questions it asks. What is wrong is added to `violations`;
/// the condition is of use only when there is nothing.
pub(super) fn check(
    source: &str,
    tree: &Node,
    schema: &Schema,
    violations: &mut Vec<Violation>,
) -> (Condition, usize) {
    let mut checker = Checker {
        source,
        schema,
        violations,
        atoms: 0,
    };
    let condition = checker.condition(tree);
    let atoms = checker.atoms;
    if atoms > MOST_ATOMS {
        let message = format!(
            "asks {atoms} questions, and may ask {MOST_ATOMS}; use `in` with a list instead of \
             many comparisons, or make two plans of it"
        );
        checker.wrong(0, Reason::TooManyAtoms, message);
    }
    (condition, atoms)
}

struct Checker<'a> {
    source: &'a str,
    schema: &'a Schema,
    violations: &'a mut Vec<Violation>,
    atoms: usize,
}

/// An operand with its type; none where something about it was reported.
type Typed = Option<(Operand, Type)>;

impl Checker<'_> {
    fn wrong(&mut self, at: usize, reason: Reason, message: impl Into<String>) {
        self.violations
            .push(Violation::at(self.source, at, reason, message));
    }

    fn condition(&mut self, node: &Node) -> Condition {
        match &node.kind {
            Kind::Or(parts) => {
                Condition::Any(parts.iter().map(|part| self.condition(part)).collect())
            }
            Kind::And(parts) => {
                Condition::All(parts.iter().map(|part| self.condition(part)).collect())
            }
            Kind::Not(inner) => Condition::Not(Box::new(self.condition(inner))),
            _ => {
                self.atoms += 1;
                let nothing = Question::Is(Operand::Literal(Value::Bool(true)));
                Condition::Atom(Atom {
                    start: node.start,
                    end: node.end,
                    question: self.question(node).unwrap_or(nothing),
                })
            }
        }
    }

    fn question(&mut self, node: &Node) -> Option<Question> {
        match &node.kind {
            Kind::Compare(left, comparison, right) => self.compare(node, left, *comparison, right),
            Kind::In(item, list) => self.within(node, item, list),
            Kind::Call {
                name,
                method,
                arguments,
            } if name != "size" => self.call(node, name, *method, arguments),
            Kind::Dropped => None,
            _ => {
                let (operand, holds) = self.operand(node)?;
                if holds == Type::Bool {
                    return Some(Question::Is(operand));
                }
                let message = format!(
                    "`{}` is {}, and by itself neither true nor false; compare it with something",
                    self.text(node),
                    holds.name()
                );
                self.wrong(node.start, Reason::WrongType, message);
                None
            }
        }
    }

    fn text(&self, node: &Node) -> &str {
        self.source.get(node.start..node.end).unwrap_or_default()
    }

    fn operand(&mut self, node: &Node) -> Typed {
        match &node.kind {
            Kind::Literal(value) => {
                let holds = match value {
                    Value::Bool(_) => Type::Bool,
                    Value::Int(_) => Type::Int,
                    Value::Text(_) | Value::List(_) => Type::Text,
                };
                Some((Operand::Literal(value.clone()), holds))
            }
            Kind::Path(path) => self.field(node, path),
            Kind::Call {
                name,
                arguments,
                method,
            } if name == "size" => self.size(node, *method, arguments),
            Kind::List(items) => self.list(node, items),
            Kind::Dropped => None,
            Kind::Call { name, .. } => {
                let message = format!("`{name}(…)` is true or false already; join it with `&&`");
                self.wrong(node.start, Reason::NotAllowed, message);
                None
            }
            Kind::Or(_) | Kind::And(_) | Kind::Not(_) | Kind::Compare(..) | Kind::In(..) => {
                let message = "conditions cannot be compared; join them with `&&` and `||`";
                self.wrong(node.start, Reason::NotAllowed, message);
                None
            }
        }
    }

    fn field(&mut self, node: &Node, path: &str) -> Typed {
        if let Some(field) = self.schema.get(path) {
            return Some((Operand::Field(path.to_owned()), field.holds.clone()));
        }
        let prefix = format!("{path}.");
        let below: Vec<&str> = self
            .schema
            .iter()
            .map(|(known, _)| known)
            .filter(|known| known.starts_with(&prefix))
            .take(5)
            .collect();
        let advice = match self.schema.nearest(path) {
            _ if !below.is_empty() => format!("name one of its fields: {}", below.join(", ")),
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "see which fields there are".to_owned(),
        };
        let message = format!("there is no field `{path}`; {advice}");
        self.wrong(node.start, Reason::UnknownField, message);
        None
    }

    fn size(&mut self, node: &Node, method: bool, arguments: &[Node]) -> Typed {
        let [argument] = arguments else {
            let what = if method {
                "`.size()` takes nothing between its parentheses"
            } else {
                "`size(…)` takes one list or text"
            };
            self.wrong(node.start, Reason::WrongType, what);
            return None;
        };
        let (operand, holds) = self.operand(argument)?;
        if holds.is_list() || holds == Type::Text {
            return Some((Operand::Size(Box::new(operand)), Type::Int));
        }
        let message = format!(
            "`{}` is {}, which has no size; ask for the size of a list or a text",
            self.text(argument),
            holds.name()
        );
        self.wrong(argument.start, Reason::WrongType, message);
        None
    }

    /// A list of literals that are all alike.
    fn list(&mut self, node: &Node, items: &[Node]) -> Typed {
        let (mut values, mut kinds) = (Vec::new(), Vec::new());
        for item in items {
            match &item.kind {
                Kind::Literal(value @ (Value::Text(_) | Value::Int(_))) => {
                    kinds.push(matches!(value, Value::Int(_)));
                    values.push(value.clone());
                }
                Kind::Dropped => return None,
                _ => {
                    let what = "a list holds texts or whole numbers; compare fields one by one";
                    self.wrong(item.start, Reason::NotAllowed, what);
                    return None;
                }
            }
        }
        kinds.dedup();
        if kinds.len() > 1 {
            let what = "a list holds either texts or whole numbers; make two of it";
            self.wrong(node.start, Reason::WrongType, what);
            return None;
        }
        Some((Operand::Literal(Value::List(values)), Type::Texts))
    }

    fn compare(
        &mut self,
        node: &Node,
        left: &Node,
        comparison: Comparison,
        right: &Node,
    ) -> Option<Question> {
        let (one, other) = (self.operand(left), self.operand(right));
        let ((one, one_holds), (other, other_holds)) = (one?, other?);
        let both_text = one_holds.is_text() && other_holds.is_text();
        let same = both_text || one_holds == other_holds;
        if !same || one_holds.is_list() {
            let message = if one_holds.is_list() || other_holds.is_list() {
                "a list is not compared; ask with `in` whether something is in it".to_owned()
            } else {
                format!(
                    "`{}` is {}, `{}` is {}; compare like with like",
                    self.text(left),
                    one_holds.name(),
                    self.text(right),
                    other_holds.name()
                )
            };
            self.wrong(node.start, Reason::WrongType, message);
            return None;
        }
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let no_order = |holds: &Type| matches!(holds, Type::Enumeration(_) | Type::Bool);
        if ordered && (no_order(&one_holds) || no_order(&other_holds)) {
            let message = format!(
                "`{}` has no order; compare with `==`, `!=` or `in`",
                self.text(if no_order(&one_holds) { left } else { right })
            );
            self.wrong(node.start, Reason::WrongType, message);
            return None;
        }
        let fine = self.may_be(right, &other, &one_holds) & self.may_be(left, &one, &other_holds);
        fine.then_some(Question::Compare(one, comparison, other))
    }

    /// Whether a literal is a value that what it is compared with may have.
    fn may_be(&mut self, node: &Node, operand: &Operand, holds: &Type) -> bool {
        let Operand::Literal(value) = operand else {
            return true;
        };
        let values = match value {
            Value::List(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        let mut fine = true;
        for value in values {
            let Value::Text(text) = value else { continue };
            if let Some(known) = holds.values() {
                if !known.contains(text) {
                    let near = schema::nearest(text, known.iter().map(String::as_str));
                    let advice = near.map_or_else(
                        || format!("it may be {}", known.join(", ")),
                        |near| format!("did you mean {near:?}?"),
                    );
                    let message = format!("there is no value {text:?} of that field; {advice}");
                    self.wrong(node.start, Reason::UnknownValue, message);
                    fine = false;
                }
            } else if *holds == Type::Date && text.parse::<trellis_core::Date>().is_err() {
                let message = format!("{text:?} is no day; write one such as \"2026-07-31\"");
                self.wrong(node.start, Reason::UnknownValue, message);
                fine = false;
            }
        }
        fine
    }

    fn within(&mut self, node: &Node, item: &Node, list: &Node) -> Option<Question> {
        let (one, other) = (self.operand(item), self.operand(list));
        let ((one, one_holds), (other, other_holds)) = (one?, other?);
        if !other_holds.is_list() {
            let message = format!(
                "`{}` is {}, and no list; write a list such as [\"a\", \"b\"]",
                self.text(list),
                other_holds.name()
            );
            self.wrong(list.start, Reason::WrongType, message);
            return None;
        }
        let numbers = match &other {
            Operand::Literal(Value::List(values)) => {
                values.first().map(|value| matches!(value, Value::Int(_)))
            }
            _ => Some(false),
        };
        let fits = match numbers {
            Some(true) => one_holds == Type::Int,
            Some(false) => one_holds.is_text(),
            None => !one_holds.is_list(),
        };
        if !fits {
            let message = format!(
                "`{}` is {}, and the list holds {}; ask for something that may be in it",
                self.text(item),
                one_holds.name(),
                if numbers == Some(true) {
                    "whole numbers"
                } else {
                    "texts"
                }
            );
            self.wrong(node.start, Reason::WrongType, message);
            return None;
        }
        let fine = self.may_be(list, &other, &one_holds) & self.may_be(item, &one, &other_holds);
        fine.then_some(Question::In(one, other))
    }

    fn call(
        &mut self,
        node: &Node,
        name: &str,
        method: bool,
        arguments: &[Node],
    ) -> Option<Question> {
        const KNOWN: [&str; 5] = ["startsWith", "endsWith", "contains", "has", "size"];
        let test = match name {
            "startsWith" => TextTest::StartsWith,
            "endsWith" => TextTest::EndsWith,
            "contains" => TextTest::Contains,
            "has" if !method => return self.has(node, arguments),
            _ => {
                let (reason, advice) = match name {
                    "all" | "exists" | "exists_one" | "map" | "filter" => (
                        Reason::NotAllowed,
                        "ask with `in` whether something is in a list".into(),
                    ),
                    "matches" => (
                        Reason::NotAllowed,
                        "use `startsWith`, `endsWith` or `contains`".into(),
                    ),
                    "timestamp" | "duration" => (
                        Reason::NotAllowed,
                        "compare a day with a text such as \"2026-07-31\"".into(),
                    ),
                    "has" => (Reason::NotAllowed, "write `has(field)`".into()),
                    _ => (
                        Reason::UnknownFunction,
                        match schema::nearest(name, KNOWN.into_iter()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("there are {}", KNOWN.join(", ")),
                        },
                    ),
                };
                let message = format!("`{name}(…)` is not allowed; {advice}");
                self.wrong(node.start, reason, message);
                return None;
            }
        };
        let ([text, part], true) = (arguments, method) else {
            let message = format!("write `field.{name}(\"…\")`");
            self.wrong(node.start, Reason::WrongType, message);
            return None;
        };
        let (one, other) = (self.operand(text), self.operand(part));
        let ((one, one_holds), (other, other_holds)) = (one?, other?);
        for (node, holds) in [(text, &one_holds), (part, &other_holds)] {
            if *holds != Type::Text && *holds != Type::Date {
                let message = format!(
                    "`{}` is {}; `{name}` looks into a text",
                    self.text(node),
                    holds.name()
                );
                self.wrong(node.start, Reason::WrongType, message);
                return None;
            }
        }
        Some(Question::Text(test, one, other))
    }

    fn has(&mut self, node: &Node, arguments: &[Node]) -> Option<Question> {
        if let [argument] = arguments
            && let Kind::Path(path) = &argument.kind
            && path.contains('.')
        {
            return match self.field(argument, path)? {
                (Operand::Field(path), _) => Some(Question::Has(path)),
                _ => None,
            };
        }
        self.wrong(
            node.start,
            Reason::WrongType,
            "write `has(field)`, such as `has(partner.tier)`",
        );
        None
    }
}
