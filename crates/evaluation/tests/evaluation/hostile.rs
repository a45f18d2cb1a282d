//! What strangers write as conditions never ends the process: 100,000 random texts of up to 4 KiB are
//! read, and evaluated where they are conditions, on a stack of 256 KiB.

use std::process::Command;

use crate::support;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use trellis_evaluation::predicate::{LONGEST, Predicate, Reason, Record};

const STACK: usize = 256 << 10;

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread.spawn(run).unwrap().join().unwrap();
}

const WORDS: [&str; 40] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "!",
    "-",
    "&&",
    "||",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    " in ",
    ".",
    ",",
    "?",
    ":",
    "+",
    "*",
    "'",
    "\"",
    "\\",
    "//",
    "\n",
    "partner",
    "partner.tier",
    "'gold'",
    "1",
    "9223372036854775807",
    "1.5",
    "true",
    "has(",
    "size(",
    ".startsWith(",
    "\u{e9}",
    "r'",
];

/// One random text: bytes, a soup of tokens, deep nests, or a condition with some letters changed.
fn text(rng: &mut StdRng) -> String {
    let most = if rng.random_ratio(1, 8) { LONGEST } else { 200 };
    let length = rng.random_range(0..=most);
    match rng.random_range(0..4) {
        0 => {
            let bytes: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            cut(&String::from_utf8_lossy(&bytes), LONGEST)
        }
        1 => {
            let mut soup = String::new();
            while soup.len() < length {
                soup.push_str(support::any_of(rng, &WORDS));
            }
            cut(&soup, LONGEST)
        }
        2 => {
            let nest = support::any_of(
                rng,
                &["(", "[", "!(", "!!(", "a.b(", "has(", "-(", "a[", "a?"],
            );
            let mut deep = nest.repeat(length / nest.len() + 1);
            deep.push_str("true");
            if rng.random() {
                deep.push_str(&")".repeat(length));
            }
            cut(&deep, LONGEST)
        }
        _ => {
            let mut letters: Vec<char> = support::condition(rng, 3).chars().collect();
            for _ in 0..rng.random_range(0..3) {
                let at = rng.random_range(0..letters.len());
                match rng.random_range(0..3) {
                    0 => drop(letters.remove(at)),
                    1 => letters.insert(at, rng.random_range(' '..='~')),
                    _ => letters[at] = rng.random_range(' '..='~'),
                }
                if letters.is_empty() {
                    letters.push('x');
                }
            }
            cut(&letters.into_iter().collect::<String>(), LONGEST)
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}

#[test]
fn a_hundred_thousand_random_texts_end_no_process() {
    on_a_small_stack(|| {
        let mut rng = StdRng::seed_from_u64(7);
        let schema = support::schema();
        let (mut read, mut too_deep) = (0, 0);
        for _ in 0..100_000 {
            let source = text(&mut rng);
            match Predicate::parse(&source, &schema) {
                Ok(predicate) => {
                    read += 1;
                    let _ = predicate.evaluate(&support::record(&mut rng));
                    let _ = predicate.evaluate(&Record::new());
                    let _ = (predicate.in_words(&schema), predicate.satisfiable(&schema));
                }
                Err(violations) => {
                    too_deep += u32::from(
                        violations
                            .iter()
                            .any(|wrong| wrong.reason == Reason::TooDeep),
                    );
                    for wrong in violations {
                        assert!(
                            source.is_char_boundary(wrong.offset),
                            "{source:?}: {wrong:?}"
                        );
                        assert!(wrong.line >= 1 && wrong.column >= 1);
                    }
                }
            }
        }
        println!("read {read}, too deep {too_deep}");
        assert!(read > 5_000, "{read} were conditions");
        assert!(too_deep > 10_000, "{too_deep} nested too deep");
    });
}

/// Reads parentheses as a parser without a limit does.
fn unlimited(text: &[u8]) -> usize {
    // What a parser keeps of each level: a few nodes and positions.
    let kept = std::hint::black_box([0_u8; 128]);
    match text.split_first() {
        Some((b'(', rest)) => 1 + usize::from(kept[0]) + unlimited(rest),
        _ => 0,
    }
}

/// The control: the stack is as small as it says, and what nests so deep needs more of it.
#[test]
fn without_the_limit_the_same_texts_end_the_process() {
    const CHILD: &str = "TRELLIS_TEST_UNLIMITED";
    if std::env::args().any(|argument| argument == "--nocapture")
        && std::env::vars().any(|(name, _)| name == CHILD)
    {
        on_a_small_stack(|| {
            let text = [b'('; LONGEST];
            assert!(unlimited(&text) > 0);
        });
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "hostile::without_the_limit_the_same_texts_end_the_process",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&status.stderr);
    assert!(
        !status.status.success() && told.contains("overflowed its stack"),
        "{told}"
    );
}
