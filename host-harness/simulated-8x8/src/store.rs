//! The users of the tenant, in memory: in the order they were made, found by id, userName and
//! externalId without looking at everybody. Remembers the latest change, so that a read can be
//! answered with the state before it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::fold;
use super::matching::Key;
use super::stored::{Attributes, User};

#[derive(Debug)]
struct Change {
    place: u64,
    before: Option<Arc<User>>,
}

type Index = HashMap<String, BTreeSet<u64>>;

/// All users, with their indices.
#[derive(Debug, Default)]
pub(super) struct Store {
    by_place: BTreeMap<u64, Arc<User>>,
    by_id: HashMap<String, u64>,
    by_user_name: Index,
    by_external_id: Index,
    /// Folded userNames that other companies hold.
    elsewhere: HashSet<String>,
    last_place: u64,
    latest: Option<Change>,
}

impl Store {
    /// Adds a user under a new id.
    pub(super) fn insert(
        &mut self,
        attributes: Attributes,
        from_console: bool,
        now: Timestamp,
    ) -> Arc<User> {
        self.last_place += 1;
        let place = self.last_place;
        let user = Arc::new(User {
            id: identifier(place),
            attributes,
            created: now,
            modified: now,
            version: 1,
            from_console,
        });
        self.put(place, Some(Arc::clone(&user)));
        user
    }

    /// Gives a user other attributes. A user who has them already stays as he is, times and
    /// version included (RFC 7644 §3.5.2.1).
    pub(super) fn replace(
        &mut self,
        id: &str,
        attributes: Attributes,
        now: Timestamp,
    ) -> Option<Arc<User>> {
        let place = *self.by_id.get(id)?;
        let before = self.by_place.get(&place)?;
        if before.attributes == attributes {
            return Some(Arc::clone(before));
        }
        let user = Arc::new(User {
            id: before.id.clone(),
            attributes,
            created: before.created,
            modified: now,
            version: before.version + 1,
            from_console: before.from_console,
        });
        self.put(place, Some(Arc::clone(&user)));
        Some(user)
    }

    /// Takes a user out, which frees the userName; says whether there was one.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let Some(place) = self.by_id.get(id).copied() else {
            return false;
        };
        self.put(place, None);
        true
    }

    /// Notes a userName that another company holds.
    pub(super) fn reserve(&mut self, user_name: &str) {
        self.elsewhere.insert(fold(user_name));
    }

    /// Whether somebody but `except` holds the name, here or in another company.
    pub(super) fn name_taken(&self, user_name: &str, except: Option<&str>) -> bool {
        let name = fold(user_name);
        let except = except.and_then(|id| self.by_id.get(id));
        self.elsewhere.contains(&name)
            || self
                .by_user_name
                .get(&name)
                .is_some_and(|places| places.iter().any(|place| Some(place) != except))
    }

    /// The users as they are.
    pub(super) fn now(&self) -> View<'_> {
        View {
            store: self,
            undone: None,
        }
    }

    /// The users as they were before the latest change.
    pub(super) fn before_latest(&self) -> View<'_> {
        View {
            store: self,
            undone: self.latest.as_ref(),
        }
    }

    fn put(&mut self, place: u64, after: Option<Arc<User>>) {
        let before = match &after {
            Some(user) => self.by_place.insert(place, Arc::clone(user)),
            None => self.by_place.remove(&place),
        };
        if let Some(user) = &before {
            self.by_id.remove(&user.id);
            unindex(
                &mut self.by_user_name,
                user.text("userName").map(fold),
                place,
            );
            let external_id = user.text("externalId").map(str::to_owned);
            unindex(&mut self.by_external_id, external_id, place);
        }
        if let Some(user) = &after {
            self.by_id.insert(user.id.clone(), place);
            index(
                &mut self.by_user_name,
                user.text("userName").map(fold),
                place,
            );
            let external_id = user.text("externalId").map(str::to_owned);
            index(&mut self.by_external_id, external_id, place);
        }
        self.latest = Some(Change { place, before });
    }
}

fn index(index: &mut Index, key: Option<String>, place: u64) {
    if let Some(key) = key {
        index.entry(key).or_default().insert(place);
    }
}

fn unindex(index: &mut Index, key: Option<String>, place: u64) {
    if let Some(key) = key
        && let Some(places) = index.get_mut(&key)
    {
        places.remove(&place);
        if places.is_empty() {
            index.remove(&key);
        }
    }
}

