//! Names that nobody bears, as they are in a register: a few words in most of them, most words in
//! a few, legal forms behind, and the ways in which people get them wrong.

use std::collections::HashSet;

use rand::{Rng, SeedableRng, rngs::StdRng};

const BEGINNINGS: &[&str] = &[
    "al", "an", "ar", "bel", "ber", "bra", "cal", "can", "cor", "cre", "dal", "del", "dor", "el",
    "en", "far", "fen", "fra", "gal", "gar", "gre", "hal", "har", "hel", "in", "jan", "kal", "kar",
    "kor", "lan", "lin", "lor", "mal", "mar", "mel", "mor", "nar", "nor", "ol", "or", "pal", "par",
    "per", "qua", "ral", "ren", "ros", "sal", "san", "sel", "sor", "tal", "tar", "tor", "ul",
    "val", "ver", "vol", "wal", "wes", "xan", "yor", "zan", "zel",
];

const MIDDLES: &[&str] = &[
    "a", "ab", "ad", "al", "am", "an", "ar", "at", "e", "ed", "el", "em", "en", "er", "es", "i",
    "id", "il", "im", "in", "ir", "is", "o", "ob", "od", "ol", "om", "on", "or", "u", "ul", "un",
];

const ENDS: &[&str] = &[
    "ba", "beck", "berg", "by", "co", "da", "dale", "don", "dorf", "fel", "feld", "field", "ga",
    "gard", "ham", "hoff", "ia", "ka", "kov", "la", "land", "lo", "man", "mann", "mo", "na", "ner",
    "nic", "no", "ra", "ro", "rup", "sen", "ski", "son", "stad", "ta", "tec", "ter", "tex", "ton",
    "tron", "va", "vic", "ville", "vo", "wick", "worth", "za", "zo",
];

const TRADES: &[&str] = &[
    "services",
    "solutions",
    "international",
    "consulting",
    "systems",
    "technologies",
    "group",
    "management",
    "engineering",
    "logistics",
    "trading",
    "partners",
    "capital",
    "industries",
    "energy",
    "health",
    "global",
    "digital",
    "media",
    "software",
    "security",
    "construction",
    "networks",
    "medical",
    "foods",
    "transport",
    "design",
    "marketing",
    "electronics",
    "plastics",
    "chemicals",
    "automotive",
    "properties",
    "insurance",
    "packaging",
    "steel",
    "textiles",
    "pharma",
    "dental",
    "catering",
];

const FORMS: &[&str] = &[
    "Inc.", "LLC", "Ltd", "Limited", "GmbH", "AG", "S.A.", "SARL", "B.V.", "plc", "Corp.", "Co.",
];

/// A source of names, the same for the same seed.
pub(crate) struct MadeUp {
    random: StdRng,
    /// Words that the names are made of, the frequent first.
    coined: Vec<String>,
    /// Words that most names begin with, in the harder set.
    firsts: Option<usize>,
    /// The words of each name so far: a register lets nobody take another's.
    taken: HashSet<Vec<String>>,
}

impl MadeUp {
    /// Names that begin as they like.
    pub(crate) fn new(seed: u64, names: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let coined = (0..(names / 2).max(1000))
            .map(|_| coin(&mut random))
            .collect();
        Self {
            random,
            coined,
            firsts: None,
            taken: HashSet::new(),
        }
    }

    /// Names of which thousands begin with the same word.
    pub(crate) fn sharing_first_words(seed: u64, names: usize) -> Self {
        Self {
            firsts: Some(200),
            ..Self::new(seed, names)
        }
    }

    /// A name that has not been given before, in whatever order of its words.
    pub(crate) fn name(&mut self) -> String {
        loop {
            let words = self.words();
            let mut sorted = words.clone();
            sorted.sort_unstable();
            if self.taken.insert(sorted) {
                let form = pick(&mut self.random, FORMS);
                return format!("{} {form}", capitals(&words));
            }
        }
    }

    fn words(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        match self.firsts {
            Some(count) => words.push(self.coined[self.random.random_range(0..count)].clone()),
            None => words.push(self.coin()),
        }
        if self.firsts.is_some() || self.random.random_ratio(2, 5) {
            words.push(self.coin());
        }
        for _ in 0..self.random.random_range(0..=2) {
            words.push(pick(&mut self.random, TRADES).to_owned());
        }
        words.dedup();
        words
    }

    /// A word by the law of Zipf and Mandelbrot: the first is in two names of a thousand, and far
    /// behind the first hundred, half the rank is twice as often.
    fn coin(&mut self) -> String {
        const FLAT: f64 = 50.0;
        let share: f64 = self.random.random();
        #[expect(clippy::cast_precision_loss, reason = "a rank needs no precision")]
        let whole = self.coined.len() as f64 / FLAT + 1.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and the number of words"
        )]
        let rank = (FLAT * (whole.powf(share) - 1.0)) as usize;
        self.coined[rank.min(self.coined.len() - 1)].clone()
    }

    /// The name as somebody else would have entered it.
    pub(crate) fn variant(&mut self, name: &str) -> String {
        let mut words: Vec<String> = name.split(' ').map(str::to_owned).collect();
        let form = pick(&mut self.random, FORMS).to_owned();
        if let Some(last) = words.last_mut() {
            *last = form;
        }
        match self.random.random_range(0..10) {
            0..=3 => self.slip(&mut words),
            4 => words.insert(words.len() - 1, pick(&mut self.random, TRADES).to_owned()),
            5 if words.len() > 3 => drop(words.remove(words.len() - 2)),
            6 if words.len() > 2 => words.swap(0, 1),
            7 => words = vec![words.join(" ").to_uppercase()],
            _ => {}
        }
        words.join(" ")
    }

    /// A name that is dear to ask for: of words that thousands have, up to sixteen of them.
    pub(crate) fn dear(&mut self) -> String {
        let words = self.random.random_range(1..=16);
        let words = (0..words).map(|_| pick(&mut self.random, TRADES));
        words.collect::<Vec<_>>().join(" ")
    }

    fn slip(&mut self, words: &mut [String]) {
        let names = words.len() - 1;
        let at = self.random.random_range(0..names);
        let mut letters: Vec<char> = words[at].chars().collect();
        if letters.len() < 6 {
            return;
        }
        let place = self.random.random_range(1..letters.len() - 1);
        let letter = char::from(self.random.random_range(b'a'..=b'z'));
        match self.random.random_range(0..4) {
            0 => letters[place] = letter,
            1 => letters.insert(place, letter),
            2 => drop(letters.remove(place)),
            _ => letters.swap(place, place - 1),
        }
        words[at] = letters.into_iter().collect();
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }
}

fn coin(random: &mut StdRng) -> String {
    let middles = random.random_range(0..=2);
    let mut word = pick(random, BEGINNINGS).to_owned();
    for _ in 0..middles {
        word.push_str(pick(random, MIDDLES));
    }
    word.push_str(pick(random, ENDS));
    word
}

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

fn capitals(words: &[String]) -> String {
    let words = words.iter().map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect::<Vec<_>>().join(" ")
}
