//! What of a contract has changed since it was released, and which of it breaks a rule. The
//! rules are those of `wit/world.wit`; what keeps to them, an older connector does not notice.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;

use super::package::{Interface, Item, Package};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    OnePackage,
    NothingGoes,
    ClosedTypes,
    FixedFunctions,
    ClosedExports,
    ClosedWorlds,
    NewVersion,
    Since,
}

impl Rule {
    fn sentence(self) -> &'static str {
        match self {
            Self::OnePackage => {
                "Another package, and a version other than a later 0.1, stands beside this one and \
                 not in its place"
            }
            Self::NothingGoes => "What was released stays, under its name",
            Self::ClosedTypes => {
                "Types are closed: they gain, lose and change no field, case or flag"
            }
            Self::FixedFunctions => {
                "A function stays what it is, with its parameters, their names and its result; add \
                 another one"
            }
            Self::ClosedExports => {
                "An interface that connectors export gains nothing, since a host that expects it \
                 would not load an older connector; make a further interface, in a further world"
            }
            Self::ClosedWorlds => {
                "A world gains and loses nothing; make a further one that includes it"
            }
            Self::NewVersion => {
                "What was added makes a new version: raise the package's version in every file, \
                 within 0.1"
            }
            Self::Since => "What was added says with @since(version = …) in which version it came",
        }
    }
}

/// One breach of a rule.
#[derive(Debug)]
pub(crate) struct Breach {
    /// `http.request`, `world connector`
    pub(crate) item: String,
    pub(crate) what: String,
    pub(crate) rule: Rule,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}.", self.item, self.what, self.rule.sentence())
    }
}

/// What differs from a release.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    /// What was added, in the names of [`Breach::item`].
    pub(crate) added: Vec<String>,
    pub(crate) breaches: Vec<Breach>,
}

/// Compares the contract with an earlier release of it.
pub(crate) fn since_release(released: &Package, present: &Package) -> Growth {
    let mut growth = Growth::default();
    let minor = |version: &Version| (version.major, version.minor);
    let (before, now) = (&released.version, &present.version);
    if released.name != present.name || minor(before) != minor(now) || now < before {
        let what = format!(
            "{}@{before} was released, and this is {}@{now}",
            released.name, present.name
        );
        growth.breach("package".to_owned(), what, Rule::OnePackage);
        return growth;
    }
    let compare = Comparison {
        released: before,
        growth: &mut growth,
    };
    compare.packages(released, present);
    if !growth.added.is_empty() && now == before {
        let what = format!("{before} was released without {}", growth.added.join(", "));
        growth.breach("package".to_owned(), what, Rule::NewVersion);
    }
    growth
}

impl Growth {
    fn breach(&mut self, item: String, what: String, rule: Rule) {
        self.breaches.push(Breach { item, what, rule });
    }
}

struct Comparison<'a> {
    released: &'a Version,
    growth: &'a mut Growth,
}

impl Comparison<'_> {
    fn packages(mut self, released: &Package, present: &Package) {
        self.names(
            "",
            &released.interfaces,
            &present.interfaces,
            None,
            since_of_interface,
        );
        for (name, before) in &released.interfaces {
            if let Some(now) = present.interfaces.get(name) {
                self.interfaces(name, before, now);
            }
        }
        self.names(
            "world ",
            &released.worlds,
            &present.worlds,
            None,
            since_of_item,
        );
        self.items(
            "world ",
            &released.worlds,
            &present.worlds,
            Rule::ClosedWorlds,
        );
    }

    fn interfaces(&mut self, name: &str, before: &Interface, now: &Interface) {
        let prefix = format!("{name}.");
        // What a connector exported by the released worlds, it exports.
        let closed = before.exported.then_some(Rule::ClosedExports);
        for (before, now, changed) in [
            (&before.types, &now.types, Rule::ClosedTypes),
            (&before.functions, &now.functions, Rule::FixedFunctions),
        ] {
            self.names(&prefix, before, now, closed, since_of_item);
            self.items(&prefix, before, now, changed);
        }
    }

    /// What came and what went. Whatever comes breaks the rule `closed`, if there is one.
    fn names<T>(
        &mut self,
        prefix: &str,
        before: &BTreeMap<String, T>,
        now: &BTreeMap<String, T>,
        closed: Option<Rule>,
        since: fn(&T) -> Option<&Version>,
    ) {
        for name in before.keys().filter(|name| !now.contains_key(*name)) {
            let item = format!("{prefix}{}", shown(name));
            self.growth
                .breach(item, "it is gone".to_owned(), Rule::NothingGoes);
        }
        for (name, added) in now.iter().filter(|(name, _)| !before.contains_key(*name)) {
            let item = format!("{prefix}{}", shown(name));
            if let Some(rule) = closed {
                self.growth.breach(item, "it was added".to_owned(), rule);
                continue;
            }
            let what = match since(added) {
                Some(version) if version > self.released => None,
                Some(version) => Some(format!("it was not there in {version}, as it says")),
                None => Some("it does not say since when it is there".to_owned()),
            };
            if let Some(what) = what {
                self.growth.breach(item.clone(), what, Rule::Since);
            }
            self.growth.added.push(item);
        }
    }

    /// What is there in both and differs.
    fn items(
        &mut self,
        prefix: &str,
        before: &BTreeMap<String, Item>,
        now: &BTreeMap<String, Item>,
        rule: Rule,
    ) {
        for (name, before) in before {
            let Some(now) = now.get(name) else { continue };
            if let Some(what) = difference(before, now) {
                let item = format!("{prefix}{}", shown(name));
                self.growth.breach(item, what, rule);
            }
        }
    }
}

fn since_of_interface(interface: &Interface) -> Option<&Version> {
    interface.since.as_ref()
}

fn since_of_item(item: &Item) -> Option<&Version> {
    item.since.as_ref()
}

/// `[method]connection.check` as people call it.
fn shown(name: &str) -> &str {
    name.split_once(']').map_or(name, |(_, name)| name)
}

fn difference(before: &Item, now: &Item) -> Option<String> {
    if before.kind != now.kind {
        return Some(format!("it was {} and is {}", before.kind, now.kind));
    }
    let find = |members: &[(String, String)], name: &str| {
        members
            .iter()
            .find(|member| member.0 == name)
            .map(|member| member.1.clone())
    };
    for (name, was) in &before.members {
        match find(&now.members, name) {
            None => return Some(format!("its {name} is gone")),
            Some(is) if is != *was => {
                return Some(format!("its {name} was `{was}` and is `{is}`"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in &now.members {
        if find(&before.members, name).is_none() {
            return Some(format!("its {name} is new"));
        }
    }
    // The order counts: it is how values are laid out.
    (before.members != now.members).then(|| "its parts stand in another order".to_owned())
}
