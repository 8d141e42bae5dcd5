//! Compiled by `.ci/build-costs`, to see how fast a machine compiles; never run, and never changed,
//! since the budgets of the builds are in its time.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

pub fn grouped<K: Ord + Clone + Debug, V: Clone + Debug>(pairs: &[(K, V)]) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in pairs {
        groups.entry(key.clone()).or_default().push(value.clone());
    }
    groups
}

pub fn counted<K: std::hash::Hash + Eq + Clone + Ord>(keys: &[K]) -> Vec<(K, usize)> {
    let mut counts: HashMap<K, usize> = HashMap::new();
    for key in keys {
        *counts.entry(key.clone()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    counts
}

macro_rules! modules {
    ($($name:ident)*) => {$(
        pub mod $name {
            #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub struct Key {
                pub name: String,
                pub parts: Vec<u32>,
            }

            pub fn report(lines: &[&str]) -> String {
                let pairs: Vec<(Key, String)> = lines
                    .iter()
                    .filter_map(|line| line.split_once('='))
                    .map(|(name, value)| {
                        let parts = value.split(',').filter_map(|part| part.trim().parse().ok());
                        let key = Key { name: name.to_lowercase(), parts: parts.collect() };
                        (key, value.to_owned())
                    })
                    .collect();
                let keys: Vec<Key> = pairs.iter().map(|(key, _)| key.clone()).collect();
                let groups = super::grouped(&pairs);
                let counts = super::counted(&keys);
                format!("{groups:?} {counts:#?}")
            }
        }
    )*};
}

modules! {
    m00 m01 m02 m03 m04 m05 m06 m07 m08 m09 m10 m11 m12 m13 m14 m15
}
