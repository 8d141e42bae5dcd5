//! The plan as its file has it.

use serde::{Deserialize, Serialize};

use crate::contract::Value;
use crate::sync::values;

/// The version of the plan's file.
pub const VERSION: u32 = 1;

/// What is to be done to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A new account.
    Create,
    /// Attributes of an active account.
    Update,
    /// An inactive account becomes active, with whatever changes.
    Reactivate,
    /// An active account becomes inactive.
    Deactivate,
    /// Nothing differs. Counted, and not among the entries of a plan.
    Nothing,
    /// Nothing is done, for a reason that is somebody's decision.
    Skipped,
    /// Nothing is done, because a person has to look.
    Conflict,
}

impl Action {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Reactivate => "reactivate",
            Self::Deactivate => "deactivate",
            Self::Nothing => "nothing",
            Self::Skipped => "skipped",
            Self::Conflict => "conflict",
        }
    }

    /// Whether it sends a write.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Update | Self::Reactivate | Self::Deactivate
        )
    }
}

/// An attribute's change.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeChange {
    /// The attribute.
    pub attribute: String,
    /// What the account has; nothing for one that is to be made.
    pub old: Vec<Value>,
    /// What it is to have; nothing clears it.
    pub new: Vec<Value>,
    /// Whether its values are nobody's to read. They are in no file, and none of those that
    /// are read from one.
    pub hidden: bool,
}

/// A change as the file has it.
#[derive(Serialize, Deserialize)]
struct WrittenChange {
    attribute: String,
    #[serde(with = "values")]
    old: Vec<Value>,
    #[serde(with = "values")]
    new: Vec<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
}

impl Serialize for AttributeChange {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let shown = |values: &[Value]| match values {
            [_, ..] if self.hidden => vec![Value::Text(values::HIDDEN.to_owned())],
            values => values.to_vec(),
        };
        WrittenChange {
            attribute: self.attribute.clone(),
            old: shown(&self.old),
            new: shown(&self.new),
            hidden: self.hidden,
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for AttributeChange {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let WrittenChange {
            attribute,
            old,
            new,
            hidden,
        } = WrittenChange::deserialize(from)?;
        Ok(Self {
            attribute,
            old,
            new,
            hidden,
        })
    }
}

/// The state of an account that a plan was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// The upstream's version, where it has such a thing.
    pub version: Option<String>,
    /// A digest of status and attributes.
    pub fingerprint: String,
}

/// What a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNotice {
    /// Stable and machine-readable.
    pub code: String,
    /// The attribute that it is about.
    pub attribute: Option<String>,
    /// In a sentence.
    pub message: String,
}

/// What is to be done to one person, or to an account that no row names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The person's key; none for an account that no row names and nobody is known to have.
    pub person: Option<String>,
    /// The row's line in the roster.
    pub line: Option<u64>,
    /// What the account is called.
    pub name: Option<String>,
    /// What is to be done.
    pub action: Action,
    /// The account's id; none before it is made.
    pub account: Option<String>,
    /// The account's state that this was decided on.
    pub seen: Option<Seen>,
    /// What is to change.
    pub changes: Vec<AttributeChange>,
    /// Somebody whose change has to be made before this one: they give up the name that this
    /// person gets.
    pub after: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What a person should know.
    pub notices: Vec<PlanNotice>,
    /// What a reviewer decided; none where nobody did.
    pub approved: Option<bool>,
}

impl Entry {
    /// Who it is about: the person's key, else the account's name or id.
    #[must_use]
    pub fn who(&self) -> &str {
        [&self.person, &self.name, &self.account]
            .into_iter()
            .find_map(|text| text.as_deref())
            .unwrap_or("?")
    }

    /// Turns it into one that does nothing.
    pub(crate) fn becomes(&mut self, action: Action, reason: String) {
        self.action = action;
        self.reason = Some(reason);
        self.changes.clear();
        self.after = None;
    }
}

/// How many of each there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Rows of the roster, those that cannot be read among them.
    pub rows: u64,
    /// Rows that cannot be read; they are conflicts too.
    pub bad_rows: u64,
    /// Accounts that are active now, as far as they were read.
    pub active_accounts: u64,
    /// New accounts.
    pub create: u64,
    /// Changes of attributes.
    pub update: u64,
    /// Inactive accounts that become active.
    pub reactivate: u64,
    /// Active accounts that become inactive.
    pub deactivate: u64,
    /// Nothing differs.
    pub nothing: u64,
    /// Left alone by somebody's decision.
    pub skipped: u64,
    /// Left alone until a person has looked.
    pub conflict: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, action: Action) {
        let count = match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Reactivate => &mut self.reactivate,
            Action::Deactivate => &mut self.deactivate,
            Action::Nothing => &mut self.nothing,
            Action::Skipped => &mut self.skipped,
            Action::Conflict => &mut self.conflict,
        };
        *count += 1;
    }

    /// How many writes the plan holds.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.create + self.update + self.reactivate + self.deactivate
    }
}

/// A plan. Its file is one JSON document, an entry a line, its owner's alone to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// [`VERSION`].
    pub version: u32,
    /// The tenant, for people.
    pub tenant: String,
    /// The tenant's digest.
    pub tenant_digest: String,
    /// When it was made, in RFC 3339.
    pub made_at: String,
    /// SHA-256 of the roster.
    pub roster: String,
    /// SHA-256 of the rules.
    pub rules: String,
    /// How many of each there are.
    pub counts: Counts,
    /// Notices of people for whom nothing is to be done.
    pub notices: Vec<NoticeGroup>,
    /// Everybody for whom something is to be done, or who is skipped or a conflict.
    pub entries: Vec<Entry>,
}

/// A notice, and whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeGroup {
    /// Stable and machine-readable.
    pub code: String,
    /// The attribute that it is about.
    pub attribute: Option<String>,
    /// In a sentence.
    pub message: String,
    /// How many people it is about.
    pub count: u64,
    /// The first of them.
    pub people: Vec<String>,
}

/// How many people a group of notices names.
const MOST_NAMED: usize = 50;

impl NoticeGroup {
    /// Adds a person's notice to the group that it belongs to.
    pub(crate) fn add(groups: &mut Vec<Self>, notice: &PlanNotice, who: &str) {
        let known = groups
            .iter_mut()
            .find(|group| group.code == notice.code && group.attribute == notice.attribute);
        let group = match known {
            Some(group) => group,
            None => {
                groups.push(Self {
                    code: notice.code.clone(),
                    attribute: notice.attribute.clone(),
                    message: notice.message.clone(),
                    count: 0,
                    people: Vec::new(),
                });
                let Some(group) = groups.last_mut() else {
                    return;
                };
                group
            }
        };
        group.count += 1;
        if group.people.len() < MOST_NAMED {
            group.people.push(who.to_owned());
        }
    }
}