/// The users at one moment: now, or before the latest change.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    store: &'a Store,
    undone: Option<&'a Change>,
}

impl<'a> View<'a> {
    pub(super) fn get(self, id: &str) -> Option<&'a Arc<User>> {
        if let Some(change) = self.undone {
            let before = change.before.as_ref().filter(|user| user.id == id);
            if before.is_some() || self.store.by_id.get(id) == Some(&change.place) {
                return before;
            }
        }
        let place = self.store.by_id.get(id)?;
        self.store.by_place.get(place)
    }

    /// Everybody, in the order they were made.
    pub(super) fn all(self) -> Box<dyn Iterator<Item = &'a Arc<User>> + 'a> {
        let users = &self.store.by_place;
        match self.undone {
            None => Box::new(users.values()),
            Some(change) => Box::new(
                users
                    .range(..change.place)
                    .map(|(_, user)| user)
                    .chain(&change.before)
                    .chain(users.range(change.place + 1..).map(|(_, user)| user)),
            ),
        }
    }

    /// Those who may have a key, in the order they were made: never too few of them, perhaps
    /// one too many.
    pub(super) fn having(self, key: &Key<'_>) -> Vec<&'a Arc<User>> {
        let places = match key {
            Key::Id(id) => return self.get(id).into_iter().collect(),
            Key::UserName(name) => self.store.by_user_name.get(*name),
            Key::ExternalId(external_id) => self.store.by_external_id.get(*external_id),
        };
        let mut places = places.cloned().unwrap_or_default();
        places.extend(self.undone.map(|change| change.place));
        places
            .iter()
            .filter_map(|place| match self.undone {
                Some(change) if change.place == *place => change.before.as_ref(),
                _ => self.store.by_place.get(place),
            })
            .collect()
    }
}

/// An id that says nothing, looks like a UUID, and is the same in every run.
fn identifier(place: u64) -> String {
    let high = scrambled(place);
    let low = scrambled(place ^ 0x8_8888_8888);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

/// SplitMix64.
pub(super) fn scrambled(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(name: &str) -> Attributes {
        let value = json!({"userName": name, "externalId": format!("E-{name}")});
        value.as_object().cloned().unwrap()
    }

    fn names(view: View<'_>) -> Vec<String> {
        let users = view.all().filter_map(|user| user.text("userName"));
        users.map(str::to_owned).collect()
    }

    #[test]
    fn a_renamed_user_is_found_by_the_new_name_only() {
        let mut store = Store::default();
        let id = store
            .insert(person("Ada"), false, Timestamp::now())
            .id
            .clone();
        store.replace(&id, person("Lovelace"), Timestamp::now());
        assert!(!store.name_taken("ada", None));
        assert!(store.name_taken("LOVELACE", None));
        assert!(!store.name_taken("lovelace", Some(&id)));
        assert_eq!(store.now().having(&Key::UserName("lovelace")).len(), 1);
        assert!(store.now().having(&Key::ExternalId("E-Ada")).is_empty());
    }

    #[test]
    fn the_state_before_the_latest_change_can_be_read() {
        let mut store = Store::default();
        let now = Timestamp::now();
        let a = store.insert(person("a"), false, now).id.clone();
        let b = store.insert(person("b"), false, now).id.clone();
        assert_eq!(names(store.before_latest()), ["a"]);
        assert!(store.before_latest().get(&b).is_none());
        store.replace(&a, person("z"), now);
        assert_eq!(names(store.before_latest()), ["a", "b"]);
        assert_eq!(store.before_latest().having(&Key::UserName("a")).len(), 1);
        store.remove(&a);
        assert_eq!(names(store.before_latest()), ["z", "b"]);
        assert!(store.before_latest().get(&a).is_some());
        assert_eq!(names(store.now()), ["b"]);
    }

    #[test]
    fn a_change_that_changes_nothing_leaves_times_and_version() {
        let mut store = Store::default();
        let id = store
            .insert(person("a"), false, Timestamp::UNIX_EPOCH)
            .id
            .clone();
        let user = store.replace(&id, person("a"), Timestamp::now()).unwrap();
        assert_eq!((user.version, user.modified), (1, Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn ids_look_like_uuids_and_never_repeat() {
        let ids: HashSet<_> = (0..50_000).map(identifier).collect();
        assert_eq!(ids.len(), 50_000);
        assert!(ids.iter().all(|id| id.len() == 36));
    }
}
