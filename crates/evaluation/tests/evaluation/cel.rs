//! Conditions mean what they mean in CEL: random ones are true for random records exactly when another
//! implementation of CEL says so.

use std::collections::HashMap;

use crate::support;
use ::cel::{Context, Program};
use rand::SeedableRng;
use rand::rngs::StdRng;
use trellis_evaluation::predicate::{Predicate, Record, Value};

fn their_value(value: &Value) -> ::cel::Value {
    match value {
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(values) => values.iter().map(their_value).collect::<Vec<_>>().into(),
    }
}

fn theirs(source: &str, record: &Record) -> bool {
    let mut roots: HashMap<String, HashMap<String, ::cel::Value>> = HashMap::new();
    for (path, value) in record.iter() {
        let (root, field) = path.split_once('.').unwrap();
        let root = roots.entry(root.to_owned()).or_default();
        root.insert(field.to_owned(), their_value(value));
    }
    let mut context = Context::default();
    for (root, fields) in roots {
        context.add_variable_from_value(root, fields);
    }
    let program = Program::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    match program.execute(&context) {
        Ok(::cel::Value::Bool(truth)) => truth,
        other => panic!("{source} for {record:?}: {other:?}"),
    }
}

#[test]
fn random_conditions_are_true_when_cel_says_so() {
    // Theirs needs more stack than a thread of a test has.
    let compare = || {
        let mut rng = StdRng::seed_from_u64(20_261_126);
        let schema = support::schema();
        let (mut compared, mut holding) = (0, 0);
        while compared < 4_000 {
            let source = support::condition(&mut rng, 3);
            let Ok(ours) = Predicate::parse(&source, &schema) else {
                // Only what asks too much may be refused.
                assert!(source.len() > 300, "{source}");
                continue;
            };
            for _ in 0..3 {
                let record = support::record(&mut rng);
                let truth = theirs(&source, &record);
                assert_eq!(ours.holds(&record), Some(truth), "{source} for {record:?}");
                holding += u32::from(truth);
                compared += 1;
            }
        }
        // Neither answer is so rare that the comparison says nothing.
        assert!(
            holding > compared / 5 && holding < compared * 4 / 5,
            "{holding} of {compared}"
        );
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(compare).unwrap().join().unwrap();
}
