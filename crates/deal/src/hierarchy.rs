//! Resources that lie within one another, each naming the one around it: accounts and territories.
//!
//! They form trees. Whoever walks up from any of them must arrive, so a link that would close a
//! circle is refused, and the refusal shows the circle.

use std::collections::HashMap;
use std::hash::Hash;

/// The circle that would close if `child` got the first of `chain` as its parent, from `child` back
/// to itself. `chain` is that parent, its parent, and so on up to the top.
pub fn circle<I: PartialEq + Clone>(child: &I, chain: &[I]) -> Option<Vec<I>> {
    let end = chain.iter().position(|ancestor| ancestor == child)?;
    let way = chain.iter().take(end + 1).cloned();
    Some(std::iter::once(child.clone()).chain(way).collect())
}

/// An order in which to take the rows of an import so that a parent comes before its children,
/// wherever both are among the rows. Each row is its own key and its parent's.
///
/// Rows that nothing binds stay as they were, and so does one key's first row before its second.
/// Rows that form a circle are taken from somewhere within it: the row that would close it is the
/// one to refuse.
pub fn parents_first<K: Hash + Eq>(rows: &[(K, Option<K>)]) -> Vec<usize> {
    let mut at: HashMap<&K, usize> = HashMap::with_capacity(rows.len());
    for (index, (key, _)) in rows.iter().enumerate() {
        at.entry(key).or_insert(index);
    }
    let mut met = vec![false; rows.len()];
    let mut order = Vec::with_capacity(rows.len());
    for start in 0..rows.len() {
        let mut way = Vec::new();
        let mut next = Some(start);
        while let Some(index) = next {
            match met.get_mut(index) {
                Some(met) if !*met => *met = true,
                _ => break,
            }
            way.push(index);
            let parent = rows.get(index).and_then(|(_, parent)| parent.as_ref());
            next = parent.and_then(|parent| at.get(parent).copied());
        }
        order.extend(way.into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_to_oneself_is_the_shortest_circle() {
        assert_eq!(circle(&"a", &["a", "top"]), Some(vec!["a", "a"]));
    }

    #[test]
    fn a_circle_is_shown_from_the_child_back_to_it() {
        assert_eq!(
            circle(&"a", &["d", "c", "a", "top"]),
            Some(vec!["a", "d", "c", "a"])
        );
    }

    #[test]
    fn a_chain_that_ends_elsewhere_closes_no_circle() {
        assert_eq!(circle(&"a", &["d", "c", "top"]), None);
        assert_eq!(circle(&"a", &[]), None);
    }

    #[test]
    fn parents_come_before_their_children() {
        let rows = [
            ("leaf", Some("branch")),
            ("loose", None),
            ("branch", Some("root")),
            ("stray", Some("elsewhere")),
            ("root", None),
        ];
        assert_eq!(parents_first(&rows), [4, 2, 0, 1, 3]);
    }

    #[test]
    fn rows_that_nothing_binds_stay_as_they_were() {
        let rows = [("c", None), ("a", None), ("b", Some("x")), ("a", None)];
        assert_eq!(parents_first(&rows), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn every_row_is_taken_once_and_after_its_parent_unless_they_form_a_circle(
            rows in prop::collection::vec((0..20_u8, prop::option::of(0..20_u8)), 0..30),
        ) {
            let order = parents_first(&rows);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..rows.len()).collect::<Vec<_>>());

            let first = |key: u8| rows.iter().position(|(own, _)| *own == key);
            let place = |index: usize| order.iter().position(|at| *at == index);
            for (index, (_, parent)) in rows.iter().enumerate() {
                let Some(parent) = parent.and_then(first) else { continue };
                let mut up = Some(parent);
                let mut steps = 0;
                let mut circular = false;
                while let Some(at) = up {
                    circular |= at == index;
                    steps += 1;
                    if steps > rows.len() {
                        break;
                    }
                    up = rows[at].1.and_then(first);
                }
                if !circular {
                    prop_assert!(place(parent) < place(index));
                }
            }
        }

        #[test]
        fn links_that_pass_the_check_never_form_a_circle(
            links in prop::collection::vec((0..12_usize, 0..12_usize), 0..60),
        ) {
            let mut parents: [Option<usize>; 12] = [None; 12];
            for (child, parent) in links {
                let chain: Vec<usize> =
                    std::iter::successors(Some(parent), |at| parents[*at]).collect();
                if circle(&child, &chain).is_none() {
                    parents[child] = Some(parent);
                }
                for start in 0..12 {
                    let steps = std::iter::successors(Some(start), |at| parents[*at]).take(13);
                    prop_assert!(steps.count() <= 12);
                }
            }
        }
    }
}
